/** Taking operations in: room for them, their places in memory, one commit, and then their receipts. */

import type { Clock } from '../clock.ts';
import type { Durability, Journal } from '../journal.ts';
import { type Coalesced, type Coalescing, coalesce } from './coalescing.ts';
import type { History } from './history.ts';
import type { Entry } from './lane.ts';
import type { Appended } from './lane-queue.ts';
import type { Lanes } from './lanes.ts';
import { type Ledger, putRecord, removeRecord } from './ledger.ts';
import type { Addition } from './live-turns.ts';
import { type NewOperation, recordOf, type Sending } from './operation-record.ts';

/** Bounds of a queue. */
export interface QueueOptions {
  /** Operations. @default 100,000 */
  readonly maxEntries?: number;
  /** Bytes of their records. @default 268,435,456 (256 MiB) */
  readonly maxBytes?: number;
  /** How old an operation may be when it is replayed, in ms. @default 604,800,000 (7 days) */
  readonly maxAge?: number;
  /** Dead letters that are kept; of more, the oldest is dropped. @default 10,000 */
  readonly maxDead?: number;
  /** What becomes of a write that finds the queue full: it is refused, or the oldest ones make room. @default 'refuse' */
  readonly overflow?: 'refuse' | 'drop_oldest';
}

interface Surroundings {
  readonly journal: Journal;
  readonly lanes: Lanes;
  readonly ledger: Ledger;
  readonly history: History;
  readonly bounds: Required<QueueOptions>;
  readonly clock: Clock;
  /** Tells what became of an operation; `laneDepth` where it was queued. */
  readonly say: (
    event: 'enqueued' | 'refused' | 'dropped' | 'coalesced',
    operation: { readonly operation: string; readonly id: string },
    more?: { readonly reason?: string; readonly laneDepth?: number },
  ) => void;
  readonly onFailure: (error: unknown) => void;
}

/** One operation on its way in. */
interface Prepared {
  readonly id: string;
  readonly sending: Sending;
  /** Absent where it and an earlier one come to nothing. */
  readonly entry: Entry | undefined;
  /** An earlier one that it stands for. */
  readonly replaced: Entry | undefined;
  /** Stored for its sender, who tells what becomes of it. */
  readonly held: boolean;
}

/** What the rest of a record may take, at most, without an error and a trace. */
const recordOverhead = 300;

/** Stores operations, within bounds. */
export class Intake {
  readonly #around: Surroundings;

  constructor(around: Surroundings) {
    this.#around = around;
  }

  /** Whether one more finds room as things are: nothing is dropped for it. */
  hasRoom(operation: NewOperation): boolean {
    return this.#passed(1, inputBytes(operation)) === undefined;
  }

  /** The bound that so many more would pass, after making room where the app chose that. */
  limitReached(operations: readonly NewOperation[]): 'entries' | 'bytes' | undefined {
    const { lanes, bounds } = this.#around;
    // What stands beside the lanes takes room, too; one that is to be queued from there has its room.
    const added = operations.filter(({ id }) => !lanes.beside(id));
    if (added.length === 0) return undefined;
    const bytes = added.reduce((sum, each) => sum + inputBytes(each), 0);
    let limit = this.#passed(added.length, bytes);
    if (!limit || bounds.overflow !== 'drop_oldest') return limit;
    // Nothing is dropped for what finds no room even so.
    const dropped: { readonly entry: Entry; readonly reason: string }[] = [];
    let freed = 0;
    for (const entry of lanes.entries.values()) {
      if (!this.#mayDrop(entry)) continue;
      dropped.push({ entry, reason: limit });
      freed += entry.bytes;
      limit = this.#passed(added.length - dropped.length, bytes - freed);
      if (limit) continue;
      for (const each of dropped) this.#drop(each.entry, each.reason);
      return undefined;
    }
    return limit;
  }

  /** Stores all or none, in order, at the tails of their lanes; local ones beside them. */
  async store(additions: readonly Addition[]): Promise<readonly Appended[]> {
    const { journal, lanes } = this.#around;
    const prepared = additions.map((addition) => this.#prepare(addition));
    for (const { entry, replaced } of prepared) {
      if (entry) this.#place(entry);
      // It must not be sent while it is being replaced.
      if (replaced) replaced.committed = false;
    }
    try {
      const changes = prepared.flatMap((each) => this.#changesOf(each));
      const durability = changes.length > 0 ? await journal.commit(changes) : 'memory';
      return prepared.map((each) => this.#stored(each, durability));
    } catch (error) {
      this.#around.onFailure(error);
      for (const each of prepared) this.#putBack(each, error);
      throw error;
    } finally {
      for (const { entry, replaced } of prepared)
        for (const each of [entry, replaced]) if (each) lanes.arrange(lanes.lane(each.record.lane));
    }
  }

  #passed(entries: number, bytes: number): 'entries' | 'bytes' | undefined {
    const { lanes, bounds } = this.#around;
    const { local, accepted } = lanes;
    const size = lanes.entries.size + local.entries.size + accepted.entries.size;
    if (size + entries > bounds.maxEntries) return 'entries';
    const taken = lanes.bytes + local.bytes + accepted.bytes;
    return taken + bytes > bounds.maxBytes ? 'bytes' : undefined;
  }

  /** What is on its way, to the upstream or to the disk, cannot be dropped. */
  #mayDrop(entry: Entry): boolean {
    return entry.committed && !this.#around.lanes.lane(entry.record.lane).isInFlight(entry);
  }

  #drop(entry: Entry, reason: string): void {
    const { lanes, ledger, say } = this.#around;
    lanes.remove(entry);
    lanes.arrange(lanes.lane(entry.record.lane));
    say('dropped', entry.record, { reason });
    void ledger.remove(entry, 'dropped');
  }

  #prepare({ operation, inFlight, held = false }: Addition): Prepared {
    const { clock } = this.#around;
    const now = clock.now();
    const sending = held ? { trace: operation.trace, end() {} } : operation.send();
    const { id } = operation;
    const earlier = inFlight ? undefined : this.#earlier(operation);
    const come = earlier && coalesced(earlier, operation);
    const replaced = come && earlier;
    if (come?.kind === 'none') return { id, sending, entry: undefined, replaced, held };
    const kept = come?.operation ?? operation;
    const record = {
      ...recordOf(kept, now, sending.trace),
      ...(inFlight && { inFlight, sentAt: now }),
    };
    const entry: Entry = {
      record,
      bytes: bytesOf(record),
      volatile: kept.keep === 'memory',
      committed: false,
      withdrawn: kept.withdrawn,
      ...(kept.coalescing && !inFlight && { coalescing: kept.coalescing }),
    };
    return { id, sending, entry, replaced, held };
  }

