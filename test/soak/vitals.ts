/** What must stay flat in a process that runs for long, seen from within. */

import { setImmediate as turn } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** One look at a process that has nothing to do. */
export interface Vitals {
  /** Heap in use after garbage was collected, in bytes. */
  readonly heap: number;
  /** Sockets, servers and whatever else keeps a process alive. */
  readonly handles: number;
  /** Timers that run, those that keep nothing alive included. */
  readonly timers: number;
  /** Listeners on the process itself. */
  readonly listeners: number;
  /** Warnings of leaks that Node gave since the process began. */
  readonly warnings: number;
}

/** Begins to count; to be called before anything sets a timer. */
export function watchVitals(): () => Promise<Vitals> {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  const timers = countTimers();
  let warnings = 0;
  process.on('warning', ({ name }) => {
    if (name === 'MaxListenersExceededWarning') warnings += 1;
  });
  return async function vitals() {
    // What is freed by finalizers and by weak references takes some rounds.
    for (let round = 0; round < 5; round += 1) {
      collect();
      await turn();
    }
    return {
      heap: process.memoryUsage().heapUsed,
      handles: process.getActiveResourcesInfo().length,
      timers: timers(),
      listeners: process
        .eventNames()
        .reduce((sum, event) => sum + process.listenerCount(event as NodeJS.Signals), 0),
      warnings,
    };
  };
}

/** Nothing else tells of timers that keep no process alive. */
function countTimers(): () => number {
  const running = new Set<unknown>();
  const { setTimeout: set, clearTimeout: clear } = globalThis;
  const counted = (call: (...args: unknown[]) => void, ms?: number, ...args: unknown[]) => {
    const timer = set(() => {
      running.delete(timer);
      call(...args);
    }, ms);
    running.add(timer);
    return timer;
  };
  globalThis.setTimeout = Object.assign(counted, set) as typeof setTimeout;
  globalThis.clearTimeout = (timer) => {
    running.delete(timer);
    clear(timer);
  };
  return () => running.size;
}
