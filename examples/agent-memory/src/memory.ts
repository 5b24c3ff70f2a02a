/** What an agent remembers of a conversation: told to Graphiti turn by turn, and recalled before each answer. */

import { isFallbackError } from '@graphiti-fallback/core';
import type { GraphitiClient } from '@graphiti-fallback/graphiti';

/** One turn of a conversation. */
export interface Turn {
  readonly speaker: 'user' | 'assistant';
  readonly text: string;
}

/** What is known before an answer is given. */
export interface Recollection {
  /** The last turns, the oldest first; those that Graphiti does not have yet are among them. */
  readonly turns: readonly (Turn & { readonly pending: boolean })[];
  /** What Graphiti concluded from all that was said. */
  readonly facts: readonly string[];
  /** `unavailable` where Graphiti cannot be asked and nothing like it was asked before. */
  readonly factsAre: 'live' | 'stale' | 'unavailable';
}

/** How many of the last turns and of the facts an agent is given. */
const [lastTurns, mostFacts] = [10, 5];

/** Remembers a turn. The receipt says whether Graphiti was told, or will be. */
export function remember(
  graphiti: GraphitiClient,
  conversation: string,
  { speaker, text }: Turn,
): ReturnType<GraphitiClient['addMessages']> {
  return graphiti.addMessages(conversation, [{ role_type: speaker, role: speaker, content: text }]);
}

/** Recalls what matters to what the user says now. Without facts an agent still has the turns. */
export async function recall(
  graphiti: GraphitiClient,
  conversation: string,
  text: string,
): Promise<Recollection> {
  const [turns, found] = await Promise.all([
    turnsOf(graphiti, conversation),
    factsOn(graphiti, conversation, text),
  ]);
  return { turns, ...found };
}

async function turnsOf(
  graphiti: GraphitiClient,
  conversation: string,
): Promise<Recollection['turns']> {
  const episodes = await graphiti.getEpisodes(conversation, lastTurns).catch(unlessUnavailable);
  return episodes.map(({ content, pending = false }) => {
    const [, speaker, said = content] = /^.*?\((user|assistant)\): (.*)$/s.exec(content) ?? [];
    return { speaker: speaker === 'assistant' ? 'assistant' : 'user', text: said, pending };
  });
}

async function factsOn(
  graphiti: GraphitiClient,
  conversation: string,
  text: string,
): Promise<Pick<Recollection, 'facts' | 'factsAre'>> {
  try {
    const query = { query: text, group_ids: [conversation], max_facts: mostFacts };
    const { value, outcome } = await graphiti.search.detailed(query);
    const facts = value.facts.map(({ fact }) => fact);
    return { facts, factsAre: outcome === 'live' ? 'live' : 'stale' };
  } catch (error) {
    return { facts: unlessUnavailable(error), factsAre: 'unavailable' };
  }
}

/** Nothing is known where nothing was asked before; whatever else is wrong is an error. */
function unlessUnavailable(error: unknown): readonly never[] {
  if (isFallbackError(error, 'FALLBACK_UNAVAILABLE')) return [];
  throw error;
}
