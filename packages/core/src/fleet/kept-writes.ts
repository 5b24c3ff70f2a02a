/** Writes on their way into the queue, and live ones that were queued while their senders were at it. */

import { LRUCache } from 'lru-cache';
import type { Clock } from '../clock.ts';
import type { FallbackEvents, Undo } from '../events.ts';
import type { Appended, MovableQueue } from '../queue/lane-queue.ts';
import type { Addition } from '../queue/live-turns.ts';
import { type NewOperation, type OperationRecord, recordOf } from '../queue/operation-record.ts';
import type { SharedClaim } from '../queue/shared-queue.ts';
import { requeued } from '../queue/transfer.ts';
import type { OwnOperations } from './own-operations.ts';
import { claimOf, type Placed, type Placement, type Placements } from './placement.ts';
import type { Settler } from './settler.ts';
import { progressOf } from './shared-record.ts';

interface Surroundings {
  readonly local: MovableQueue;
  readonly placements: Placements;
  readonly own: OwnOperations;
  readonly settler: Settler;
  readonly clock: Clock;
  /** Queues something in lanes: whoever comes to them meanwhile is behind it. */
  readonly whileQueueing: <T>(lanes: readonly string[], queue: () => Promise<T>) => Promise<T>;
  readonly onQueued: () => void;
  /** Keeps one that the upstream has acknowledged. */
  readonly onAccepted: (record: OperationRecord, sentAt: number) => Promise<void>;
  /** Takes one as applied that nobody here holds. Never rejects. */
  readonly takeAsApplied: (id: string) => Promise<void>;
  /** Takes one out of the shared queue, where it is there; nothing of it is remembered. Never rejects. */
  readonly takeOut: (id: string) => Promise<void>;
  readonly say: (
    event: 'enqueued' | 'refused',
    record: OperationRecord,
    more?: Pick<FallbackEvents['queue'], 'reason'>,
  ) => void;
}

/** How long a sender waits for the shared queue to hear of its end, in ms. */
const longestWait = 500;
/** Each of these is tried again soon, or never. */
const mostFailed = 10_000;

/** One whose sender is at it. */
interface Sent {
  readonly record: OperationRecord;
  readonly claim?: SharedClaim;
}

/** Keeps writes: in the shared queue where it can be, else here. */
export class KeptWrites {
  readonly #around: Surroundings;
  /** Those whose senders are at it, with the claim where they hold their lane. */
  readonly #sending = new Map<string, Sent>();
  /** Those that could not be stored, as far as is known here: they may be there all the same. */
  readonly #failed = new LRUCache<string, true>({ max: mostFailed });

  constructor(around: Surroundings) {
    this.#around = around;
  }

  isBeingSent(id: string): boolean {
    return this.#sending.has(id);
  }

  /** Live writes that hold their lanes in the shared queue while they are on their way. */
  held(): readonly Required<Sent>[] {
    return [...this.#sending.values()].flatMap(({ record, claim }) =>
      claim ? [{ record, claim }] : [],
    );
  }

