/** What surrounds a call to the upstream: deadline, bulkhead, retry, breaker, from the outside in. */

import type { Clock } from '../clock.ts';
import type { Failure } from '../failure.ts';
import { type Bulkhead, type BulkheadOptions, createBulkhead } from './bulkhead.ts';
import { type CallPlan, type CallSurroundings, PlannedCall } from './call.ts';
import { Deadline } from './deadline.ts';
import { createRetry, type RetryOptions } from './retry.ts';

/** Makes calls as planned. */
export interface Policy {
  /**
   * @throws {RefusedHere} when the breaker or the bulkhead lets nothing through
   * @throws {CallAborted} when the caller's signal ended it
   * @throws {TimeoutError} at the deadline, or what the last try threw
   */
  call<T>(plan: CallPlan<T>): Promise<T>;
  /** What calls with a plan of their own begin with. */
  readonly around: CallSurroundings;
  /** The deadline of calls that last so long, or what is left of it to one that has waited, in ms. */
  deadline(timeoutMs: number, waitedMs?: number): Deadline;
  readonly bulkhead: Bulkhead;
}

interface PolicyOptions {
  readonly bulkhead: Required<BulkheadOptions>;
  readonly retry: Required<RetryOptions>;
  readonly clock: Clock;
  readonly random: () => number;
  readonly classify: (error: unknown) => Failure;
}

/** Deadlines are shared by duration; odd ones, of calls that waited before, are not kept. */
const keptDeadlines = 64;

/** Creates the policy that all operations of one upstream share. */
export function createPolicy({
  bulkhead: bounds,
  retry: retryOptions,
  clock,
  random,
  classify,
}: PolicyOptions): Policy {
  const bulkhead = createBulkhead(bounds);
  const around = { bulkhead, retry: createRetry(retryOptions, random), clock, classify };
  const deadlines = new Map<number, Deadline>();

  return {
    call: (plan) =>
      new PlannedCall(around, plan, deadline(plan.timeoutMs, plan.waitedMs)).start(plan.reserved),
    around,
    deadline,
    bulkhead,
  };

  function deadline(timeoutMs: number, waitedMs = 0): Deadline {
    if (waitedMs > 0) return new Deadline(Math.max(1, timeoutMs - waitedMs), clock, false);
    const known = deadlines.get(timeoutMs);
    if (known) return known;
    const lasting = deadlines.size < keptDeadlines;
    const made = new Deadline(timeoutMs, clock, lasting);
    if (lasting) deadlines.set(timeoutMs, made);
    return made;
  }
}
