/** How many replays a second may begin: no bound until the upstream answers 429. */

import type { Clock } from '../clock.ts';

/** What was seen is counted over this time, in ms. */
const window = 1_000;
/** From half of what was seen it grows by this share each second. */
const growth = 0.05;
/** At least so many a second; beyond so many there is no bound any more. */
const slowest = 1;
const fastest = 10_000;
/** Where too little was seen to tell what the upstream takes, this many a second are tried first. */
const firstGuess = 10;
/** What may begin at once after a pause: what would have begun in this time, in ms. */
const burst = 200;

/** A bucket of tokens that fills at a rate which is halved by a 429 and creeps up again. */
export class DrainRate {
  readonly #clock: Clock;
  /** When replays succeeded, within the window. */
  #successes: number[] = [];
  #lastSuccessAt = Number.NEGATIVE_INFINITY;
  #limit: { readonly perSecond: number; readonly since: number } | undefined;
  #tokens = 0;
  #filledAt = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Replays that may begin each second now; none when there is no bound. */
  get perSecond(): number | undefined {
    if (!this.#limit) return undefined;
    const seconds = (this.#clock.elapsed() - this.#limit.since) / 1_000;
    const now = this.#limit.perSecond * (1 + growth) ** seconds;
    if (now > fastest) this.#limit = undefined;
    return this.#limit && now;
  }

  /** How many may begin now. */
  get room(): number {
    if (this.perSecond === undefined) return Number.POSITIVE_INFINITY;
    this.#fill();
    return Math.floor(this.#tokens);
  }

  /** How long until the next one may begin, in ms; never 0, since time goes on between two looks. */
  get waitMs(): number | undefined {
    const { perSecond } = this;
    if (perSecond === undefined) return undefined;
    this.#fill();
    return Math.max(1, ((1 - this.#tokens) * 1_000) / perSecond);
  }

  /** So many begin. */
  take(count: number): void {
    if (this.#limit) this.#tokens -= count;
  }

  succeeded(): void {
    const now = this.#clock.elapsed();
    this.#lastSuccessAt = now;
    this.#successes.push(now);
    if (this.#successes.length > 2 * fastest) this.#forget(now);
  }

  /** The upstream asked for patience: half of what it took is what it gets. */
  throttled(): void {
    const now = this.#clock.elapsed();
    this.#limit = { perSecond: this.#afterThrottling(now), since: now };
    this.#tokens = 0;
    this.#filledAt = now;
  }

  /** One that took nothing since it was last asked turns all away: that says nothing of how many it takes. */
  #afterThrottling(now: number): number {
    const { perSecond } = this;
    const since = this.#limit?.since;
    if (perSecond === undefined || since === undefined) {
      this.#forget(now);
      return Math.max(firstGuess, this.#successes.length / 2);
    }
    return this.#lastSuccessAt > since ? Math.max(slowest, perSecond / 2) : perSecond;
  }

  #fill(): void {
    const now = this.#clock.elapsed();
    const { perSecond = 0 } = this;
    const most = Math.max(1, (perSecond * burst) / 1_000);
    this.#tokens = Math.min(most, this.#tokens + ((now - this.#filledAt) * perSecond) / 1_000);
    this.#filledAt = now;
  }

  #forget(now: number): void {
    const first = this.#successes.findIndex((at) => at > now - window);
    this.#successes = first < 0 ? [] : this.#successes.slice(first);
  }
}
