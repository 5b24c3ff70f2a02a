/** Reads that had better be answered from the cache, so that the upstream is not knocked down, or out. */

import type { Breaker } from './breaker/breaker.ts';
import type { Clock } from './clock.ts';
import type { HealthStatus } from './health/checker.ts';

/** Share of reads that are answered stale right after an outage. */
const firstShare = 0.9;

/** Decides for each read whether it is shed. */
export interface Shedding {
  /**
   * True for a share of reads: right after an outage it falls from 90 % to none, while the upstream is
   * not well it is what the app chose, and the greater of the two where both hold.
   */
  sheds(breaker: Breaker): boolean;
}

interface SheddingOptions {
  /** From the breaker's closing until nothing is shed any more, in ms; 0 for no ramp. */
  readonly rampMs: number;
  /** Share of reads while the upstream is degraded or unhealthy, from 0 to 1. */
  readonly share: number;
  readonly health: { readonly upstream: HealthStatus };
  readonly clock: Clock;
  readonly random: () => number;
}

/** Creates the decision that all reads of a manager share. */
export function createShedding(options: SheddingOptions): Shedding {
  const { rampMs, share, health, clock, random } = options;
  return {
    sheds({ closedAt }) {
      const passed = clock.elapsed() - closedAt;
      const ramp = passed < rampMs ? firstShare * (1 - passed / rampMs) : 0;
      const present = Math.max(ramp, isStrained(health.upstream) ? share : 0);
      return present > 0 && random() < present;
    },
  };
}

function isStrained(status: HealthStatus): boolean {
  return status === 'degraded' || status === 'unhealthy';
}
