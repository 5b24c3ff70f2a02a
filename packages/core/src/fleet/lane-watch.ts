/** Whether something that must go first lies in a lane, here or elsewhere, and who waits until nothing does. */

import type { Clock } from '../clock.ts';
import type { MovableQueue, Wait } from '../queue/lane-queue.ts';
import { isSharedQueueUnavailable, type SharedQueue } from '../queue/shared-queue.ts';
import { isBack } from './blink.ts';

interface Surroundings {
  readonly shared: SharedQueue;
  readonly local: MovableQueue;
  readonly clock: Clock;
  /** Whether anything was in the shared queue when it was last heard. */
  readonly heldAny: () => boolean;
}

/** Who waits for a lane that another instance holds looks again after this time, in ms. */
const lookAgain = 100;

/** Looks at lanes. */
export class LaneWatch {
  readonly #around: Surroundings;
  /** Writes that wait for a lane, and must not be overtaken. */
  readonly #waiting = new Map<string, Set<{ overtaken: boolean }>>();
  /** It was waited for in vain, and has not been back since. */
  #isAway = false;
  #closed = false;

  constructor(around: Surroundings) {
    this.#around = around;
  }

  async isBehind(lane: string): Promise<boolean> {
    const { shared, local, heldAny } = this.#around;
    if (local.queues(lane)) return true;
    for (let tries = 0; tries < 2 && (await this.#isThere()); tries += 1)
      try {
        return await shared.busy(lane);
      } catch (error) {
        if (!isSharedQueueUnavailable(error)) throw error;
      }
    // It cannot be asked: what was last known has to do.
    return heldAny();
  }

  /** How much of the wait is left when the lane is free, in ms; 0 where it was in vain, or somebody came first. */
  async untilFree(lane: string, { withinMs, signal }: Wait): Promise<number> {
    const { clock } = this.#around;
    const until = clock.elapsed() + withinMs;
    const self = { overtaken: false };
    const waiting = this.#waiting.get(lane) ?? new Set();
    this.#waiting.set(lane, waiting.add(self));
    try {
      const isOver = () => self.overtaken || (signal?.aborted ?? false) || this.#closed;
      while (!isOver() && clock.elapsed() < until) {
        await new Promise<void>((resolve) => {
          clock.after(lookAgain, resolve);
        });
        if (isOver() || (await this.isBehind(lane))) continue;
        return Math.max(1, until - clock.elapsed());
      }
      return 0;
    } finally {
      waiting.delete(self);
      if (waiting.size === 0 && this.#waiting.get(lane) === waiting) this.#waiting.delete(lane);
    }
  }

  /** Something is queued there: who waits would come after what was written later. */
  queued(lane: string): void {
    for (const each of this.#waiting.get(lane) ?? []) each.overtaken = true;
  }

  close(): void {
    this.#closed = true;
  }

  /** Once it has been away for a moment nobody waits for it any more. */
  async #isThere(): Promise<boolean> {
    const { shared, clock } = this.#around;
    if (shared.available) this.#isAway = false;
    else if (!this.#isAway) this.#isAway = !(await isBack(shared, clock));
    return !this.#isAway;
  }
}
