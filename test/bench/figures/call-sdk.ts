/** `call.sdk`: a live read with every span sampled and batched. */

import { contest } from '../contest.ts';
import type { Measured } from '../figure.ts';
import { startSdk } from '../sdk.ts';
import { createSubject, inputOf, upstream } from '../subject.ts';
import { traced } from '../traced.ts';

/** Answers are not kept. */
const cache = { ttl: 0, staleIfError: 0 };

export async function measure(): Promise<Measured> {
  startSdk();
  const { call } = await createSubject(1, { cache });
  const { call: manyCall } = await createSubject(1_000, { cache });
  const baseline = traced('live', upstream);
  return contest({
    subject: call,
    baseline: (number) => baseline(inputOf(number)),
    beside: { '1,000 operations declared, called in turn': manyCall },
  });
}