  /** All that goes to one lane goes to one place. */
  async store(additions: readonly Addition[]): Promise<readonly Appended[]> {
    const { local, placements, whileQueueing, say } = this.#around;
    const shares = additions.some(({ operation }) => operation.keep === 'disk');
    if (!shares) return local.append(additions.map(({ operation }) => operation));
    // One that is only stored on its way keeps its turn.
    const lanes = additions.filter(({ held }) => !held).map(({ operation }) => operation.lane);
    const placed = additions.map(({ operation, inFlight, held = false }) =>
      this.#placed({ ...operation, keep: 'disk' }, inFlight, held),
    );
    for (const { record, hold } of placed) if (hold) this.#sending.set(record.id, { record });
    try {
      const found = await whileQueueing(lanes, () => placements.place(placed));
      return placed.map((each, index) => this.#kept(each, found[index]));
    } catch (error) {
      for (const { record, sending } of placed) {
        this.#sending.delete(record.id);
        this.#failed.set(record.id, true);
        sending.end({ error });
        say('refused', record, { reason: 'store' });
      }
      throw error;
    }
  }

  /** Queues one that was exported, unless it is or was there. */
  async import(record: OperationRecord): Promise<Appended | 'duplicate'> {
    const { local, placements, own, onQueued } = this.#around;
    if (local.get(record.id)) return 'duplicate';
    const placed = { ...this.#placed(requeued(record), false), isNew: false };
    const [placement] = await placements.place([placed]);
    if (placement?.where === 'shared') {
      if (placement.appended.status === 'duplicate') return 'duplicate';
      if (placement.appended.status === 'queued') {
        own.add(placed.record);
        onQueued();
      }
    }
    return appendedOf(record.id, placement);
  }

  /** A live write that was queued while it was on its way was applied, or given up. */
  async remove(id: string): Promise<void> {
    const { settler, takeAsApplied } = this.#around;
    const { claim, record } = this.#taken(id);
    if (claim && record) await this.#soon(settler.settle(claim, record, { kind: 'done' }));
    else await takeAsApplied(id);
  }

  /** The upstream acknowledged such a write, and it is to be confirmed: by this instance. */
  async accept(id: string, sentAt: number): Promise<void> {
    const { settler, onAccepted, takeOut } = this.#around;
    const record = this.#sending.get(id)?.record;
    if (record) await onAccepted(record, sentAt);
    const { claim } = this.#taken(id);
    const done = { kind: 'done', ending: '' } as const;
    if (claim && record) await this.#soon(settler.end(claim, done, record));
    else await takeOut(id);
  }

  /** Such a write failed, and is to be replayed. */
  async update(id: string, change: (record: OperationRecord) => OperationRecord): Promise<void> {
    const { settler, clock } = this.#around;
    const { claim, record } = this.#taken(id);
    // Whoever does not hold it any more has nothing to say of it: it is as it was stored.
    if (!claim || !record) return;
    const changed = change(record);
    const delayMs = Math.max(0, (changed.nextAt ?? 0) - clock.now());
    const progress = progressOf(changed);
    const retry = { kind: 'retry', delayMs, untilRecovery: false, progress } as const;
    await this.#soon(settler.end(claim, retry));
  }

  /**
   * The upstream has answered: whoever waits for that is not kept from it by a server that is away. Until
   * that has heard of it, the lane is held, and what comes later is queued behind.
   */
  async #soon(settling: Promise<unknown>): Promise<void> {
    let cancel: Undo = () => {};
    const patience = new Promise<void>((resolve) => {
      cancel = this.#around.clock.after(longestWait, resolve, true);
    });
    await Promise.race([settling, patience]);
    cancel();
  }

  #taken(id: string): Partial<Sent> {
    const sent: Partial<Sent> = this.#sending.get(id) ?? {};
    this.#sending.delete(id);
    return sent;
  }

  #placed(operation: NewOperation, hold: boolean, quiet = false): Placed {
    const now = this.#around.clock.now();
    const sending = quiet ? { trace: operation.trace, end() {} } : operation.send();
    const record = recordOf(operation, now, sending.trace);
    return {
      operation,
      sending,
      hold,
      quiet,
      isNew: !this.#failed.has(operation.id),
      record: hold ? { ...record, sentAt: now } : record,
    };
  }

  #kept(
    { record, operation, sending, hold, quiet }: Placed,
    placement: Placement | undefined,
  ): Appended {
    const { own, onQueued, say } = this.#around;
    const appended = appendedOf(record.id, placement);
    if (appended.status === 'full') this.#sending.delete(record.id);
    if (placement?.where === 'local') return appended;
    sending.end();
    if (appended.status === 'full') {
      // What was to be stored on its way is sent all the same.
      if (!quiet) say('refused', record, { reason: appended.limit });
      return appended;
    }
    const claim = claimOf(placement);
    if (hold) this.#sending.set(record.id, { record, ...(claim && { claim }) });
    own.add(record, operation.withdrawn);
    if (!quiet) say('enqueued', record);
    onQueued();
    return appended;
  }
}

function appendedOf(id: string, placement: Placement | undefined): Appended {
  if (!placement) throw new Error('The shared queue did not answer for each operation');
  if (placement.where === 'local') return placement.appended;
  const { appended } = placement;
  if (appended.status === 'full') return appended;
  // A second time is as good as the first, whose answer was lost.
  return { status: 'queued', id, durability: appended.durability };
}