  /** The write of the same entity that came last, if it may be replaced: committed, and never claimed. */
  #earlier({ coalescing, entity, lane, keep }: NewOperation): Entry | undefined {
    if (!coalescing || !entity || keep === 'local') return undefined;
    const last = this.#around.lanes.pending(entity).at(-1);
    const fits =
      last?.coalescing &&
      last.committed &&
      last.record.lane === lane &&
      last.volatile === (keep === 'memory');
    return fits ? last : undefined;
  }

  #place(entry: Entry): void {
    const { lanes } = this.#around;
    if (entry.record.local) lanes.local.add(entry);
    else lanes.add(entry);
  }

  #changesOf({ entry, replaced }: Prepared) {
    const { lanes, history, ledger } = this.#around;
    const gone = replaced && !replaced.volatile ? replaced.record : undefined;
    const record = entry && !entry.volatile ? entry.record : undefined;
    // One from beside the lanes comes to the end, in the journal too: a repeated put would keep its place.
    const wasBeside = record && !record.local && lanes.beside(record.id);
    if (wasBeside) ledger.forget(record.id);
    return [
      ...(gone ? [removeRecord(gone.id), ...history.add(gone, 'coalesced')] : []),
      ...(wasBeside ? [removeRecord(record.id)] : []),
      ...(record ? [putRecord(record)] : []),
    ];
  }

  #stored({ id, sending, entry, replaced, held }: Prepared, durability: Durability): Appended {
    const { lanes, history, say } = this.#around;
    if (replaced) {
      lanes.remove(replaced);
      say('coalesced', replaced.record);
    }
    if (!entry) {
      sending.end();
      if (replaced) history.add({ ...replaced.record, id }, 'coalesced');
      return { status: 'queued', id, durability };
    }
    const { record, volatile } = entry;
    entry.committed = true;
    const kept = volatile ? 'memory' : durability;
    if (record.local) {
      sending.end();
      if (record.changed) void this.#around.ledger.update(entry, (each) => each);
      return { status: 'queued', id, durability: kept, local: true };
    }
    // Somebody may have doubted it meanwhile.
    if (record.doubted) void this.#around.ledger.update(entry, (each) => each);
    if (held) return { status: 'queued', id, durability: kept };
    const was = lanes.beside(id);
    if (was) lanes.takeFromBeside(was);
    const laneDepth = lanes.find(record.lane)?.size ?? 0;
    sending.end({ laneDepth });
    say('enqueued', record, { laneDepth });
    return { status: 'queued', id, durability: kept };
  }

  #putBack({ sending, entry, replaced, held }: Prepared, error: unknown): void {
    const { lanes, say } = this.#around;
    sending.end({ error });
    if (replaced) replaced.committed = true;
    if (!entry) return;
    if (entry.record.local) lanes.local.remove(entry);
    else lanes.remove(entry);
    if (!held) say('refused', entry.record, { reason: 'store' });
  }
}

function coalesced({ record, coalescing }: Entry, later: NewOperation): Coalesced | undefined {
  const both = coalescing && later.coalescing;
  if (!both) return undefined;
  try {
    return coalesce({ ...record, coalescing }, later as NewOperation & { coalescing: Coalescing });
  } catch {
    // The app's own `coalesce` failed, and was told so: both are sent.
    return undefined;
  }
}

/** Size of a record, in bytes. */
export function bytesOf(record: object): number {
  return Buffer.byteLength(JSON.stringify(record));
}

function inputBytes({ input }: NewOperation): number {
  return bytesOf({ input }) + recordOverhead;
}
