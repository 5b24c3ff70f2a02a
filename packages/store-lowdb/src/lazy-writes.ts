/** When lazy changes are written: within about a second, later after failures. */

import { AsyncResource } from 'node:async_hooks';

/** Where the timer is made: it must not carry the context of the request that started it. */
const outside = new AsyncResource('lazy-writes');

const withinMs = 1000;
const mostDoublings = 5;

/** Calls `write` when something is due. No timer keeps the process alive. */
export class LazyWrites {
  readonly #write: () => void;
  #timer: NodeJS.Timeout | undefined;
  #failures = 0;

  constructor(write: () => void) {
    this.#write = write;
  }

  /** Something is to be written within a second. */
  changed(): void {
    const delay = withinMs * 2 ** this.#failures;
    this.#timer ??= outside.runInAsyncScope(() => setTimeout(this.#due, delay).unref());
  }

  /** A write took all there was along. */
  succeeded(): void {
    this.#failures = 0;
    this.stop();
  }

  /** A write failed: what it took along is due again, later each time. */
  failed(): void {
    this.#failures = Math.min(mostDoublings, this.#failures + 1);
    this.stop();
    this.changed();
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  readonly #due = () => {
    this.#timer = undefined;
    this.#write();
  };
}
