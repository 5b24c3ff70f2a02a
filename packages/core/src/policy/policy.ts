/** What surrounds a call to the upstream: deadline, bulkhead, retry, breaker, from the outside in. */

import * as api from '@opentelemetry/api';
import type { Breaker } from '../breaker/breaker.ts';
import type { Permit } from '../breaker/permit.ts';
import type { Clock } from '../clock.ts';
import { TimeoutError } from '../errors.ts';
import { countsAgainstUpstream, type Failure, RefusedHere } from '../failure.ts';
import { type Bulkhead, type BulkheadOptions, createBulkhead } from './bulkhead.ts';
import {
  createDeadline,
  createSingleDeadline,
  type Deadline,
  type DeadlineContext,
} from './deadline.ts';
import { createRetry, type RetryOptions } from './retry.ts';

/** How one call is to be made. */
export interface CallPlan<T> {
  readonly run: (context: DeadlineContext) => PromiseLike<T> | T;
  readonly breaker: Breaker;
  readonly timeoutMs: number;
  /** How much of that is over already, in ms. @default 0 */
  readonly waitedMs?: number;
  readonly signal: AbortSignal | undefined;
  /** A permit that was taken before. */
  readonly permit?: Permit;
  /** Goes past a full bulkhead: the drain always keeps one slot. */
  readonly reserved?: boolean;
  /** Whether a failure may be tried again; nothing is where absent. */
  readonly retriable?: (failure: Failure) => boolean;
  /** Told of each try's end, with its number from 1 and when it began, in wall-clock ms. */
  readonly onAttempt?: (number: number, failure: Failure | undefined, startedAt: number) => void;
}

/** A call was given up by its caller; `sent` tells whether the upstream may have seen it. */
export class CallAborted extends Error {
  override readonly name = 'CallAborted';
  readonly sent: boolean;

  constructor(reason: unknown, sent: boolean) {
    super('The caller gave up', { cause: reason });
    this.sent = sent;
  }
}

/** Makes calls as planned. */
export interface Policy {
  /**
   * @throws {RefusedHere} when the breaker or the bulkhead lets nothing through
   * @throws {CallAborted} when the caller's signal ended it
   * @throws {TimeoutError} at the deadline, or what the last try threw
   */
  call<T>(plan: CallPlan<T>): Promise<T>;
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
  const retry = createRetry(retryOptions, random);
  const deadlines = new Map<number, Deadline>();

  return { call, bulkhead };

  function call<T>(plan: CallPlan<T>): Promise<T> {
    const flight: Flight = {
      context: api.context.active(),
      permit: plan.permit,
      slot: false,
      sent: false,
      maybe: false,
      tries: 0,
      triedAt: 0,
      error: undefined,
    };
    return deadlineOf(plan)(
      (context) => attempts(plan, context, flight),
      plan.signal,
      (reason) => cut(plan, flight, reason),
    );
  }

  async function attempts<T>(
    plan: CallPlan<T>,
    context: DeadlineContext,
    flight: Flight,
  ): Promise<T> {
    try {
      if (bulkhead.take()) flight.slot = true;
      else if (!plan.reserved) {
        await bulkhead.wait(context.signal);
        flight.slot = true;
      }
      retry.begin();
      let waitedMs = 0;
      for (let number = 1; ; number += 1) {
        if (context.over) throw new Error('The call was over before it was sent');
        const permit = flight.permit ?? plan.breaker.admit('call', plan.timeoutMs);
        if (!permit) throw flight.error ?? notAdmitted(plan.breaker);
        flight.permit = permit;
        flight.sent = true;
        flight.tries = number;
        flight.triedAt = clock.now();
        try {
          const value = await plan.run(context);
          if (context.over) return value;
          permit.succeed();
          plan.onAttempt?.(number, undefined, flight.triedAt);
          return value;
        } catch (error) {
          if (context.over) throw error;
          const failure = classify(error);
          settle(permit, failure);
          plan.onAttempt?.(number, failure, flight.triedAt);
          flight.permit = undefined;
          flight.error = error;
          flight.maybe ||= failure.applied === 'maybe';
          const failed = { number, failure, waitedMs, leftMs: context.remaining() };
          const wait = plan.retriable?.(failure) ? retry.wait(failed) : undefined;
          if (wait === undefined) throw error;
          flight.sent = flight.maybe;
          waitedMs = wait;
          await sleep(wait, context);
        }
      }
    } finally {
      release(flight);
    }
  }

  /** At the deadline or at the caller's abort the try is still running: what it holds is let go here. */
  function cut(plan: CallPlan<unknown>, flight: Flight, reason: unknown): unknown {
    const timedOut = reason instanceof TimeoutError;
    if (timedOut) reason.sent = flight.sent;
    const { permit, tries, triedAt } = flight;
    if (timedOut && permit)
      // One timer serves the deadlines of many requests: what this one leads to belongs to its own trace.
      api.context.with(flight.context, () => {
        const failure = classify(reason);
        settle(permit, failure);
        plan.onAttempt?.(tries, failure, triedAt);
      });
    release(flight);
    return timedOut ? reason : new CallAborted(reason, flight.sent);
  }

  function release(flight: Flight): void {
    flight.permit?.release();
    if (flight.slot) bulkhead.give();
    flight.slot = false;
  }

  function deadlineOf({ timeoutMs, waitedMs = 0 }: CallPlan<unknown>): Deadline {
    if (waitedMs > 0) return createSingleDeadline(Math.max(1, timeoutMs - waitedMs), clock);
    const known = deadlines.get(timeoutMs);
    if (known) return known;
    if (deadlines.size >= keptDeadlines) return createSingleDeadline(timeoutMs, clock);
    const deadline = createDeadline(timeoutMs, clock);
    deadlines.set(timeoutMs, deadline);
    return deadline;
  }

  function sleep(ms: number, { signal }: DeadlineContext): Promise<void> {
    return new Promise((resolve) => {
      // Somebody waits for this call: a script must not end before it is told.
      const cancel = clock.after(ms, resolve, true);
      const wake = () => {
        cancel();
        resolve();
      };
      signal.addEventListener('abort', wake, { once: true });
    });
  }
}

/** What a call has come to: read by whoever ends it from outside. */
interface Flight {
  readonly context: api.Context;
  permit: Permit | undefined;
  /** Whether it has a slot of the bulkhead. */
  slot: boolean;
  /** Whether the upstream may have seen the call by now. */
  sent: boolean;
  /** Whether an earlier try may have been applied. */
  maybe: boolean;
  tries: number;
  /** When the last one began, in wall-clock ms. */
  triedAt: number;
  error: unknown;
}

function settle(permit: Permit, failure: Failure): void {
  if (countsAgainstUpstream(failure)) permit.fail(failure.code);
  else permit.release();
}

function notAdmitted({ refusal }: Breaker): RefusedHere {
  return new RefusedHere(refusal);
}
