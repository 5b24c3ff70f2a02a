/** Time and due times, injected so that tests never sleep. */

import { AsyncResource } from 'node:async_hooks';
import type { Undo } from './events.ts';

/** Where the kit gets its time from. */
export interface Clock {
  /** Wall-clock time, in ms since the epoch: for what is stored or shown. */
  now(): number;
  /** Monotonic time, in ms: for durations within the process. */
  elapsed(): number;
  /**
   * Calls `wake` once, `ms` from now, outside every request's context, and returns how to cancel.
   * Does not keep the process alive, unless `keepAlive`.
   */
  after(ms: number, wake: () => void, keepAlive?: boolean): Undo;
}

/** Made when the process starts: a timer must not carry the context of the request that set it. */
const outside = new AsyncResource('graphiti-fallback.clock');

/** Runs something outside every request's context: worker loops must not carry one along. */
export function runOutside<T>(call: () => T): T {
  return outside.runInAsyncScope(call);
}

const longestTimer = 2 ** 31 - 1;

/** The time of this machine. */
export const systemClock: Clock = {
  now: () => Date.now(),
  elapsed: () => performance.now(),
  after(ms, wake, keepAlive = false) {
    const delay = Math.min(Math.max(1, Math.ceil(ms)), longestTimer);
    const timer = outside.runInAsyncScope(() => setTimeout(wake, delay));
    if (!keepAlive) timer.unref();
    return () => clearTimeout(timer);
  },
};
