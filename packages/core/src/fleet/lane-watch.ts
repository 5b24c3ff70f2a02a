/** Whether something that must go first lies in a lane, here or elsewhere, and who waits until nothing does. */

import type { Clock } from '../clock.ts';
import type { MovableQueue, Wait } from '../queue/lane-queue.ts';
import { isSharedQueueUnavailable, type SharedQueue } from '../queue/shared-queue.ts';
import { isBack } from './blink.ts';

interface Surroundings {
  readonly shared: SharedQueue;
  readonly local: MovableQueue;
  readonly clock: Clock;
  /** Whether anything is in the shared queue, as far as is known here. */
  readonly heldAny: () => boolean;
}

/** Who waits for a lane that another instance holds looks again after this time, in ms. */
const lookAgain = 100;
/** An answer that got lost is asked for again for so long, as long as the connection is soon back, in ms. */
const askFor = 3_000;
const askAgain = 25;

/** Looks at lanes. */
export class LaneWatch {
  readonly #around: Surroundings;
  /** Writes that wait for a lane, and must not be overtaken. */
  readonly #waiting = new Map<string, Set<{ overtaken: boolean }>>();
  /** How many stores of writes are under way in a lane: what is asked meanwhile may not know of them. */
  readonly #storing = new Map<string, number>();
  /** It was waited for in vain, and has not been back since. */
  #isAway = false;
  #closed = false;

  constructor(around: Surroundings) {
    this.#around = around;
  }

  async isBehind(lane: string): Promise<boolean> {
    const { shared, clock, heldAny } = this.#around;
    const until = clock.elapsed() + askFor;
    let refusals = 0;
    while ((await this.#isThere()) && clock.elapsed() < until) {
      if (this.#holdsHere(lane)) return true;
      const self = this.#register(lane);
      try {
        if (await shared.busy(lane)) return true;
        // What was queued here while it was asked may not be in the answer.
        if (!self.overtaken) return false;
      } catch (error) {
        if (!isSharedQueueUnavailable(error)) throw error;
        // One that is there, and refuses, will do so again.
        if (!error.uncertain && shared.available) refusals += 1;
        if (refusals > 1) break;
        await this.#pause(askAgain);
      } finally {
        this.#leave(lane, self);
      }
    }
    // It cannot be asked: what is known here has to do, and order is that of this instance.
    return this.#holdsHere(lane) || heldAny();
  }

  /** Whether writes of this instance are being queued there now. */
  isQueueing(lane: string): boolean {
    return this.#storing.has(lane);
  }

  /** Queues something in these lanes; until it is known where, whoever comes is behind it. */
  async whileQueueing<T>(lanes: readonly string[], queue: () => Promise<T>): Promise<T> {
    for (const lane of lanes) {
      this.#storing.set(lane, (this.#storing.get(lane) ?? 0) + 1);
      // Who waits would come after what was written later.
      for (const each of this.#waiting.get(lane) ?? []) each.overtaken = true;
    }
    try {
      return await queue();
    } finally {
      for (const lane of lanes) {
        const left = (this.#storing.get(lane) ?? 0) - 1;
        if (left > 0) this.#storing.set(lane, left);
        else this.#storing.delete(lane);
      }
    }
  }

  /** How much of the wait is left when the lane is free, in ms; 0 where it was in vain, or somebody came first. */
  async untilFree(lane: string, { withinMs, signal }: Wait): Promise<number> {
    const { clock } = this.#around;
    const until = clock.elapsed() + withinMs;
    const self = this.#register(lane);
    try {
      const isOver = () => self.overtaken || (signal?.aborted ?? false) || this.#closed;
      while (!isOver() && clock.elapsed() < until) {
        await this.#pause(lookAgain);
        if (isOver() || (await this.isBehind(lane))) continue;
        return Math.max(1, until - clock.elapsed());
      }
      return 0;
    } finally {
      this.#leave(lane, self);
    }
  }

  close(): void {
    this.#closed = true;
  }

  #holdsHere(lane: string): boolean {
    return this.#storing.has(lane) || this.#around.local.queues(lane);
  }

  #register(lane: string): { overtaken: boolean } {
    const self = { overtaken: false };
    this.#waiting.set(lane, (this.#waiting.get(lane) ?? new Set()).add(self));
    return self;
  }

  #leave(lane: string, self: { overtaken: boolean }): void {
    const waiting = this.#waiting.get(lane);
    waiting?.delete(self);
    if (waiting?.size === 0) this.#waiting.delete(lane);
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      // A write waits for this: the process must not end before it.
      this.#around.clock.after(ms, resolve, true);
    });
  }

  /** Once it has been away for a moment nobody waits for it any more. */
  async #isThere(): Promise<boolean> {
    const { shared, clock } = this.#around;
    if (shared.available) this.#isAway = false;
    else if (!this.#isAway) this.#isAway = !(await isBack(shared, clock));
    return !this.#isAway;
  }
}
