/** One timer for whoever wants to be woken by a certain time. */

import type { Clock } from '../clock.ts';
import type { Undo } from '../events.ts';

/** Rings once, by the earliest time that it was set to; that may be early for whoever set it last. */
export class Alarm {
  readonly #clock: Clock;
  readonly #ring: () => void;
  /** Monotonic time, in ms. */
  #at = Number.POSITIVE_INFINITY;
  #cancel: Undo | undefined;

  constructor(clock: Clock, ring: () => void) {
    this.#clock = clock;
    this.#ring = ring;
  }

  /** A timer that rings earlier anyway stays: it is set at every look, and mostly to a minute from now. */
  set(ms: number): void {
    const at = this.#clock.elapsed() + ms;
    if (this.#at <= at) return;
    this.#cancel?.();
    this.#at = at;
    this.#cancel = this.#clock.after(ms, () => {
      this.#at = Number.POSITIVE_INFINITY;
      this.#ring();
    });
  }

  stop(): void {
    this.#cancel?.();
    this.#at = Number.POSITIVE_INFINITY;
  }
}
