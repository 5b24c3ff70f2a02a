/** The right of this process to hold lanes, for as long as Redis and its own clock both believe in it. */

import { randomUUID } from 'node:crypto';

/** A session; it ends when it is not extended in time. */
export class Session {
  readonly id: string = randomUUID();
  /** Fences of the claims that this process knows it holds. */
  readonly fences: Set<string> = new Set();
  #until = 0;
  /** The same by the wall clock: the other may stand still while a machine sleeps. */
  #untilWall = 0;
  #over = false;
  #requests = 0;
  readonly #out = new Set<number>();

  /** Begins a request whose answer may bring claims; it must be ended. */
  begin(): number {
    this.#requests += 1;
    this.#out.add(this.#requests);
    return this.#requests;
  }

  end(request: number): void {
    this.#out.delete(request);
  }

  /** The last request up to which every answer was heard, or given up. */
  get heardUpTo(): number {
    return this.#out.size > 0 ? Math.min(...this.#out) - 1 : this.#requests;
  }

  /** By the monotonic clock, counted from before the request was sent. */
  extend(sentAt: number, ms: number): void {
    this.#until = sentAt + ms;
    this.#untilWall = Date.now() + this.#until - performance.now();
  }

  /** Certain to hold its lanes for `ms` more? By both clocks: one that jumps makes it less certain, never more. */
  held(ms: number): boolean {
    if (this.#over || performance.now() + ms >= this.#until) return false;
    return Date.now() + ms < this.#untilWall;
  }

  /** Whatever it held may be another's from now on. */
  finish(): void {
    this.#over = true;
  }
}
