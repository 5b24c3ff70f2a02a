/** Replaying on demand: what can be sent now is, and the caller is told how it went. */

import type { Breakers } from '../breaker/breakers.ts';
import type { Clock } from '../clock.ts';
import type { Entity } from '../entity.ts';
import type { Emitter, FallbackEvents, Undo } from '../events.ts';
import type { Drain } from './drain.ts';
import type { DrainFlows } from './drain-flow.ts';
import type { LaneQueue, LocalSync, OperationState } from './lane-queue.ts';

/** How to sync. */
export interface SyncOptions {
  /** Also queue what `local_storage` stored here. @default only what is queued */
  readonly include?: 'local';
  /** How long to wait for the replays, in ms; they go on afterwards. @default 30,000 */
  readonly timeoutMs?: number;
}

/** How a sync went. */
export interface SyncReport {
  /** Replays that were applied upstream meanwhile. */
  readonly replayed: number;
  /** Replays that failed meanwhile, and will be tried again or wait for a person. */
  readonly failed: number;
  readonly deadLettered: number;
  /** Local operations that were queued by this sync. */
  readonly localQueued: number;
  /** What these change, where it was changed upstream since they were stored. */
  readonly changed: readonly Entity[];
  /** Operations in the queue now, by state. */
  readonly states: Readonly<Record<OperationState, number>>;
}

interface Surroundings {
  readonly queue: LaneQueue;
  readonly drain: Drain;
  readonly breakers: Breakers;
  readonly flows: DrainFlows;
  readonly clock: Clock;
  readonly events: Emitter<FallbackEvents>;
}

const nothing: LocalSync = { queued: 0, changed: [] };
const patience = 30_000;
/** How often it looks by itself whether the queue has come to rest, in ms. */
const glance = 250;

/** Syncs. While the manager is set apart, the queue paused, or its breakers open, nothing can be sent: then it only reports. */
export async function sync(
  { queue, drain, breakers, flows, clock, events }: Surroundings,
  { include, timeoutMs = patience }: SyncOptions,
): Promise<SyncReport> {
  const results = { done: 0, retry: 0, dead: 0, stopped: 0, released: 0 };
  let look = () => {};
  const undo = [
    events.on('processed', ({ result }) => {
      results[result] += 1;
    }),
    drain.onRest(() => look()),
    events.on('stateChange', () => look()),
  ];
  const until = clock.elapsed() + timeoutMs;
  const isolated = breakers.own.state.kind === 'isolated';
  try {
    const local = include && !isolated ? await localSync() : nothing;
    for (const { breaker, operations } of flows)
      if (breaker.state.kind !== 'isolated') queue.recovered(operations);
    while (mayGoOn() && clock.elapsed() < until)
      await new Promise<void>((resolve) => {
        const cancel = clock.after(Math.min(glance, until - clock.elapsed()), resolve, true);
        look = () => {
          cancel();
          resolve();
        };
      });
    return {
      replayed: results.done,
      failed: results.retry + results.stopped,
      deadLettered: results.dead,
      localQueued: local.queued,
      changed: local.changed,
      states: queue.counts().states,
    };
  } finally {
    for (const stop of undo) stop();
  }

  /** A store that fails says so as an event; one that hangs must not hold the caller longer than asked. */
  async function localSync(): Promise<LocalSync> {
    let cancel: Undo = () => {};
    const late = new Promise<LocalSync>((resolve) => {
      cancel = clock.after(timeoutMs, () => resolve(nothing), true);
    });
    const moved = queue.sync().catch(() => nothing);
    return Promise.race([moved, late]).finally(() => cancel());
  }

  function mayGoOn(): boolean {
    if (drain.stopped) return false;
    if (drain.inFlight > 0) return true;
    if (drain.paused) return false;
    return [...flows].some(({ breaker: { state }, operations }) => {
      const sends = state.kind === 'closed' || state.kind === 'half_open';
      return sends && queue.claimable(operations) > 0;
    });
  }
}
