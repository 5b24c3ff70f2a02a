/** `cache.hit`: a fresh answer from the cache, with every span sampled and batched. */

import { LRUCache } from 'lru-cache';
import { contest } from '../contest.ts';
import type { Measured } from '../figure.ts';
import { startSdk } from '../sdk.ts';
import { type Answer, createSubject, inputOf, inputs, upstream } from '../subject.ts';
import { traced } from '../traced.ts';

export async function measure(): Promise<Measured> {
  startSdk();
  const { reads, call } = await createSubject(1, { cache: { ttl: 3_600_000 } });
  const values = new LRUCache<string, Answer>({ max: 10_000 });
  for (const input of inputs) {
    await reads[0]?.(input);
    values.set(input, await upstream(input));
  }
  const baseline = traced('cache', (input) => values.get(input));
  return contest({ subject: call, baseline: (number) => baseline(inputOf(number)) });
}
