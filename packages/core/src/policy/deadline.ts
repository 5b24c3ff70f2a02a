/** Calls that must settle in time, at a fraction of a microsecond each. */

import type { Clock } from '../clock.ts';
import { TimeoutError } from '../errors.ts';
import type { Undo } from '../events.ts';
import { type Linked, LinkedList } from '../linked-list.ts';

/** Whatever must settle in time. */
export interface Timed extends Linked<Timed> {
  /** Monotonic time, in ms. */
  readonly expiresAt: number;
  end(reason: unknown): void;
}

/**
 * So many milliseconds for each of any number of calls.
 *
 * All of them wait equally long, so they expire in the order in which they started: one list and one
 * timer serve them all, and a call that ends early leaves the list in constant time. The timer never
 * keeps the process alive.
 */
export class Deadline {
  readonly ms: number;
  readonly clock: Clock;
  readonly #lasting: boolean;
  readonly #pending = new LinkedList<Timed>();
  #disarm: Undo | undefined;

  /**
   * @param lasting whether it outlasts its calls; the timer of one that does not ends with its call
   * @throws {TypeError} when `ms` is not a positive number
   */
  constructor(ms: number, clock: Clock, lasting = true) {
    if (!(ms > 0)) throw new TypeError(`Expected \`ms\` to be positive, got ${ms}`);
    this.ms = ms;
    this.clock = clock;
    this.#lasting = lasting;
  }

  add(call: Timed): void {
    this.#pending.add(call);
    this.#disarm ??= this.clock.after(this.ms, this.#expire);
  }

  /** False when the call had ended before. */
  delete(call: Timed): boolean {
    if (!this.#pending.delete(call)) return false;
    if (!this.#lasting) this.#disarm?.();
    return true;
  }

  readonly #expire = (): void => {
    const now = this.clock.elapsed();
    this.#disarm = undefined;
    for (let { first } = this.#pending; first; { first } = this.#pending) {
      if (first.expiresAt > now) {
        this.#disarm ??= this.clock.after(first.expiresAt - now, this.#expire);
        return;
      }
      first.end(new TimeoutError(this.ms));
    }
  };
}
