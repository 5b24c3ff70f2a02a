/** How a write that the upstream acknowledges before it does it is confirmed. */

import type { CallContext } from '../operation.ts';

/** A write that was acknowledged, and that nobody has seen upstream yet. Times are ms since the epoch. */
export interface AcceptedWrite<Input> {
  /** Its idempotency key. */
  readonly id: string;
  readonly input: Input;
  readonly acceptedAt: number;
}

/**
 * How acknowledged writes are looked for. Until it is seen a write stays in the store; it makes no lane
 * busy. The upstream is taken to work off what it acknowledges in order, in one line.
 */
export interface Confirmation<Input> {
  /** Writes with the same text are looked for together, with one `look`. */
  readonly together: (input: Input) => string;
  /** Looks for writes, and gives the ids of those that are there. */
  readonly look: (
    writes: readonly AcceptedWrite<Input>[],
    context: CallContext,
  ) => PromiseLike<Iterable<string>> | Iterable<string>;
  /** Whether a write can be looked for; one that cannot is taken as applied. @default all can */
  readonly applies?: (input: Input) => boolean;
  /** When a write is shown at the earliest, wall-clock ms: before that nobody waits for it. @default at once */
  readonly shownAt?: (input: Input) => number;
  /**
   * How long nothing may be seen, in ms: since the write was acknowledged, and since any write before it
   * was confirmed; of one from before a restart, and for `maxInterval` since the first look after that. Then it is `unconfirmed`, and looked for still. `false`: never. @default 600,000
   */
  readonly within?: number | false;
  /** Time before the first look, in ms; doubled with each look that sees nothing. @default 2,000 */
  readonly interval?: number;
  /** Time between looks, at most, in ms. @default 60,000 */
  readonly maxInterval?: number;
  /**
   * What becomes of an unconfirmed write: it is told and stays; it becomes a dead letter `unconfirmed`; or
   * it is sent again, at the tail of its lane: those that were overtaken, because a later one was
   * confirmed; else the oldest alone, to try. After three times it is a dead letter. @default 'report'
   */
  readonly unconfirmed?: 'report' | 'dead_letter' | 'resend';
}

/** The same with every default in place. */
export type DeclaredConfirmation<Input> = Required<Confirmation<Input>>;

const defaults = {
  applies: () => true,
  shownAt: () => 0,
  within: 600_000,
  interval: 2_000,
  maxInterval: 60_000,
  unconfirmed: 'report',
} satisfies Partial<Confirmation<never>>;

/** Puts the defaults in place. */
export function declaredConfirmation<Input>(
  given: Confirmation<Input>,
): DeclaredConfirmation<Input> {
  return { ...defaults, ...given };
}
