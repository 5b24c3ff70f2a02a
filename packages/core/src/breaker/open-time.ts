/** How long a breaker stays open: longer each time, until it was closed for long enough. */

import type { Clock } from '../clock.ts';
import type { ResolvedBreakerOptions } from './breaker-options.ts';

/** Give or take so much, so that many breakers do not try in step. */
const jitter = 0.1;

/**
 * The time until the next try. Monotonic: the wall clock may be set back meanwhile. (cockatiel's
 * generators always double; this grows by a factor that the user chooses, and by none by default.)
 */
export class OpenTime {
  readonly #clock: Clock;
  readonly #random: () => number;
  /** How often it opened since it was last closed for long enough. */
  #openings = 0;
  #lastMs = 0;
  #until = 0;
  #closedSince: number | undefined;

  constructor(clock: Clock, random: () => number) {
    this.#clock = clock;
    this.#random = random;
  }

  /** Openings that the growth counts; kept over restarts. */
  get openings(): number {
    return this.#openings;
  }

  set openings(openings: number) {
    this.#openings = openings;
  }

  /** How long it is open yet, in ms; below 0 when that is over. */
  get leftMs(): number {
    return this.#until - this.#clock.elapsed();
  }

  /** The breaker opens. */
  begin({ openFor, openForGrowth, longestOpenFor }: ResolvedBreakerOptions): void {
    const now = this.#clock.elapsed();
    if (this.#closedSince !== undefined && now - this.#closedSince >= this.#lastMs)
      this.#openings = 0;
    this.#closedSince = undefined;
    const grown = Math.min(longestOpenFor, openFor * openForGrowth ** this.#openings);
    this.#openings += 1;
    this.#lastMs = grown * (1 - jitter + 2 * jitter * this.#random());
    this.#until = now + this.#lastMs;
  }

  /** The breaker closed. */
  closed(): void {
    this.#closedSince = this.#clock.elapsed();
  }

  /** A person said that what was is over. */
  forget(): void {
    this.#openings = 0;
  }
}
