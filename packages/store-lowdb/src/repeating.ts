/** Something that is done again and again, in no request's context, and keeps no process alive. */

import { AsyncResource } from 'node:async_hooks';

const outside = new AsyncResource('repeating');

/** Calls back in an interval, between start and stop. */
export class Repeating {
  readonly #everyMs: number;
  readonly #call: () => void;
  #timer: NodeJS.Timeout | undefined;

  constructor(everyMs: number, call: () => void) {
    this.#everyMs = everyMs;
    this.#call = call;
  }

  start(): void {
    this.#timer ??= outside.runInAsyncScope(() => setInterval(this.#call, this.#everyMs).unref());
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }
}
