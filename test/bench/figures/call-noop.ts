/** `call.noop`: a live read through the whole path, without an SDK. */

import * as cockatiel from 'cockatiel';
import CircuitBreaker from 'opossum';
import { type Call, contest } from '../contest.ts';
import type { Measured } from '../figure.ts';
import { withManyOperations } from '../many-operations.ts';
import { createSubject, inputOf, upstream } from '../subject.ts';

const timeout = 5_000;
/** Answers are not kept. */
const cache = { ttl: 0, staleIfError: 0 };

export async function measure(): Promise<Measured> {
  const { call } = await createSubject(1, { cache });
  const opossum = new CircuitBreaker(upstream, { timeout });
  const baseline: Call = (number) => opossum.fire(inputOf(number));
  const nested = nestedPolicies();
  const measured = await contest({
    subject: call,
    baseline,
    beside: {
      'bare cockatiel: bulkhead, retry, breaker and timeout': (number) =>
        nested.execute(() => upstream(inputOf(number))),
    },
  });
  return withManyOperations(measured, baseline, await createSubject(1_000, { cache }));
}

function nestedPolicies(): cockatiel.IPolicy {
  const { bulkhead, circuitBreaker, handleAll, retry, wrap } = cockatiel;
  return wrap(
    cockatiel.timeout(timeout, {
      strategy: cockatiel.TimeoutStrategy.Aggressive,
      abortOnReturn: false,
    }),
    bulkhead(64, 256),
    retry(handleAll, { maxAttempts: 2 }),
    circuitBreaker(handleAll, {
      halfOpenAfter: 60_000,
      breaker: new cockatiel.ConsecutiveBreaker(5),
    }),
  );
}
