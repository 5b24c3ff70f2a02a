/** How many calls are with the upstream at once, and how many may wait for that. */

import { bulkhead as cockatielBulkhead } from 'cockatiel';
import type { Undo } from '../events.ts';
import { RefusedHere } from '../failure.ts';

/** Bounds of the calls to one upstream. */
export interface BulkheadOptions {
  /** Calls at once. @default 64 */
  readonly limit?: number;
  /** Calls that wait. @default 256 */
  readonly queue?: number;
}

/** Slots for calls. */
export interface Bulkhead {
  /**
   * Takes a slot, and resolves with how to give it back.
   *
   * @throws {RefusedHere} `bulkhead_full` when all slots and all places to wait are taken
   */
  acquire(): Promise<Undo>;
  /** Slots that are free now. */
  readonly free: number;
}

/**
 * Counts slots with cockatiel's bulkhead, but lets nothing run inside it: there a queued call would
 * run in the async context of whoever finished before it, and a hung one would keep its slot.
 */
export function createBulkhead({ limit, queue }: Required<BulkheadOptions>): Bulkhead {
  const slots = cockatielBulkhead(limit, queue);
  return {
    get free() {
      return slots.executionSlots;
    },
    acquire: () =>
      new Promise((granted, refused) => {
        slots
          .execute(() => new Promise<void>((release) => granted(release)))
          .catch((cause: unknown) => refused(new RefusedHere('bulkhead_full', { cause })));
      }),
  };
}
