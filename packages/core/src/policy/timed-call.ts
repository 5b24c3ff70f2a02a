/** One call under a deadline: it settles once, by itself or from outside. */

import type { Deadline, Timed } from './deadline.ts';

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
 * A call in flight. It is its own place among the others, its own context and its own promise's end, so
 * that a call which needs none of the rest pays nothing for it.
 */
export abstract class TimedCall<T> implements DeadlineContext, Timed {
  previous: Timed | undefined = undefined;
  next: Timed | undefined = undefined;
  listed = false;
  /** Rejects at the deadline or at the caller's abort, whatever the call does. */
  readonly answer: Promise<T>;
  /** Monotonic time, in ms. */
  readonly expiresAt: number;
  readonly #deadline: Deadline;
  readonly #parent: AbortSignal | undefined;
  #resolve!: (value: T) => void;
  #reject!: (reason: unknown) => void;
  #abandon: (() => void) | undefined = undefined;
  #controller: AbortController | undefined = undefined;
  #reason: unknown = undefined;
  #over = false;
  /** By itself or from outside. */
  #ended = false;

  constructor(
    deadline: Deadline,
    parent: AbortSignal | undefined,
    startedAt: number = deadline.clock.elapsed(),
  ) {
    this.#deadline = deadline;
    this.#parent = parent;
    this.expiresAt = startedAt + deadline.ms;
    this.answer = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
  }

  get signal(): AbortSignal {
    if (!this.#controller) {
      this.#controller = new AbortController();
      if (this.#over) this.#controller.abort(this.#reason);
    }
    return this.#controller.signal;
  }

  /** How long it may take from its begin, in ms. */
  get lastsMs(): number {
    return this.#deadline.ms;
  }

  get over(): boolean {
    return this.#over;
  }

  remaining(): number {
    return this.expiresAt - this.#deadline.clock.elapsed();
  }

  /** Ends the call from outside, unless it has ended: its signal aborts, whether it was read yet or not. */
  end(reason: unknown): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#deadline.delete(this);
    this.#release();
    this.#over = true;
    this.#reason = reason;
    this.#controller?.abort(reason);
    this.#reject(this.#cutSafely(reason));
  }

  /** Whoever waits is told, whatever goes wrong on the way. */
  #cutSafely(reason: unknown): unknown {
    try {
      return this.cut(reason);
    } catch {
      return reason;
    }
  }

  /** Told of an end from outside; what it returns is what the answer rejects with. */
  protected abstract cut(reason: unknown): unknown;

  /** From now on the deadline and the caller's signal may end it. False when that has happened already. */
  protected begin(): boolean {
    const parent = this.#parent;
    if (parent?.aborted) {
      this.end(parent.reason);
      return false;
    }
    this.#deadline.add(this);
    if (parent) {
      this.#abandon = () => this.end(parent.reason);
      parent.addEventListener('abort', this.#abandon);
    }
    return true;
  }

  protected resolve(value: T): void {
    if (this.#settled()) this.#resolve(value);
  }

  protected reject(reason: unknown): void {
    if (this.#settled()) this.#reject(reason);
  }

  /** False when the call was ended before. */
  #settled(): boolean {
    if (!this.#deadline.delete(this)) return false;
    this.#ended = true;
    this.#release();
    return true;
  }

  /** Stops listening to the caller's signal: a listener left behind would outlive the call. */
  #release(): void {
    if (this.#abandon) this.#parent?.removeEventListener('abort', this.#abandon);
  }
}
