/** `call.sdk`: a live read with every span sampled and batched. */

import { type Call, contest } from '../contest.ts';
import type { Measured } from '../figure.ts';
import { withManyOperations } from '../many-operations.ts';
import { startSdk } from '../sdk.ts';
import { createSubject, inputOf, upstream } from '../subject.ts';
import { traced } from '../traced.ts';

/** Answers are not kept. */
const cache = { ttl: 0, staleIfError: 0 };

export async function measure(): Promise<Measured> {
  startSdk();
  const { call } = await createSubject(1, { cache });
  const handmade = traced('live', upstream);
  const baseline: Call = (number) => handmade(inputOf(number));
  const measured = await contest({ subject: call, baseline });
  return withManyOperations(measured, baseline, await createSubject(1_000, { cache }));
}
