/** When lazy changes are written: within about a second, with long rests after long writes. */

import { AsyncResource } from 'node:async_hooks';

/** Where the timer is made: it must not carry the context of the request that started it. */
const outside = new AsyncResource('lazy-writes');

const withinMs = 1000;
/** After a write of 1 s comes a rest of 9 s: writing takes at most a tenth of the time. */
const restFactor = 9;
const mostDoublings = 5;

/** Knows whether something is unwritten, and calls `write` when it is due. No timer keeps the process alive. */
export class LazyWrites {
  readonly #write: () => void;
  #unwritten = false;
  #taken = false;
  #timer: NodeJS.Timeout | undefined;
  #startedAt = 0;
  #tookMs = 0;
  #failures = 0;

  constructor(write: () => void) {
    this.#write = write;
  }

  /** Whether something changed since the last write began, or that write failed. */
  get unwritten(): boolean {
    return this.#unwritten;
  }

  /** Notes that something changed, and sees to its being written. */
  changed(): void {
    this.#unwritten = true;
    const delay = Math.max(withinMs, restFactor * this.#tookMs) * 2 ** this.#failures;
    this.#timer ??= outside.runInAsyncScope(() => setTimeout(this.#due, delay).unref());
  }

  /** A write of all there is begins: it takes the unwritten along. */
  began(): void {
    this.#taken = this.#unwritten;
    this.stop();
    this.#startedAt = performance.now();
  }

  /** The write succeeded. */
  succeeded(): void {
    this.#tookMs = performance.now() - this.#startedAt;
    this.#failures = 0;
  }

  /** The write failed: what it took along is unwritten again. With `evenSo` it is repeated in any case. */
  failed(evenSo: boolean): void {
    this.#failures = Math.min(mostDoublings, this.#failures + 1);
    if (this.#taken || evenSo) this.changed();
  }

  /** Forgets what is unwritten. */
  stop(): void {
    this.#unwritten = false;
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  readonly #due = () => {
    this.#timer = undefined;
    this.#write();
  };
}
