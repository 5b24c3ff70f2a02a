/** Failures in a row: cockatiel's ConsecutiveBreaker decides. */

import { ConsecutiveBreaker } from 'cockatiel';
import type { ResolvedBreakerOptions } from './breaker-options.ts';
import { CountWindow } from './count-window.ts';
import type { Rates, Window } from './window.ts';

/** What the status tells of the last calls does not decide here: a share that is never passed. */
const never = 0.999;
const forStatus = { size: 100, minimumCalls: 100, failureRate: never };

/** A window that ends at the last success; a slow call counts as failed. */
export class ConsecutiveWindow implements Window {
  readonly #row: ConsecutiveBreaker;
  readonly #last: CountWindow;

  constructor({ failureThreshold, slowCall }: ResolvedBreakerOptions, earlier?: ConsecutiveWindow) {
    this.#row = new ConsecutiveBreaker(failureThreshold);
    const bounds = { ...forStatus, slowRate: slowCall && never };
    this.#last = earlier ? earlier.#last.as(bounds) : new CountWindow(bounds);
    if (earlier) this.#row.state = earlier.#row.state;
  }

  add(failed: boolean, slow: boolean): boolean {
    this.#last.add(failed, slow);
    if (failed || slow) return this.#row.failure();
    this.#row.success();
    return false;
  }

  rates(): Rates {
    return this.#last.rates();
  }

  under(options: ResolvedBreakerOptions): Window | undefined {
    return options.window.kind === 'consecutive' ? new ConsecutiveWindow(options, this) : undefined;
  }
}
