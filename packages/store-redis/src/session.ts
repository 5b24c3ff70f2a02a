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
  /** What Redis' clock said last, and when it was asked, by both clocks here. */
  #told: { readonly ms: number; readonly sentAt: number; readonly wall: number } | undefined;
  #since: number | undefined;
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

  /** What Redis' clock said at an extension, and when that was asked for, by the monotonic clock. */
  told(ms: number, sentAt: number): void {
    const wall = Date.now() - performance.now() + sentAt;
    this.#told = { ms, sentAt, wall };
    this.#since ??= sentAt;
  }

  /**
   * What Redis' clock ought to say by now; nothing where the clocks here do not agree. Set forward it would
   * end the leases of all.
   */
  expected(tolerance: number): number | undefined {
    if (!this.#told) return undefined;
    const { ms, sentAt, wall } = this.#told;
    const elapsed = performance.now() - sentAt;
    return Math.abs(Date.now() - wall - elapsed) > tolerance ? undefined : ms + elapsed;
  }

  /** Whether Redis' clock, that said `ms` in an answer which is here, was certainly set forward. */
  wasSet(ms: number, tolerance: number): boolean {
    const expected = this.expected(tolerance);
    return expected !== undefined && ms - expected > tolerance / 2;
  }

  /** Known to Redis for so long, in ms. */
  get age(): number {
    return this.#since === undefined ? 0 : performance.now() - this.#since;
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
