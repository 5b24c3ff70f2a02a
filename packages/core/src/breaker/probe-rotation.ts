/** Whose turn it is to try a half-open upstream, so that nobody can hold the breaker for the others. */

import type { Clock } from '../clock.ts';
import type { Undo } from '../events.ts';
import type { PermitHolder } from './permit.ts';

/** One who can try the upstream by itself; real calls come when they come. */
export interface Prober {
  /** Whether there is something to try now. */
  wants(): boolean;
  /** Takes a permit and tries. */
  probe(): void;
}

/** How long a real call has the chance to come before the kit tries again by itself, in ms. */
const grace = 100;
/** How long nobody tries after a try that taught nothing, in ms; doubles each time. */
const shortestPace = 100;
const longestPace = 5_000;

/** Offers the free permit to health check, canary and real call in turn, paced after vain tries. */
export class ProbeRotation {
  readonly #clock: Clock;
  readonly #isVacant: () => boolean;
  readonly #probers = new Map<PermitHolder, Prober>();
  #last: PermitHolder | undefined;
  #pace = shortestPace;
  #vacantAt = Number.NEGATIVE_INFINITY;
  /** It was offered to those who wait, and nobody took it: now anybody may. */
  #offered = false;
  #cancel: Undo | undefined;

  constructor(clock: Clock, isVacant: () => boolean) {
    this.#clock = clock;
    this.#isVacant = isVacant;
  }

  add(by: PermitHolder, prober: Prober): void {
    this.#probers.set(by, prober);
  }

  /** The upstream may be tried from now on. */
  begin(): void {
    this.#pace = shortestPace;
    this.#vacantAt = Number.NEGATIVE_INFINITY;
    this.#offerIn(0);
  }

  stop(): void {
    this.#cancel?.();
    this.#cancel = undefined;
  }

  /** Whether it is somebody's turn: not while the pace forbids it, nor twice in a row past one who waits. */
  mayTake(by: PermitHolder): boolean {
    if (this.#clock.elapsed() < this.#vacantAt) return false;
    return (
      by !== this.#last || this.#offered || ![...this.#wanting()].some((other) => other !== by)
    );
  }

  took(by: PermitHolder): void {
    this.#last = by;
    this.#offered = false;
    this.stop();
  }

  /** The permit is free again; a try that taught nothing makes everybody wait. */
  returned(by: PermitHolder, succeeded: boolean): void {
    const pause = succeeded ? 0 : this.#pace;
    this.#pace = succeeded ? shortestPace : Math.min(longestPace, this.#pace * 2);
    this.#vacantAt = this.#clock.elapsed() + pause;
    this.#offerIn(pause + (by === 'call' ? 0 : grace));
  }

  anyoneWants(): boolean {
    return !this.#wanting().next().done;
  }

  #offerIn(ms: number): void {
    this.stop();
    this.#cancel = this.#clock.after(ms, () => this.#offer());
  }

  #offer(): void {
    if (!this.#isVacant()) return;
    const wanting = [...this.#wanting()];
    const next = wanting.find((by) => by !== this.#last) ?? wanting[0];
    this.#offered = true;
    if (next) this.#probers.get(next)?.probe();
    // A probe that took no permit after all must not end the offers.
    if (this.#isVacant()) this.#offerIn(longestPace);
  }

  *#wanting(): Generator<PermitHolder> {
    for (const [by, prober] of this.#probers) if (prober.wants()) yield by;
  }
}
