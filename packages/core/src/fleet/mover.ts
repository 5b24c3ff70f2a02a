/** Moves what was queued here to the shared queue, in order: a drain whose upstream is that queue. */

import type { Clock } from '../clock.ts';
import type { Undo } from '../events.ts';
import type { Claim, MovableQueue } from '../queue/lane-queue.ts';
import type { OperationRecord } from '../queue/operation-record.ts';
import { isSharedQueueUnavailable, type SharedQueue } from '../queue/shared-queue.ts';
import { entryOf } from './shared-record.ts';

interface Surroundings {
  readonly shared: SharedQueue;
  readonly local: MovableQueue;
  readonly clock: Clock;
  /** Whether its sender is still at it: it stays where it is until that has come to an end. */
  readonly isBeingSent: (id: string) => boolean;
  readonly onMoved: (record: OperationRecord) => void;
  readonly onFailure: (error: unknown) => void;
}

/** Heads that are moved at once. */
const most = 128;
/** What found no room is tried again after this time, in ms; it grows for nobody: room comes by itself. */
const againAfter = 1_000;

/** Heads of local lanes go to the shared queue, and the lane's next head after it is there. */
export class Mover {
  readonly #around: Surroundings;
  #moving: Promise<void> | undefined;
  #stopped = false;
  #cancel: Undo = () => {};

  constructor(around: Surroundings) {
    this.#around = around;
  }

  /** Moves all that can be, once it is found to be possible. */
  wake(): void {
    if (this.#moving || this.#stopped || !this.#around.shared.available) return;
    this.#moving = this.#move()
      .catch(this.#around.onFailure)
      .finally(() => {
        this.#moving = undefined;
      });
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#cancel();
    await this.#moving;
  }

  async #move(): Promise<void> {
    const { local, shared, isBeingSent } = this.#around;
    while (!this.#stopped && shared.available) {
      const claims = local.claim({
        max: most,
        admits: (_operation, { record, volatile }) => !volatile && !isBeingSent(record.id),
      });
      if (claims.length === 0) return;
      const room = await this.#send(claims);
      if (room) continue;
      this.#cancel = this.#around.clock.after(againAfter, () => this.wake());
      return;
    }
  }

  /** False where not all found room, or the shared queue is away again. */
  async #send(claims: readonly Claim[]): Promise<boolean> {
    const { local, shared, clock, onMoved, onFailure } = this.#around;
    const now = clock.now();
    try {
      // Each by itself: one that finds no room keeps no other out.
      const results = await shared.append(claims.map(({ record }) => [entryOf(record, now)]));
      const moved = await Promise.all(
        claims.map(async (claim, index) => {
          const [result] = results[index] ?? [];
          if (result?.status === 'full') return this.#release(claim);
          await local.moved(claim);
          if (result?.status === 'queued') onMoved(claim.record);
          return true;
        }),
      );
      return moved.every((each) => each);
    } catch (error) {
      if (!isSharedQueueUnavailable(error)) onFailure(error);
      await Promise.all(claims.map((claim) => this.#release(claim)));
      return false;
    }
  }

  async #release(claim: Claim): Promise<false> {
    await this.#around.local.settle(claim, { kind: 'release' });
    return false;
  }
}
