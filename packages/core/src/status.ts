/** One snapshot of a manager: what the status page and the metrics both read. */

import type { BreakerStatus, Trigger } from './breaker/breaker-state.ts';
import type { FleetStatus } from './council/council.ts';
import type { SystemHealth } from './health/health.ts';
import type { JournalStatus, OpenReport } from './journal.ts';
import type { FallbackMode } from './mode.ts';
import type { OperationState } from './queue/lane-queue.ts';
import type { SdkStatus } from './telemetry/sdk.ts';

/** Everything a manager says of itself. Times are wall-clock ms, durations in ms. */
export interface FallbackStatus {
  readonly name: string;
  readonly at: number;
  /** Whether fallback is active: the default breaker is not closed. */
  readonly active: boolean;
  /** Since when, why and through what, while it is. */
  readonly since?: number;
  readonly reason?: string;
  readonly trigger?: Trigger;
  readonly mode: {
    /** What happens while a breaker is not closed. */
    readonly configured: FallbackMode;
    /** What happens now. */
    readonly current: FallbackMode | 'none';
  };
  readonly operations: {
    readonly live: number;
    readonly cache: number;
    readonly stale: number;
    readonly entity: number;
    readonly applied: number;
    readonly accepted: number;
    readonly queued: number;
    readonly stored: number;
    readonly rejected: number;
    readonly failure: number;
  };
  readonly queue: {
    /** Operations that are still to be applied; local ones wait for a sync, accepted ones to be seen: they are not counted. */
    readonly size: number;
    /** Of these, how many are in memory only. */
    readonly volatile: number;
    readonly bytes: number;
    readonly states: Readonly<Record<OperationState, number>>;
    readonly lanes: { readonly ready: number; readonly blocked: number };
    readonly oldestAgeMs: number;
    readonly enqueued: number;
    readonly replayed: number;
    readonly refused: number;
    /** Writes that the upstream acknowledged, those of them that were seen there, and those that were not in time. */
    readonly accepted: number;
    readonly confirmed: number;
    readonly unconfirmed: number;
    /** Unconfirmed writes that were sent again. */
    readonly resent: number;
    /** Writes that were to be confirmed, and sent though they could not be stored: nobody finds out if the upstream loses them. */
    readonly unprotected: number;
    /** Writes are acknowledged, and none of them is seen: the upstream has stopped working. */
    readonly stalled: boolean;
    readonly deadLettered: number;
    /** Operations in memory that ended with the manager. */
    readonly lost: number;
    readonly coalesced: number;
    readonly dropped: number;
    /** Replays that may run at once now. */
    readonly drainLimit: number;
    /** Replays that may begin each second after a 429, behind the breaker that was asked for the most patience. */
    readonly drainRate?: number;
    /** Nothing is replayed: a person said so. */
    readonly paused: boolean;
  };
  readonly cache: {
    readonly entries: number;
    readonly bytes: number;
    readonly hits: number;
    readonly stale: number;
    readonly misses: number;
    /** Share of lookups that found something; 0 without lookups. */
    readonly hitRate: number;
    readonly evictions: number;
    /** Of its store, where the cache has one of its own. */
    readonly store?: JournalStatus;
  };
  /** Local entities and relationships. */
  readonly entities: {
    readonly entries: number;
    readonly bytes: number;
    readonly evictions: number;
  };
  readonly breakers: Readonly<Record<string, BreakerStatus>>;
  /** All instances together, where they share a view. */
  readonly fleet?: FleetStatus;
  readonly health: SystemHealth;
  readonly store: JournalStatus & { readonly report: OpenReport | undefined };
  readonly telemetry: SdkStatus;
  readonly closed: boolean;
}
