/** How many calls are with the upstream at once, and how many may wait for that. */

import { RefusedHere } from '../failure.ts';

/** Bounds of the calls to one upstream. */
export interface BulkheadOptions {
  /** Calls at once. @default 64 */
  readonly limit?: number;
  /** Calls that wait. @default 256 */
  readonly queue?: number;
}

/** Slots for calls. Whoever has one must give it back once. */
export interface Bulkhead {
  /** Slots that are free now. */
  readonly free: number;
  /** Takes a slot; false when all are taken. */
  take(): boolean;
  /**
   * Resolves with a slot, first come first served; who gives up leaves the queue.
   *
   * @throws {RefusedHere} `bulkhead_full` when all places to wait are taken
   * @throws the signal's reason when it aborts
   */
  wait(signal: AbortSignal): Promise<void>;
  /** Gives a slot back: to whoever has waited longest. */
  give(): void;
}

/**
 * Counts slots. cockatiel's bulkhead would run a queued call in the async context of whoever finished
 * before it, keep it in the queue after its caller gave up, and cost the free case several promises.
 */
export function createBulkhead({ limit, queue }: Required<BulkheadOptions>): Bulkhead {
  const waiting = new Set<() => void>();
  let free = limit;

  return {
    get free() {
      return free;
    },
    take() {
      if (free === 0) return false;
      free -= 1;
      return true;
    },
    wait(signal) {
      if (waiting.size >= queue) return Promise.reject(new RefusedHere('bulkhead_full'));
      return new Promise((resolve, reject) => {
        const grant = () => {
          signal.removeEventListener('abort', leave);
          resolve();
        };
        const leave = () => {
          waiting.delete(grant);
          reject(signal.reason);
        };
        if (signal.aborted) return reject(signal.reason);
        waiting.add(grant);
        signal.addEventListener('abort', leave, { once: true });
      });
    },
    give() {
      const [next] = waiting;
      if (!next) {
        free += 1;
        return;
      }
      waiting.delete(next);
      next();
    },
  };
}
