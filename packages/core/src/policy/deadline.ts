/** Calls that must settle in time, at a fraction of a microsecond each. */

import type { Clock } from '../clock.ts';
import { TimeoutError } from '../errors.ts';
import type { Undo } from '../events.ts';
import { type Linked, LinkedList } from '../linked-list.ts';

/** What a call under a deadline gets. */
export interface DeadlineContext {
  /** Aborts on timeout or when the caller gives up. Created only when it is read. */
  readonly signal: AbortSignal;
  /** Time left, in ms. */
  remaining(): number;
  /** Whether the call was ended from outside: nobody waits for its result any more. */
  readonly over: boolean;
}

/**
 * Runs a call; rejects with {@link TimeoutError} once `ms` have passed, whatever the call does, or with
 * the signal's reason when that aborts. `cut` is told of both at once, and says what to reject with.
 */
export type Deadline = <T>(
  call: (context: DeadlineContext) => PromiseLike<T> | T,
  signal?: AbortSignal,
  cut?: (reason: unknown) => unknown,
) => Promise<T>;

/**
 * Creates a deadline for one call, whose timer ends with it.
 *
 * @throws {TypeError} when `ms` is not a positive number
 */
export function createSingleDeadline(ms: number, clock: Clock): Deadline {
  return createDeadline(ms, clock, false);
}

/**
 * Creates a deadline of `ms` milliseconds, shared by any number of calls.
 *
 * All its calls wait equally long, so they expire in the order in which they started: one list and
 * one timer serve them all, and a call that ends early leaves the list in constant time. The timer
 * never keeps the process alive.
 *
 * @throws {TypeError} when `ms` is not a positive number
 */
export function createDeadline(ms: number, clock: Clock, lasting = true): Deadline {
  if (!(ms > 0)) throw new TypeError(`Expected \`ms\` to be positive, got ${ms}`);
  const pending = new LinkedList<PendingCall>();
  let disarm: Undo | undefined;

  return function deadline(call, signal, cut) {
    if (signal?.aborted) return Promise.reject(cut ? cut(signal.reason) : signal.reason);
    return new Promise((resolve, reject) => {
      const entry = new PendingCall(clock, ms, pending, reject, signal, cut);
      pending.add(entry);
      disarm ??= clock.after(ms, expire);
      invoke(call, entry).then(
        (value) => {
          if (settled(entry)) resolve(value);
        },
        (error: unknown) => {
          if (settled(entry)) reject(error);
        },
      );
    });
  };

  /** False when the call was ended from outside before. */
  function settled(entry: PendingCall): boolean {
    if (!pending.delete(entry)) return false;
    if (!lasting) disarm?.();
    entry.release();
    return true;
  }

  function expire(): void {
    const now = clock.elapsed();
    disarm = undefined;
    for (let { first } = pending; first; { first } = pending) {
      if (first.expiresAt > now) {
        disarm ??= clock.after(first.expiresAt - now, expire);
        return;
      }
      pending.delete(first);
      first.fail(new TimeoutError(ms));
    }
  }
}

function invoke<T>(
  call: (context: DeadlineContext) => PromiseLike<T> | T,
  entry: PendingCall,
): Promise<T> {
  try {
    return Promise.resolve(call(entry));
  } catch (error) {
    return Promise.reject(error);
  }
}

/** One call in flight. It is its own context, so that a call which ignores the signal pays nothing for it. */
class PendingCall implements DeadlineContext, Linked<PendingCall> {
  previous: PendingCall | undefined = undefined;
  next: PendingCall | undefined = undefined;
  listed = false;
  readonly expiresAt: number;
  readonly #clock: Clock;
  readonly #pending: LinkedList<PendingCall>;
  readonly #reject: (reason: unknown) => void;
  readonly #parent: AbortSignal | undefined;
  readonly #abandon: (() => void) | undefined;
  readonly #cut: ((reason: unknown) => unknown) | undefined;
  #controller: AbortController | undefined;
  #failure: { reason: unknown } | undefined;

  constructor(
    clock: Clock,
    ms: number,
    pending: LinkedList<PendingCall>,
    reject: (reason: unknown) => void,
    parent: AbortSignal | undefined,
    cut: ((reason: unknown) => unknown) | undefined,
  ) {
    this.#clock = clock;
    this.#cut = cut;
    this.expiresAt = clock.elapsed() + ms;
    this.#pending = pending;
    this.#reject = reject;
    this.#parent = parent;
    if (!parent) return;
    this.#abandon = () => {
      this.#pending.delete(this);
      this.fail(parent.reason);
    };
    parent.addEventListener('abort', this.#abandon);
  }

  get signal(): AbortSignal {
    if (!this.#controller) {
      this.#controller = new AbortController();
      if (this.#failure) this.#controller.abort(this.#failure.reason);
    }
    return this.#controller.signal;
  }

  get over(): boolean {
    return this.#failure !== undefined;
  }

  remaining(): number {
    return this.expiresAt - this.#clock.elapsed();
  }

  /** Ends the call from outside: its signal aborts, whether it was read yet or not. */
  fail(reason: unknown): void {
    this.release();
    this.#failure = { reason };
    this.#controller?.abort(reason);
    this.#reject(this.#cut ? this.#cut(reason) : reason);
  }

  /** Stops listening to the caller's signal: a listener left behind would outlive the call. */
  release(): void {
    if (this.#abandon) this.#parent?.removeEventListener('abort', this.#abandon);
  }
}
