/** One vocabulary for what became of a call: values, receipts, spans, metrics and headers use it. */

import type { FailureLabel } from './failure.ts';
import type { Durability } from './journal.ts';

/** What became of a read that answered. */
export type ReadOutcome = 'live' | 'cache' | 'stale' | 'entity';

/** What became of a write that was accepted. */
export type WriteOutcome = 'applied' | 'accepted' | 'queued' | 'stored';

/** What became of any call: `rejected` is the caller's doing, `failure` nobody's wish. */
export type Outcome = ReadOutcome | WriteOutcome | 'rejected' | 'failure';

/** What can become of each kind of call. */
export const outcomesOf: Readonly<Record<'read' | 'write', readonly Outcome[]>> = {
  read: ['live', 'cache', 'stale', 'entity', 'rejected', 'failure'],
  write: ['applied', 'accepted', 'queued', 'stored', 'rejected', 'failure'],
};

/** Whether what became of a call is the work of fallback. */
export function usesFallback(outcome: Outcome): boolean {
  return fallbackOutcomes.some((each) => each === outcome);
}

const fallbackOutcomes: readonly Outcome[] = ['stale', 'entity', 'queued', 'stored'];

/** Why a call was not answered live, as codes. */
export const fallbackReasons = [
  'open',
  'half_open',
  'isolated',
  'unavailable',
  'unknown',
  'throttled',
  'shed',
  'soft_timeout',
  'lane_busy',
  'bulkhead_full',
] as const;

/** Why a call was not answered live. */
export type FallbackReason = (typeof fallbackReasons)[number];

/** Whether a code is a reason. */
export function isFallbackReason(code: string): code is FallbackReason {
  return fallbackReasons.some((reason) => reason === code);
}

/** What one try of the upstream can come to. */
export const attemptResults: readonly ('success' | FailureLabel)[] = [
  'success',
  'unavailable',
  'throttled',
  'unknown',
  'unauthorized',
  'rejected',
];

/** The answer of a read, with where it came from. */
export interface Detailed<Value> {
  readonly value: Value;
  readonly outcome: ReadOutcome;
  /** Age of what was served, in ms; 0 when live. */
  readonly ageMs: number;
  /** How many queued writes concern the answer; an `overlay` may have laid them over it. */
  readonly pending: number;
  /** Why the upstream did not answer, where it did not. */
  readonly cause?: unknown;
}

/**
 * What a write left behind: applied upstream, acknowledged there and kept until it is seen, queued to be
 * applied later, or stored until somebody syncs.
 */
export type Receipt<Value> =
  | { readonly outcome: 'applied'; readonly value: Value }
  | {
      readonly outcome: 'accepted' | 'queued' | 'stored';
      /** Id of the operation that was kept, also its idempotency key. */
      readonly operation: string;
      /** Ids of all that were kept, where one call makes several: those that were applied at once are not among them. */
      readonly operations: readonly string[];
      readonly durability: Durability;
    };
