/** `call.noop`: a live read through the whole path, without an SDK. */

import * as cockatiel from 'cockatiel';
import CircuitBreaker from 'opossum';
import { contest } from '../contest.ts';
import type { Measured } from '../figure.ts';
import { createSubject, inputOf, upstream } from '../subject.ts';

const timeout = 5_000;
/** Answers are not kept. */
const cache = { ttl: 0, staleIfError: 0 };

export async function measure(): Promise<Measured> {
  const { call } = await createSubject(1, { cache });
  const { call: manyCall } = await createSubject(1_000, { cache });
  const opossum = new CircuitBreaker(upstream, { timeout });
  const nested = nestedPolicies();
  return contest({
    subject: call,
    baseline: (number) => opossum.fire(inputOf(number)),
    beside: {
      '1,000 operations declared, called in turn': manyCall,
      'bare cockatiel: bulkhead, retry, breaker and timeout': (number) =>
        nested.execute(() => upstream(inputOf(number))),
    },
  });
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
