/** What the server takes for the work of an LLM: every sentence of a message states a fact. */

import { stableUuid } from './stable-uuid.ts';

/** An edge between two entities, as Graphiti's search answers it. */
export interface Fact {
  readonly uuid: string;
  readonly name: string;
  readonly fact: string;
  readonly valid_at: string | null;
  readonly invalid_at: string | null;
  readonly created_at: string;
  readonly expired_at: string | null;
  readonly source_node_uuid: string;
  readonly target_node_uuid: string;
  /** The episodes that state it, the first one first. */
  readonly episodes: readonly string[];
}

/** The facts that an episode states, one for each sentence of what was said in it. */
export function factsOf(
  episode: {
    readonly uuid: string;
    readonly group_id: string;
    readonly content: string;
    readonly valid_at: string;
  },
  now: string,
): Fact[] {
  const { speaker, said } = spoken(episode.content);
  return sentences(said).map((sentence, index) => ({
    uuid: stableUuid('fact', episode.uuid, index, now),
    name: 'STATES',
    fact: sentence,
    valid_at: episode.valid_at,
    invalid_at: null,
    created_at: now,
    expired_at: null,
    source_node_uuid: stableUuid('node', episode.group_id, speaker),
    target_node_uuid: stableUuid('node', episode.group_id, sentence),
    episodes: [episode.uuid],
  }));
}

/** Undoes an episode's `role(role_type): text`. */
function spoken(content: string): { speaker: string; said: string } {
  const [, speaker = '', said = ''] =
    /^(.*?\((?:user|assistant|system)\)): (.*)$/s.exec(content) ?? [];
  return { speaker, said };
}

function sentences(text: string): string[] {
  return text
    .split(/(?<=[.!?])\s+|\n+/)
    .map((sentence) => sentence.trim())
    .filter((sentence) => sentence !== '');
}
