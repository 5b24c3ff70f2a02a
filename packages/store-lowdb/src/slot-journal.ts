/** Records of one slot: commits go to its journal in groups, and the journal from time to time into a snapshot. */

import type { Bucket, Durability, JournalStatus, Json } from '@graphiti-fallback/core';
import { Checkpoints } from './checkpoints.ts';
import { CommitTimes } from './commit-times.ts';
import { codeOf } from './durable-file.ts';
import { GroupCommit } from './group-commit.ts';
import { LazyWrites } from './lazy-writes.ts';
import type { Limits } from './options.ts';
import { type LineChange, Records } from './records.ts';
import { SlotFiles } from './slot-files.ts';
import type { Tenancy } from './tenancy.ts';

/** Changes on their way to the disk; lazy ones show already. */
interface Commit {
  readonly changes: readonly LineChange[];
  readonly weight: number;
  readonly lazy: boolean;
}

/** For so long nothing new is taken after a disk was full, so that what is done can be written; in ms. */
const fullForMs = 1000;
/** Of so few bytes a copy costs nothing that anybody would notice. */
const detachedBelow = 1024 * 1024;
/** What a line of the journal takes besides its entry, about. */
const lineOverhead = 80;

/** It may begin without a slot, which is then taken at the first write. */
export class SlotJournal {
  readonly #limits: Limits;
  readonly #moveIn: () => Promise<Tenancy>;
  readonly #group: GroupCommit<Commit>;
  readonly #lazy: LazyWrites;
  readonly #checkpoints: Checkpoints;
  readonly #times = new CommitTimes();
  /** Lazy puts of what was not there and is not written yet. */
  readonly #early = new Map<string, LineChange>();
  #records = new Records();
  #files: SlotFiles | undefined;
  #seq = 0;
  #problem: string | undefined;
  /** Until then the disk counts as full. */
  #fullUntil = 0;
  /** What is on disk should be written anew. */
  #outdated = false;
  /** Whole: even what need not be rewritten, so that `db.json` holds everything. */
  #checkpointWanted: 'whole' | 'any' | undefined;
  #checkpointing: Promise<void> | undefined;
  #checkpoint: JournalStatus['checkpoint'];

