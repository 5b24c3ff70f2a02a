/** What a closed breaker looks at: calls, and whether enough of them were bad to open. */

import type { Clock } from '../clock.ts';
import type { ResolvedBreakerOptions } from './breaker-options.ts';
import { ConsecutiveWindow } from './consecutive-window.ts';
import { CountWindow } from './count-window.ts';
import { TimeWindow } from './time-window.ts';

/** How the calls in a window went. */
export interface Rates {
  readonly calls: number;
  /** Share of them that failed; 0 without calls. */
  readonly failureRate: number;
  /** Share of them that were slow; 0 where none is too slow. */
  readonly slowRate: number;
}

/** Results of calls, and what they say. */
export interface Window {
  /** Counts a call; true when the breaker is to open. */
  add(failed: boolean, slow: boolean): boolean;
  rates(): Rates;
  /** The same calls looked at by other options; what cannot be taken along is forgotten. */
  under(options: ResolvedBreakerOptions): Window | undefined;
}

/** Creates the window that the options ask for, with what an earlier one has seen where that fits. */
export function createWindow(
  options: ResolvedBreakerOptions,
  clock: Clock,
  earlier?: Window,
): Window {
  const taken = earlier?.under(options);
  if (taken) return taken;
  switch (options.window.kind) {
    case 'consecutive':
      return new ConsecutiveWindow(options);
    case 'count':
      return new CountWindow({ ...options.window, slowRate: options.slowCall?.rate });
    case 'time':
      return new TimeWindow({ ...options.window, slowRate: options.slowCall?.rate }, clock);
  }
}
