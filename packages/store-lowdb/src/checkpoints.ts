/** When the journal becomes a snapshot: once it is long, and when it is quiet. */

import { AsyncResource } from 'node:async_hooks';

/** Where the timer is made: it must not carry the context of the request that started it. */
const outside = new AsyncResource('checkpoints');

const quietMs = 1000;
/** After a snapshot that took 1 s, the quiet must last 20 s: writing them takes a twentieth of the time. */
const quietFactor = 20;
const mostDoublings = 6;

/** Calls `write` when a snapshot is due, and says whether that is for the quiet. No timer keeps the process alive. */
export class Checkpoints {
  readonly #write: (quiet: boolean) => void;
  readonly #mostBytes: number;
  #timer: NodeJS.Timeout | undefined;
  #lastChange = 0;
  #tookMs = 0;
  #failures = 0;

  constructor(mostBytes: number, write: (quiet: boolean) => void) {
    this.#mostBytes = mostBytes;
    this.#write = write;
  }

  /** The journal has grown to so many bytes since the last snapshot. */
  changed(bytes: number): void {
    this.#lastChange = performance.now();
    // After a failure the time decides, or each commit would try again.
    if (bytes >= this.#mostBytes && this.#failures === 0) this.#write(false);
    else this.#arm(this.#quiet);
  }

  succeeded(tookMs: number): void {
    this.#tookMs = tookMs;
    this.#failures = 0;
  }

  failed(): void {
    this.#failures = Math.min(mostDoublings, this.#failures + 1);
    this.#arm(this.#quiet);
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  get #quiet(): number {
    return Math.max(quietMs, quietFactor * this.#tookMs) * 2 ** this.#failures;
  }

  #arm(delay: number): void {
    this.#timer ??= outside.runInAsyncScope(() => setTimeout(this.#due, delay).unref());
  }

  readonly #due = () => {
    this.#timer = undefined;
    const left = this.#lastChange + this.#quiet - performance.now();
    if (left > 1 && this.#failures === 0) this.#arm(left);
    else this.#write(true);
  };
}
