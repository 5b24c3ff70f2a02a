/** An answer made of one that is cached for another question: part of a longer list, or one of many found. */

import type { Hit } from './cache.ts';
import type { DeclaredRead } from './declared-read.ts';
import { deepFreeze } from './json.ts';

/**
 * The newest answer that can be made so. Only what was asked with equal headers counts: another user's
 * answer is none.
 */
export function derivedAnswer<Input, Value>(
  { engine, name, spec, answers }: DeclaredRead<Input, Value>,
  input: Input,
  key: string,
): Hit | undefined {
  const { derived } = spec;
  if (!derived) return undefined;
  const { headers } = askedIn(key);
  let newest: Hit | undefined;
  try {
    for (const [otherKey, hit] of engine.cache.concerning(derived.from(input))) {
      if (otherKey === key || (newest && hit.ageMs >= newest.ageMs)) continue;
      const other = askedIn(otherKey);
      if (other.headers !== headers) continue;
      const { operation, asked } = other;
      const value = derived.make({ operation, asked: asked(), value: hit.value }, input);
      if (value !== undefined) newest = { ...hit, value: deepFreeze(value) };
    }
  } catch (error) {
    answers.warn(`\`derived\` of '${name}' threw: ${String(error)}`);
  }
  return newest;
}

/** What a key of the cache says, as the answers of a read make it. */
function askedIn(key: string) {
  const [operation = '', , asked = '', headers = ''] = key.split('\u0000');
  return { operation, headers, asked: () => (asked === '' ? undefined : JSON.parse(asked)) };
}