  constructor(limits: Limits, moveIn: () => Promise<Tenancy>, tenancy?: Tenancy) {
    this.#limits = limits;
    this.#moveIn = moveIn;
    this.#group = new GroupCommit((batch) => this.#write(batch), {
      weigh: ({ weight }) => weight,
      most: limits.batchBytes,
      keeps: (error) => limits.onUnwritable === 'memory' && !isGone(error),
    });
    this.#lazy = new LazyWrites(() => void this.#flush());
    this.#checkpoints = new Checkpoints(
      limits.checkpointBytes,
      (quiet) => void this.#checkpointSoon(quiet),
    );
    if (!tenancy) return;
    this.#files = new SlotFiles(tenancy, limits);
    this.#records = tenancy.found.records;
    this.#seq = tenancy.found.seq;
    this.#outdated = tenancy.found.outdated;
    if (this.#outdated) this.#checkpoints.changed(0);
  }

  /** Path of the slot; nothing before the first write. */
  get folder(): string | undefined {
    return this.#files?.slot.folder;
  }

  /** Why the last write failed. */
  get problem(): string | undefined {
    return this.#problem;
  }

  /** Says what keeps this from being used, before anything was written. */
  set problem(problem: string | undefined) {
    this.#problem = problem;
  }

  count(bucket: Bucket): number {
    return this.#records.count(bucket);
  }

  has(bucket: Bucket, key: string): boolean {
    return this.#records.has(bucket, key);
  }

  entries(bucket: Bucket): Iterable<readonly [key: string, value: Json]> {
    return this.#records.entries(bucket);
  }

  /** Applies changes as one. @throws the system's error, or `FALLBACK_STORE_FULL` */
  async commit(changes: readonly LineChange[], lazy: boolean): Promise<Durability> {
    const weight = weightOf(changes);
    this.#assertRoom(changes, weight);
    if (!lazy) {
      this.#assertNotFull(changes);
      const began = performance.now();
      const written = await this.#group.join({ changes, weight, lazy });
      if (written) this.#times.add(performance.now() - began);
      return written ? 'disk' : 'memory';
    }
    for (const change of changes)
      if (!deletes(change) && !this.has(change.bucket, change.key))
        this.#early.set(idOf(change), change);
    this.#records.apply(changes, this.#files?.segment ?? 0);
    this.#group.ride({ changes, weight, lazy });
    this.#lazy.changed();
    // A disk that cannot follow slows down even who would not wait for it.
    if (this.#group.weight > this.#limits.waitingBytes) await this.#flush();
    return 'memory';
  }

  status(): Omit<JournalStatus, 'kind' | 'durability' | 'writable' | 'location'> {
    const sizes = this.#files?.sizes;
    return {
      ...(this.#files &&
        sizes && {
          slot: this.#files.slot.name,
          segments: this.#files.segments,
          bytes: sizes.snapshot + sizes.previous + sizes.journal,
          files: sizes,
        }),
      ...(this.#checkpoint && { checkpoint: this.#checkpoint }),
      commits: this.#times.summary(),
    };
  }

  /**
   * Writes what is unwritten, makes the snapshot complete, and lets go of the slot. With `tidy` nothing
   * that is done stays in its files, nor in the generation before.
   */
  async close({ tidy = false }: { readonly tidy?: boolean } = {}): Promise<void> {
    if (this.#group.unwritten) await this.#flush();
    await this.#group.idle();
    await this.#finalCheckpoint();
    if (tidy) await this.#finalCheckpoint(true);
    this.#lazy.stop();
    this.#checkpoints.stop();
    await this.#leave();
    this.#early.clear();
    this.#records = new Records();
  }

  /** Writes a batch; what others commit meanwhile waits for the next. */
  async #write(batch: readonly Commit[]): Promise<void> {
    try {
      if (batch.length > 0) await this.#store(batch);
      if (this.#checkpointWanted) await this.#startCheckpoint();
    } catch (error) {
      this.#problem = codeOf(error);
      if (this.#limits.onUnwritable === 'memory' && !isGone(error)) this.#show(batch);
      this.#lazy.failed();
      if (isGone(error)) await this.#leave(); // someone removed the folder: take a new one
      throw error;
    }
    if (batch.length > 0) this.#problem = undefined;
    this.#lazy.succeeded();
    if (this.#group.waiting.some(({ lazy }) => lazy)) this.#lazy.changed();
    // An empty batch is a snapshot's own doing: it must not be the reason for the next one.
    if (batch.length > 0) this.#checkpoints.changed(this.#files?.journalBytes ?? 0);
  }

  async #store(batch: readonly Commit[]): Promise<void> {
    const files = this.#files ?? (await this.#enter());
    const changes = batch.map((commit) => commit.changes);
    const first = this.#seq + 1;
    const append = () => files.append(changes, first);
    const segment = await append().catch(async (error: unknown) => {
      if (codeOf(error) !== 'ENOSPC' || !(await this.#madeRoom(files, changes.flat()))) throw error;
      return append();
    });
    for (const each of changes) this.#seq += each.length;
    this.#show(batch, segment);
  }

  /** Whether a full disk may have room again: what is done, or is to go, makes it. */
  async #madeRoom(files: SlotFiles, changes: readonly LineChange[]): Promise<boolean> {
    const now = performance.now();
    this.#fullUntil = now + fullForMs;
    if (!changes.some(deletes) || this.#checkpointing) return false;
    // They stay among the records: when even so they cannot be written, they are still there.
    const going = changes.filter(deletes).flatMap(({ bucket, key }) => {
      return this.#records.find(bucket, key) ?? [];
    });
    return files.makeRoom(this.#records, this.#seq, new Set(going)).then(
      () => true,
      () => false,
    );
  }

  /**
   * Shows what was written, in the order of the journal; what lazily came after that was later. What
   * shows early comes behind what waited before it.
   */
  #show(batch: readonly Commit[], segment = this.#files?.segment ?? 0): void {
    for (const { bucket, key } of this.#early.values()) this.#records.delete(bucket, key);
    for (const { changes } of batch) {
      this.#records.apply(changes, segment);
      if (this.#early.size > 0) for (const change of changes) this.#early.delete(idOf(change));
    }
    for (const { changes, lazy } of this.#group.waiting)
      if (lazy) this.#records.apply(changes, segment);
  }

  /** Takes a slot. One that was lost takes all along that was acknowledged. */
  async #enter(): Promise<SlotFiles> {
    const files = new SlotFiles(await this.#moveIn(), this.#limits);
    try {
      if (this.#seq > 0) await files.checkpoint(await files.cut(this.#records, this.#seq, true));
    } catch (error) {
      await files.leave();
      throw error;
    }
    this.#files = files;
    return files;
  }

  async #flush(): Promise<void> {
    await this.#group.flush().catch(() => {}); // the status has it
  }

  /** Between two batches: only there is the journal at one point for all. */
  async #checkpointSoon(whole: boolean): Promise<void> {
    if (this.#checkpointing) return;
    this.#checkpointWanted = whole ? 'whole' : 'any';
    await this.#flush();
  }

  async #startCheckpoint(): Promise<void> {
    const whole = this.#checkpointWanted === 'whole';
    this.#checkpointWanted = undefined;
    const files = this.#files;
    if (!files || this.#checkpointing) return;
    const snapshot = await files.cut(this.#records, this.#seq, whole);
    const at = Date.now();
    const began = performance.now();
    const ended = (problem?: string) => {
      this.#checkpointing = undefined;
      const tookMs = performance.now() - began;
      this.#checkpoint = { at, tookMs, ...(problem !== undefined && { problem }) };
      if (this.#records.size < detachedBelow) this.#records.detach();
      if (problem === undefined) this.#checkpoints.succeeded(tookMs);
      else this.#checkpoints.failed();
      this.#outdated &&= problem !== undefined;
    };
    this.#checkpointing = files.checkpoint(snapshot).then(
      () => ended(),
      (error: unknown) => ended(codeOf(error)),
    );
  }

  async #finalCheckpoint(always = false): Promise<void> {
    await this.#checkpointing;
    const files = this.#files;
    if (!files || !(always || this.#outdated || files.journalBytes > 0)) return;
    await this.#checkpointSoon(true);
    await this.#checkpointing;
  }

  async #leave(): Promise<void> {
    const files = this.#files;
    this.#files = undefined;
    await files?.leave();
  }

  /** The room that is left is for what makes room. */
  #assertNotFull(changes: readonly LineChange[]): void {
    if (performance.now() >= this.#fullUntil || changes.length === 0 || changes.some(deletes))
      return;
    throw Object.assign(new Error('The disk is full'), { code: 'ENOSPC' });
  }

  #assertRoom(changes: readonly LineChange[], weight: number): void {
    const most = this.#limits.keptBytes;
    if (this.#records.size + weight <= most || changes.every(deletes)) return;
    const error = new Error(
      `The store holds ${this.#records.size} bytes, and takes at most ${most}`,
    );
    throw Object.assign(error, { code: 'FALLBACK_STORE_FULL' });
  }
}

function idOf({ bucket, key }: LineChange): string {
  return `${bucket}:${key}`;
}

function deletes({ line }: LineChange): boolean {
  return line === undefined;
}

function weightOf(changes: readonly LineChange[]): number {
  return changes.reduce((sum, { line }) => sum + (line?.length ?? 0) + lineOverhead, 0);
}

function isGone(error: unknown): boolean {
  return codeOf(error) === 'ENOENT';
}
