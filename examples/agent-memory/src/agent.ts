/** Stands in for a language model: it answers with what it was given, so that one sees what was. */

import type { Recollection } from './memory.ts';

/** Answers what a user said. */
export function answerTo(text: string, { facts, factsAre }: Recollection): string {
  if (factsAre === 'unavailable')
    return `I cannot look into my memory right now. You said: ${text}`;
  const others = facts.filter((fact) => fact !== text);
  if (others.length === 0) return `I did not know that yet: ${text}`;
  const since = factsAre === 'stale' ? ', as far as I knew last' : '';
  return `I remember${since}: ${others.join(' ')}`;
}
