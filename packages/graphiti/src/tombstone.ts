/** Tombstones: what a queued deletion hides until Graphiti has done it. */

import type { PendingWrite } from '@graphiti-fallback/core';
import { deleteEntityEdge, deleteEpisode } from './deletion.ts';
import type { Episode, Fact, Facts } from './model.ts';

/** What queued deletions are about. */
interface Tombstones {
  readonly edges: ReadonlySet<string>;
  readonly episodes: ReadonlySet<string>;
}

/** The facts that no queued deletion is about: of a fact itself, or of the message that stated it first. */
export function visibleFacts(
  answer: Facts | undefined,
  pending: readonly PendingWrite[],
): Facts | undefined {
  const tombstones = tombstonesOf(pending);
  const facts = answer?.facts.filter((fact) => !isFactHidden(fact, tombstones));
  if (!answer || !facts || facts.length === answer.facts.length) return answer;
  return { ...answer, facts };
}

/** Whether a queued deletion is about a fact; one that is not at hand is known by its `uuid` only. */
export function isHidden(
  fact: Pick<Fact, 'uuid'> & Partial<Fact>,
  pending: readonly PendingWrite[],
): boolean {
  return isFactHidden(fact, tombstonesOf(pending));
}

/** The messages that no queued deletion is about. */
export function visibleEpisodes(
  episodes: readonly Episode[],
  pending: readonly PendingWrite[],
): readonly Episode[] {
  const { episodes: hidden } = tombstonesOf(pending);
  return hidden.size === 0 ? episodes : episodes.filter(({ uuid }) => !hidden.has(uuid));
}

function isFactHidden(
  { uuid, episodes }: Pick<Fact, 'uuid'> & Partial<Fact>,
  tombstones: Tombstones,
): boolean {
  return tombstones.edges.has(uuid) || tombstones.episodes.has(episodes?.[0] ?? '');
}

function tombstonesOf(pending: readonly PendingWrite[]): Tombstones {
  const of = (name: string) =>
    new Set(
      pending.flatMap(({ operation, input }) =>
        operation === name ? (input as { readonly uuid: string }).uuid : [],
      ),
    );
  return { edges: of(deleteEntityEdge), episodes: of(deleteEpisode) };
}
