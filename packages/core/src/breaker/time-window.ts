/** The calls of the last while. */

import type { Clock } from '../clock.ts';
import type { ResolvedBreakerOptions } from './breaker-options.ts';
import type { Rates, Window } from './window.ts';

/** Bounds of a window of time. */
export interface TimeWindowOptions {
  readonly ms: number;
  readonly failureRate: number;
  readonly minimumCalls: number;
  /** Absent where no call is too slow. */
  readonly slowRate: number | undefined;
}

/** The calls that came in one slice of the time. */
interface Slice {
  /** Which slice of all time it is. */
  number: number;
  calls: number;
  failures: number;
  slow: number;
}

/** A window is so many slices: a call leaves it at most this share of it too late. */
const slices = 20;

/**
 * Counts calls in slices of time which are reused in turn, as Hystrix's rolling window does.
 *
 * Ours, not cockatiel's SamplingBreaker: that goes one slice on with each call, so that after a quiet
 * hour the failures before it still count. Here the clock says which slices are too old.
 */
export class TimeWindow implements Window {
  readonly #options: TimeWindowOptions;
  readonly #clock: Clock;
  readonly #slices: Slice[] = Array.from({ length: slices }, () => empty(-slices));

  constructor(options: TimeWindowOptions, clock: Clock) {
    this.#options = options;
    this.#clock = clock;
  }

  add(failed: boolean, slow: boolean): boolean {
    const slice = this.#slice(this.#now);
    slice.calls += 1;
    if (failed) slice.failures += 1;
    if (slow) slice.slow += 1;
    return (failed || slow) && this.#tooMany();
  }

  rates(): Rates {
    const { calls, failures, slow } = this.#sum();
    return { calls, failureRate: calls && failures / calls, slowRate: calls && slow / calls };
  }

  under({ window, slowCall }: ResolvedBreakerOptions): Window | undefined {
    if (window.kind !== 'time') return undefined;
    const next = new TimeWindow({ ...window, slowRate: slowCall?.rate }, this.#clock);
    for (const slice of this.#recent()) next.#take(slice, this.#length);
    return next;
  }

  /** Takes over a slice of a window whose slices are so long. */
  #take({ number, calls, failures, slow }: Slice, length: number): void {
    const moved = Math.floor((number * length) / this.#length);
    if (moved <= this.#now - slices) return;
    const slice = this.#slice(moved);
    slice.calls += calls;
    slice.failures += failures;
    slice.slow += slow;
  }

  #tooMany(): boolean {
    const { failureRate, slowRate = 1, minimumCalls } = this.#options;
    const { calls, failures, slow } = this.#sum();
    return calls >= minimumCalls && (failures > failureRate * calls || slow > slowRate * calls);
  }

  #sum(): Slice {
    const sum = empty(this.#now);
    for (const { calls, failures, slow } of this.#recent()) {
      sum.calls += calls;
      sum.failures += failures;
      sum.slow += slow;
    }
    return sum;
  }

  #recent(): readonly Slice[] {
    const oldest = this.#now - slices;
    return this.#slices.filter(({ number }) => number > oldest);
  }

  #slice(number: number): Slice {
    const index = ((number % slices) + slices) % slices;
    const slice = this.#slices[index] as Slice;
    if (slice.number === number) return slice;
    const fresh = empty(number);
    this.#slices[index] = fresh;
    return fresh;
  }

  get #length(): number {
    return this.#options.ms / slices;
  }

  get #now(): number {
    return Math.floor(this.#clock.elapsed() / this.#length);
  }
}

function empty(number: number): Slice {
  return { number, calls: 0, failures: 0, slow: 0 };
}
