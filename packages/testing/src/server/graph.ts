/** The stored graph: episodes, the facts they state, and entity nodes, by group. */

import { createHash, randomUUID } from 'node:crypto';
import { type Fact, factsOf } from './facts.ts';
import type { EntityNodeRequest, Message } from './requests.ts';

/** A message after ingestion. */
export interface Episode {
  readonly uuid: string;
  readonly name: string;
  readonly group_id: string;
  readonly labels: readonly string[];
  readonly created_at: string;
  readonly source: 'message';
  readonly source_description: string;
  /** `role(role_type): text` */
  readonly content: string;
  readonly valid_at: string;
  readonly entity_edges: readonly string[];
}

/** An entity as POST /entity-node answers it. */
export interface EntityNode {
  readonly uuid: string;
  readonly name: string;
  readonly group_id: string;
  readonly labels: readonly string[];
  readonly created_at: string;
  readonly name_embedding: readonly number[];
  readonly summary: string;
  readonly attributes: Readonly<Record<string, unknown>>;
}

/** What a group holds; an episode's place is its `valid_at`, then its arrival. */
interface Group {
  readonly episodes: Episode[];
  /** By their text: a fact that is stated again is the same fact. */
  readonly facts: Map<string, Fact>;
}

/** Data that survives a restart of the server, as a database would. */
export class Graph {
  readonly #now: () => number;
  readonly #groups = new Map<string, Group>();
  readonly #nodes = new Map<string, EntityNode>();

  constructor(now: () => number) {
    this.#now = now;
  }

  /** The ids of all groups that hold anything. */
  get groupIds(): string[] {
    const filled = [...this.#groups].filter(
      ([, { episodes, facts }]) => episodes.length + facts.size,
    );
    return [
      ...new Set([...filled.map(([id]) => id), ...this.nodes().map((node) => node.group_id)]),
    ];
  }

  /** Stores a new episode and its facts. */
  addEpisode(groupId: string, message: Message): void {
    const now = this.#time();
    const group = this.#group(groupId);
    const episode = this.#withFacts({
      uuid: randomUUID(),
      name: message.name,
      group_id: groupId,
      labels: [],
      created_at: now,
      source: 'message',
      source_description: message.source_description,
      content: `${message.role ?? ''}(${message.role_type}): ${message.content}`,
      valid_at: message.timestamp ?? now,
      entity_edges: [],
    });
    const later = group.episodes.findLastIndex(({ valid_at }) => valid_at <= episode.valid_at);
    group.episodes.splice(later + 1, 0, episode);
  }

  /** Takes the facts of a stored episode once more; throws when there is none. */
  reprocess(uuid: string): void {
    for (const { episodes } of this.#groups.values()) {
      const index = episodes.findIndex((episode) => episode.uuid === uuid);
      const episode = episodes[index];
      if (!episode) continue;
      episodes[index] = this.#withFacts(episode);
      return;
    }
    throw new Error(`node ${uuid} not found`);
  }

  /** The stored episodes of a group, oldest first. */
  episodes(groupId: string): readonly Episode[] {
    return this.#groups.get(groupId)?.episodes ?? [];
  }

  /** The newest `n` episodes of a group that are not in the future, oldest first; throws when `n` is negative. */
  lastEpisodes(groupId: string, n: number): readonly Episode[] {
    if (n < 0) throw new Error('LIMIT must not be negative');
    const all = this.episodes(groupId);
    const now = this.#time();
    const end = all.findLastIndex(({ valid_at }) => valid_at <= now) + 1;
    return all.slice(Math.max(0, end - n), end);
  }

  /** The facts of some groups, or of all, in the order in which they were first stated. */
  facts(groupIds: Iterable<string> = this.#groups.keys()): Fact[] {
    return [...groupIds].flatMap((id) => [...(this.#groups.get(id)?.facts.values() ?? [])]);
  }

  /** The fact of a uuid, if there is one. */
  fact(uuid: string): Fact | undefined {
    return this.facts().find((fact) => fact.uuid === uuid);
  }

  /** The entity nodes, of one group or of all. */
  nodes(groupId?: string): EntityNode[] {
    const all = [...this.#nodes.values()];
    return groupId === undefined ? all : all.filter((node) => node.group_id === groupId);
  }

  /** Stores an entity node over whatever had its uuid, with a new `created_at`. */
  putNode({ uuid, name, group_id, summary }: EntityNodeRequest): EntityNode {
    const name_embedding = embedding(name);
    const created_at = this.#time();
    const node = {
      uuid,
      name,
      group_id,
      labels: [],
      created_at,
      name_embedding,
      summary,
      attributes: {},
    };
    this.#nodes.set(uuid, node);
    return node;
  }

  /** Removes a fact; false when there is none of that uuid. */
  deleteFact(uuid: string): boolean {
    for (const { facts } of this.#groups.values()) {
      for (const [text, fact] of facts) {
        if (fact.uuid === uuid) return facts.delete(text);
      }
    }
    return false;
  }

  /** Removes an episode and the facts that it was the first to state; false when there is none. */
  deleteEpisode(uuid: string): boolean {
    for (const { episodes, facts } of this.#groups.values()) {
      const index = episodes.findIndex((episode) => episode.uuid === uuid);
      if (index < 0) continue;
      episodes.splice(index, 1);
      for (const [text, fact] of facts) if (fact.episodes[0] === uuid) facts.delete(text);
      return true;
    }
    return false;
  }

  /** Removes all that a group holds, if anything. */
  deleteGroup(groupId: string): void {
    this.#groups.delete(groupId);
    for (const { uuid } of this.nodes(groupId)) this.#nodes.delete(uuid);
  }

  /** Removes everything. */
  clear(): void {
    this.#groups.clear();
    this.#nodes.clear();
  }

  #withFacts(episode: Episode): Episode {
    const { facts } = this.#group(episode.group_id);
    const stated = factsOf(episode, this.#time()).map((fact) => {
      const known = facts.get(fact.fact.toLowerCase());
      if (known?.episodes.includes(episode.uuid)) return known;
      const merged = known ? { ...known, episodes: [...known.episodes, episode.uuid] } : fact;
      facts.set(fact.fact.toLowerCase(), merged);
      return merged;
    });
    return { ...episode, entity_edges: [...new Set(stated.map(({ uuid }) => uuid))] };
  }

  #group(id: string): Group {
    const group = this.#groups.get(id) ?? { episodes: [], facts: new Map() };
    this.#groups.set(id, group);
    return group;
  }

  #time(): string {
    return new Date(this.#now()).toISOString();
  }
}

/** 1024 numbers that follow from the name, about as long as a unit vector. */
function embedding(name: string): number[] {
  const bytes = createHash('shake256', { outputLength: 1024 }).update(name).digest();
  return Array.from(bytes, (byte) => (byte - 127.5) / 127.5 / 18.5);
}
