/** How the kit's own parts are. They say nothing about the upstream, and never trip its breaker. */

import type { Journal } from '../journal.ts';
import type { QueueOptions } from '../queue/intake.ts';
import type { QueueCounts } from '../queue/lane-queue.ts';
import type { HealthChecker, HealthStatus } from './checker.ts';

interface Parts {
  readonly stores: readonly Journal[];
  readonly queue: { counts(): QueueCounts };
  readonly bounds: Required<QueueOptions>;
}

/** From this share of a bound on the queue is degraded. */
const nearlyFull = 0.8;

/**
 * Two checks without I/O. `fallback.store`: unhealthy while nothing can be stored. `fallback.queue`:
 * unhealthy when it is full, degraded when it nearly is, or when lanes wait for a person.
 */
export function ownCheckers({ stores, queue, bounds }: Parts): readonly HealthChecker[] {
  return [
    {
      name: 'fallback.store',
      critical: false,
      check: () => (stores.every((store) => store.status().writable) ? 'healthy' : 'unhealthy'),
    },
    { name: 'fallback.queue', critical: false, check: () => queueHealth(queue.counts(), bounds) },
  ];
}

function queueHealth(
  { size, bytes, states }: QueueCounts,
  { maxEntries, maxBytes }: Required<QueueOptions>,
): HealthStatus {
  // What is to be confirmed takes room, too.
  const entries = size + states.accepted + states.unconfirmed;
  const filled = Math.max(entries / maxEntries, bytes / maxBytes);
  if (filled >= 1) return 'unhealthy';
  const waiting = states.blocked + states.parked + states.unhandled;
  return filled >= nearlyFull || waiting > 0 ? 'degraded' : 'healthy';
}
