/** The files of a slot that is held: the journal's segments, and the snapshots that take them in. */

import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Bucket } from '@graphiti-fallback/core';
import type { Low } from 'lowdb';
import { renderBatch } from './journal-record.ts';
import type { Limits } from './options.ts';
import { buckets, type Entry, type LineChange, type Records } from './records.ts';
import { Reserve } from './reserve.ts';
import { SegmentWriter } from './segment-writer.ts';
import type { Slot } from './slot.ts';
import type { Snapshot } from './snapshot.ts';
import { previousName, type SnapshotFile } from './snapshot-file.ts';
import type { Tenancy } from './tenancy.ts';

/** What mostly finds room even where there is none left, in bytes. */
const leastRoom = 2048;

/** Writes to a slot's files. */
export class SlotFiles {
  readonly slot: Slot;
  readonly #low: Low<Snapshot>;
  readonly #file: SnapshotFile;
  readonly #segments: SegmentWriter;
  readonly #limits: Limits;
  readonly #reserve: Reserve;
  /** The first segment that the newest snapshot does not cover. */
  #covered: number;

  constructor({ slot, found }: Tenancy, limits: Limits) {
    this.slot = slot;
    this.#low = found.low;
    this.#file = found.file;
    this.#limits = limits;
    this.#segments = new SegmentWriter(slot.folder, found.position, limits.segmentBytes);
    this.#reserve = new Reserve(slot.folder, limits.segmentBytes / 4);
    this.#covered = found.file.sound?.meta.segment ?? 0;
  }

  /** Bytes of the journal since the newest snapshot. */
  get journalBytes(): number {
    return this.#segments.bytesFrom(this.#covered);
  }

  /** The segment that a change of now goes to, at the earliest. */
  get segment(): number {
    return this.#segments.current;
  }

  /** How many segments there are. */
  get segments(): number {
    return this.#segments.count;
  }

  /** Bytes on disk by kind of file. */
  get sizes(): Readonly<Record<'snapshot' | 'previous' | 'journal', number>> {
    const { bytes, previousBytes } = this.#file;
    return { snapshot: bytes, previous: previousBytes, journal: this.#segments.bytesFrom(0) };
  }

  /**
   * Writes commits whose changes are numbered from `first`; resolves with their segment, once a power cut
   * would change nothing any more.
   *
   * @throws the system's error
   */
  async append(commits: readonly (readonly LineChange[])[], first: number): Promise<number> {
    const segment = await this.#segments.append(first, (seed) => renderBatch(commits, first, seed));
    // A store that has grown can afford it.
    if (this.#segments.bytesFrom(0) > this.#limits.segmentBytes) await this.#reserve.takeInTime();
    return segment;
  }

  /**
   * Ends the present segment, and says what a snapshot of this moment is, with all that is there if it is
   * to be `whole`. Nothing may be written meanwhile.
   */
  async cut(records: Records, seq: number, whole: boolean): Promise<Snapshot> {
    await this.#segments.seal();
    const { checkpointBytes } = this.#limits;
    const early = whole
      ? undefined
      : this.#segments.numbers.find(
          (each) => this.#segments.bytesFrom(each) <= checkpointBytes / 2,
        );
    const worthwhile = early !== undefined && records.sizeBefore(early) < records.size / 2;
    return this.#snapshotAt(worthwhile ? early : this.#segments.next, records, seq);
  }

  /** Writes a snapshot, and removes the segments that neither it nor the one before needs. @throws the system's error */
  async checkpoint(snapshot: Snapshot): Promise<void> {
    this.#low.data = snapshot;
    try {
      await this.#low.write();
    } finally {
      this.#low.data = { ...snapshot, entries: () => [] }; // it would keep what is gone since
    }
    this.#covered = snapshot.segment;
    await this.#segments.removeBefore(this.#file.needed);
  }

  /**
   * Makes room on a full disk: gives up the reserve, and the generation before with what only it needs;
   * then writes a snapshot of what is oldest, without what is `going`, as far as that room lets it, and
   * removes its segments. Nothing may be written meanwhile.
   *
   * @throws the system's error
   */
  async makeRoom(records: Records, seq: number, going: ReadonlySet<Entry>): Promise<void> {
    await this.#segments.seal();
    const before = this.#bytes;
    await this.#reserve.giveUp();
    await this.#forgetPrevious();
    const room = before - this.#bytes;
    const boundaries = [...this.#segments.numbers, this.#segments.next];
    const most = Math.max(room / 2, leastRoom);
    const sizeBefore = (each: number) => {
      const gone = [...going].filter(({ home }) => home < each);
      return records.sizeBefore(each) - gone.reduce((sum, entry) => sum + sizeOf(entry), 0);
    };
    const fits = (each: number) => each > this.#covered && sizeBefore(each) <= most;
    const segment = boundaries.findLast(fits);
    if (segment === undefined) return;
    await this.checkpoint(this.#snapshotAt(segment, records, seq, going));
    await this.#forgetPrevious();
    await this.#reserve.take();
  }

  /** Closes what is open, and lets go of the slot. */
  async leave(): Promise<void> {
    await this.#segments.seal();
    await this.#reserve.giveUp().catch(() => {});
    this.slot.release();
  }

  /**
   * A snapshot from which the journal goes on at a segment: with what is at home before it, as it is now.
   * What lives in later segments needs not be rewritten, and what is done is in neither.
   */
  #snapshotAt(
    segment: number,
    records: Records,
    seq: number,
    going: ReadonlySet<Entry> = nothing,
  ): Snapshot {
    const first = this.#segments.firstOf(segment);
    const stays = (entry: Entry) => !going.has(entry);
    if (first === undefined)
      return { seq, segment: this.#segments.next, entries: viewOf(records, stays) };
    const belongs = (entry: Entry) => entry.home < segment && stays(entry);
    return { seq: first - 1, segment, entries: viewOf(records, belongs) };
  }

  get #bytes(): number {
    const { snapshot, previous, journal } = this.sizes;
    return snapshot + previous + journal + this.#reserve.bytes;
  }

  async #forgetPrevious(): Promise<void> {
    await rm(join(this.slot.folder, previousName), { force: true });
    this.#file.forgetPrevious();
    await this.#segments.removeBefore(this.#file.needed);
  }
}

const nothing: ReadonlySet<Entry> = new Set();

function sizeOf({ start, end }: Entry): number {
  return end - start;
}

/** Copies of references: entries are replaced, never changed. */
function viewOf(
  records: Records,
  belongs: (entry: Entry) => boolean,
): (bucket: Bucket) => readonly Entry[] {
  const views = new Map(buckets.map((name) => [name, records.view(name).filter(belongs)]));
  return (bucket) => views.get(bucket) ?? [];
}
