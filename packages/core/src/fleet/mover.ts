/** Moves what was queued here to the shared queue, in order: a drain whose upstream is that queue. */

import type { Clock } from '../clock.ts';
import type { Undo } from '../events.ts';
import type { Claim, MovableQueue } from '../queue/lane-queue.ts';
import type { OperationRecord } from '../queue/operation-record.ts';
import {
  isSharedQueueUnavailable,
  type SharedEntry,
  type SharedQueue,
} from '../queue/shared-queue.ts';
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

/** Heads that are moved at once, and how long their bodies may be together: what is larger goes alone. */
const most = 128;
const mostBodies = 1024 * 1024;
/** So many that the shared queue cannot take are found out at a time: it may be that it takes none. */
const mostRefused = 8;
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
    const { local, shared, clock, isBeingSent } = this.#around;
    /** One that cannot be taken keeps no other from being moved. */
    const refused = new Set<string>();
    let goesOn = true;
    while (goesOn && !this.#stopped && shared.available) {
      const claims = local.claim({
        max: most,
        admits: (_operation, { record: { id }, volatile }) =>
          !volatile && !isBeingSent(id) && !refused.has(id),
      });
      if (claims.length === 0 && refused.size === 0) return;
      goesOn = claims.length > 0 && (await this.#send(claims, refused));
    }
    this.#cancel();
    this.#cancel = clock.after(againAfter, () => this.wake());
  }

  /** False where not all found room, or the shared queue is away again. */
  async #send(claims: readonly Claim[], refused: Set<string>): Promise<boolean> {
    const now = this.#around.clock.now();
    const parts = partsOf(claims.map((claim) => ({ claim, entry: entryOf(claim.record, now) })));
    let all = true;
    for (let part = parts.shift(); part; part = parts.shift()) {
      const sent = await this.#sendPart(part);
      if (sent === 'full' || sent === 'away') all = false;
      if (sent === 'refused' && part.length > 1) {
        parts.unshift(...part.map((each) => [each]));
        continue;
      }
      if (sent === 'refused') for (const { entry } of part) refused.add(entry.id);
      const rest = sent === 'away' || refused.size > mostRefused ? parts.splice(0).flat() : [];
      if (sent === 'away' || sent === 'refused') await this.#release([...part, ...rest]);
    }
    return all && refused.size <= mostRefused;
  }

  async #sendPart(part: readonly Moving[]): Promise<'moved' | 'full' | 'refused' | 'away'> {
    const { local, shared, onMoved, onFailure } = this.#around;
    try {
      // Each by itself: one that finds no room keeps no other out.
      const results = await shared.append(part.map(({ entry }) => [entry]));
      const moved = await Promise.all(
        part.map(async (each, index) => {
          const [result] = results[index] ?? [];
          if (result?.status === 'full') {
            await this.#release([each]);
            return false;
          }
          await local.moved(each.claim);
          if (result?.status === 'queued') onMoved(each.claim.record);
          return true;
        }),
      );
      return moved.every((each) => each) ? 'moved' : 'full';
    } catch (error) {
      if (isSharedQueueUnavailable(error)) return 'away';
      onFailure(error);
      return 'refused';
    }
  }

  async #release(moving: readonly Moving[]): Promise<void> {
    const { local } = this.#around;
    await Promise.all(moving.map(({ claim }) => local.settle(claim, { kind: 'release' })));
  }
}

/** One that is being moved. */
interface Moving {
  readonly claim: Claim;
  readonly entry: SharedEntry;
}

/** Commands that a server takes in its time. */
function partsOf(moving: readonly Moving[]): Moving[][] {
  const parts: Moving[][] = [];
  let length = 0;
  for (const each of moving) {
    length += each.entry.body.length;
    if (parts.length === 0 || length > mostBodies) {
      parts.push([]);
      length = each.entry.body.length;
    }
    parts.at(-1)?.push(each);
  }
  return parts;
}
