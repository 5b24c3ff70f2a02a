/** The files of a slot that is held: the journal's segments, and the snapshots that take them in. */

import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Bucket } from '@graphiti-fallback/core';
import type { Low } from 'lowdb';
import { syncFolder } from './durable-file.ts';
import { renderBatch } from './journal-record.ts';
import type { Limits } from './options.ts';
import { buckets, type Entry, type LineChange, type Records } from './records.ts';
import { SegmentWriter } from './segment-writer.ts';
import type { Slot } from './slot.ts';
import type { Snapshot } from './snapshot.ts';
import { previousName, type SnapshotFile } from './snapshot-file.ts';
import type { Tenancy } from './tenancy.ts';

/** Writes to a slot's files. */
export class SlotFiles {
  readonly slot: Slot;
  readonly #low: Low<Snapshot>;
  readonly #file: SnapshotFile;
  readonly #segments: SegmentWriter;
  readonly #limits: Limits;
  /** The first segment that the newest snapshot does not cover. */
  #covered: number;

  constructor({ slot, found }: Tenancy, limits: Limits) {
    this.slot = slot;
    this.#low = found.low;
    this.#file = found.file;
    this.#limits = limits;
    this.#segments = new SegmentWriter(slot.folder, found.position, limits.segmentBytes);
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
  append(commits: readonly (readonly LineChange[])[], first: number): Promise<number> {
    return this.#segments.append(first, (seed) => renderBatch(commits, first, seed));
  }

  /**
   * Ends the present segment, and says what a snapshot of this moment is, with all that is there if it is
   * to be `whole`. Nothing may be written meanwhile.
   */
  async cut(records: Records, seq: number, whole: boolean): Promise<Snapshot> {
    await this.#segments.seal();
    const short = whole ? undefined : this.#withoutRewrite(records);
    return short ?? { seq, segment: this.#segments.next, entries: viewOf(records) };
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

  /** Gives up the generation before and what only it needs, for the room. @throws the system's error */
  async makeRoom(): Promise<void> {
    await rm(join(this.slot.folder, previousName), { force: true });
    this.#file.forgetPrevious();
    await this.#segments.removeBefore(this.#file.needed);
    await syncFolder(this.slot.folder);
  }

  /** Closes what is open, and lets go of the slot. */
  async leave(): Promise<void> {
    await this.#segments.seal();
    this.slot.release();
  }

  /**
   * Where everything in the oldest segments is done they need not be rewritten: the snapshot is one of
   * nothing, and the journal goes on from the first segment that has something.
   */
  #withoutRewrite(records: Records): Snapshot | undefined {
    const home = records.oldestHome;
    const first = this.#segments.firstOf(home);
    if (home <= this.#covered || first === undefined) return undefined;
    if (this.#segments.bytesFrom(home) > this.#limits.checkpointBytes / 2) return undefined;
    return { seq: first - 1, segment: home, entries: () => [] };
  }
}

/** Copies of references: entries are replaced, never changed. */
function viewOf(records: Records): (bucket: Bucket) => readonly Entry[] {
  const views = new Map(buckets.map((name) => [name, records.view(name)]));
  return (bucket) => views.get(bucket) ?? [];
}
