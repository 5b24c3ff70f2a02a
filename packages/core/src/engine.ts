/** What the read path and the write path work with: the parts of one manager. */

import type { Breaker } from './breaker/breaker.ts';
import type { Cache } from './cache.ts';
import type { Clock } from './clock.ts';
import type { DeclaredWrite } from './declared-write.ts';
import type { Emitter, FallbackEvents } from './events.ts';
import type { Failure } from './failure.ts';
import type { Policy } from './policy/policy.ts';
import type { Evidence } from './queue/evidence.ts';
import type { LaneQueue } from './queue/lane-queue.ts';
import type { RecoveryRamp } from './recovery-ramp.ts';
import type { collector } from './telemetry/collector.ts';
import type { Tracing } from './telemetry/tracing.ts';

/** The parts of a manager, as operations use them. */
export interface Engine {
  readonly name: string;
  readonly mode: 'queue_writes';
  readonly defaults: {
    readonly readTimeoutMs: number;
    readonly writeTimeoutMs: number;
    readonly ttl: number;
    readonly staleIfError: number;
  };
  readonly clock: Clock;
  readonly random: () => number;
  readonly events: Emitter<FallbackEvents>;
  readonly breaker: Breaker;
  readonly policy: Policy;
  readonly cache: Cache;
  readonly queue: LaneQueue;
  readonly evidence: Evidence;
  readonly recovery: RecoveryRamp;
  readonly tracing: Tracing;
  readonly collector: ReturnType<typeof collector>;
  readonly classify: (error: unknown) => Failure;
  readonly writes: Map<string, DeclaredWrite>;
  readonly opened: boolean;
  readonly closed: boolean;
  /** Reads what an earlier process left; every operation waits for it. */
  open(): Promise<void>;
}
