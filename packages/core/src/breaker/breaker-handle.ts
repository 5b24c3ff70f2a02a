/** A breaker as the app sees it. */

import type { FallbackMode } from '../mode.ts';
import type { BreakerStatus } from './breaker-state.ts';

/** One breaker of a manager. */
export interface BreakerHandle {
  readonly name: string;
  /** Whether it is not closed: then fallback is active for what is behind it. */
  readonly active: boolean;
  /** Sets it apart by hand: nothing goes through until {@link restore}, whatever the upstream does. */
  isolate(mode: FallbackMode, reason: string): void;
  /** Ends that: the next call tries the upstream. False when it was not set apart. */
  restore(): boolean;
  status(): BreakerStatus;
}
