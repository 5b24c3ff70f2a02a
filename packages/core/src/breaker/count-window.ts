/** The last calls: cockatiel's CountBreaker decides, once for failures and once for slow calls. */

import { CircuitState, CountBreaker } from 'cockatiel';
import type { ResolvedBreakerOptions } from './breaker-options.ts';
import type { Rates, Window } from './window.ts';

/** Bounds of a window of calls. */
export interface CountWindowOptions {
  readonly size: number;
  readonly failureRate: number;
  readonly minimumCalls: number;
  /** Absent where no call is too slow. */
  readonly slowRate: number | undefined;
}

/** What CountBreaker tells of itself; `null` where there was no call yet. */
interface Samples {
  readonly samples: readonly (boolean | null)[];
  readonly currentSample: number;
  readonly successes: number;
  readonly failures: number;
}

/** A window of the last calls. */
export class CountWindow implements Window {
  readonly #failed: CountBreaker;
  readonly #slow: CountBreaker | undefined;

  constructor({ size, failureRate, minimumCalls, slowRate }: CountWindowOptions) {
    const bounds = { size, minimumNumberOfCalls: minimumCalls };
    this.#failed = new CountBreaker({ ...bounds, threshold: failureRate });
    if (slowRate !== undefined) this.#slow = new CountBreaker({ ...bounds, threshold: slowRate });
  }

  add(failed: boolean, slow: boolean): boolean {
    const failures = counted(this.#failed, failed);
    const slowness = this.#slow !== undefined && counted(this.#slow, slow);
    return failures || slowness;
  }

  rates(): Rates {
    const { failures, successes } = this.#failed.state as Samples;
    const calls = failures + successes;
    const slow = this.#slow ? (this.#slow.state as Samples).failures : 0;
    return { calls, failureRate: calls && failures / calls, slowRate: calls && slow / calls };
  }

  under({ window, slowCall }: ResolvedBreakerOptions): Window | undefined {
    return window.kind === 'count' ? this.as({ ...window, slowRate: slowCall?.rate }) : undefined;
  }

  /** The same calls within other bounds, as far as there is room for them. */
  as(options: CountWindowOptions): CountWindow {
    const next = new CountWindow(options);
    const slow = this.#slow ? inOrder(this.#slow) : [];
    const results = inOrder(this.#failed);
    // Where slow calls were not counted before, all were fast enough.
    const unknown = results.length - slow.length;
    for (const [index, bad] of results.entries()) next.add(bad, slow[index - unknown] ?? false);
    return next;
  }
}

function counted(breaker: CountBreaker, bad: boolean): boolean {
  if (bad) return breaker.failure(CircuitState.Closed);
  breaker.success(CircuitState.Closed);
  return false;
}

/** Oldest first: whether each was bad. */
function inOrder(breaker: CountBreaker): readonly boolean[] {
  const { samples, currentSample } = breaker.state as Samples;
  return [...samples.slice(currentSample), ...samples.slice(0, currentSample)].flatMap((success) =>
    success === null ? [] : !success,
  );
}
