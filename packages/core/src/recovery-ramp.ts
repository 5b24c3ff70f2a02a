/** After an outage reads go live little by little, so that the upstream is not knocked down again. */

import type { Breaker } from './breaker/breaker.ts';
import type { Clock } from './clock.ts';

/** Share of reads that are answered stale right after an outage. */
const firstShare = 0.9;

/** Whether a read had better be answered from the cache. */
export interface RecoveryRamp {
  /** True for a share of reads that falls from 90 % to none in the time given. */
  sheds(breaker: Breaker): boolean;
}

/** Creates the ramp; it takes `ms` from the breaker's closing to the end, 0 for none. */
export function createRecoveryRamp(ms: number, clock: Clock, random: () => number): RecoveryRamp {
  return {
    sheds({ closedAt }) {
      const passed = clock.elapsed() - closedAt;
      return passed < ms && random() < firstShare * (1 - passed / ms);
    },
  };
}
