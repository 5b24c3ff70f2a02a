/** `call.open`: the breaker is open, and the answer comes from the cache. */

import CircuitBreaker from 'opossum';
import { type Call, contest } from '../contest.ts';
import type { Measured } from '../figure.ts';
import { withManyOperations } from '../many-operations.ts';
import { type Answer, createSubject, inputOf, inputs, type Subject, upstream } from '../subject.ts';

/** Longer than the measurement. */
const openFor = 3_600_000;

export async function measure(): Promise<Measured> {
  const opossum = new CircuitBreaker(upstream, { timeout: 5_000, resetTimeout: openFor });
  const fallback: Answer = { id: 'fallback', facts: 0 };
  opossum.fallback(() => fallback);
  opossum.open();
  const baseline: Call = (number) => opossum.fire(inputOf(number));
  const measured = await contest({ subject: (await openSubject(1)).call, baseline });
  return withManyOperations(measured, baseline, await openSubject(1_000));
}

/** Every answer is in the cache when the upstream fails. */
async function openSubject(operations: number): Promise<Subject> {
  const subject = await createSubject(operations, {
    breaker: { failureThreshold: 1, openFor },
    cache: { maxEntries: operations * inputs.length },
    recoveryRamp: 0,
    retry: { retries: 0 },
  });
  const { manager, reads } = subject;
  for (const read of reads) for (const input of inputs) await read(input);
  const failing = manager.read('failing', {
    run: () => Promise.reject(new Error('down')),
  });
  await failing().catch(() => {});
  const { outcome } = (await reads[0]?.detailed(inputOf(0))) ?? {};
  if (outcome !== 'stale') throw new Error(`Expected a stale answer, got ${outcome}`);
  return subject;
}
