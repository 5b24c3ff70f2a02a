/** Whether a call that failed is tried again, and after which wait. */

import type { Failure } from '../failure.ts';
import { createRetryBudget } from './retry-budget.ts';

/** How often a call is tried again. */
export interface RetryOptions {
  /** Tries after the first one. @default 2 */
  readonly retries?: number;
  /** Shortest wait between tries, in ms. @default 100 */
  readonly initialDelay?: number;
  /** Longest wait between tries, in ms, but for a `Retry-After`. @default 2,000 */
  readonly maxDelay?: number;
}

/** A try that failed. */
interface FailedTry {
  /** From 1. */
  readonly number: number;
  readonly failure: Failure;
  /** The wait before it, in ms; 0 before the first. */
  readonly waitedMs: number;
  /** What is left until the call's deadline, in ms. */
  readonly leftMs: number;
}

/** Decides on tries, for all calls together: they share one budget. */
export interface Retry {
  /** A call begins: it earns a little for the retries of all. */
  begin(): void;
  /**
   * How long to wait before the next try, in ms, and takes it from the budget. `undefined` where there
   * is none: too many, the deadline would be over, or the budget is spent.
   */
  wait(failed: FailedTry): number | undefined;
}

/** Retries are at most a tenth of the calls, and ten. */
const share = 0.1;
const reserve = 10;
/** A wait is up to so many times the one before. */
const growth = 3;

/**
 * Decorrelated jitter, as Marc Brooker describes it in "Exponential Backoff and Jitter" (AWS, 2015): at
 * random between the shortest wait and three times the last one. (cockatiel's generator begins near 0,
 * whatever the shortest wait is, and brings its own chance, which no test can hold.)
 */
export function createRetry(
  { retries, initialDelay, maxDelay }: Required<RetryOptions>,
  random: () => number,
): Retry {
  const budget = createRetryBudget(share, reserve);
  return {
    begin: budget.deposit,
    wait({ number, failure, waitedMs, leftMs }) {
      if (number > retries) return undefined;
      const longest = growth * Math.max(initialDelay, waitedMs);
      const jittered = Math.min(maxDelay, initialDelay + random() * (longest - initialDelay));
      // An upstream that says when to come again is not asked before.
      const ms = Math.max(jittered, failure.retryAfterMs ?? 0);
      return ms < leftMs && budget.withdraw() ? ms : undefined;
    },
  };
}
