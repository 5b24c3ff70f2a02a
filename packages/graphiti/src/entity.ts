/** What answers concern besides their groups: what is deleted takes along every answer that it is in. */

import type { Entity } from '@graphiti-fallback/core';
import type { Episode, Fact } from './model.ts';

/** A fact is an edge between two entity nodes. */
export function edgeEntity(uuid: string): Entity {
  return { type: 'entity_edge', id: uuid };
}

/** A message as Graphiti stored it. */
export function episodeEntity(uuid: string): Entity {
  return { type: 'episode', id: uuid };
}

/** A fact goes by itself, and with the episode that stated it first: Graphiti deletes both. */
export function entitiesOfFacts(facts: readonly Fact[] = []): readonly Entity[] {
  const entities: Entity[] = [];
  for (const { uuid, episodes } of facts) {
    entities.push(edgeEntity(uuid));
    // Not checked in answers: a fact without them is a fact.
    const first = episodes?.[0];
    if (first !== undefined) entities.push(episodeEntity(first));
  }
  return entities;
}

/** Each episode by itself. */
export function entitiesOfEpisodes(episodes: readonly Episode[] = []): readonly Entity[] {
  return episodes.map(({ uuid }) => episodeEntity(uuid));
}
