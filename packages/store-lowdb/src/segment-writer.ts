/** The journal on its way to the disk: one segment after another, each write synced before it counts. */

import { constants } from 'node:fs';
import { type FileHandle, open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { codeOf, syncFolder } from './durable-file.ts';
import { renderHeader, type Sealed, seedOf, segmentName } from './segment.ts';

/** What a slot's journal looked like when it was opened. */
export interface JournalPosition {
  /** The highest number that a segment has, or had. */
  readonly last: number;
  /** Where the newest one that counts ends. */
  readonly previous: Sealed | undefined;
  /** What each segment that is there holds. */
  readonly sizes: ReadonlyMap<number, SegmentSize>;
}

/** What a segment holds. */
export interface SegmentSize {
  readonly bytes: number;
  /** Its first change, where that is known. */
  readonly first?: number | undefined;
}

interface OpenSegment {
  readonly segment: number;
  readonly handle: FileHandle;
  length: number;
  checksum: number;
}

/** For how long a segment that was there is taken to be there, in ms. */
const thereForMs = 1000;
/** With O_DSYNC one call writes and syncs. */
const synced = process.platform === 'linux';

/** Appends batches to segments of a folder, and begins a new one where that is full or has failed. */
export class SegmentWriter {
  readonly #folder: string;
  readonly #limit: number;
  readonly #sizes: Map<number, SegmentSize>;
  #last: number;
  #thereUntil = 0;
  #previous: Sealed;
  #open: OpenSegment | undefined;

  constructor(folder: string, { last, previous, sizes }: JournalPosition, limit: number) {
    this.#folder = folder;
    this.#last = last;
    // Whatever becomes of the first attempts: what they leave comes after what was there.
    this.#previous = previous ?? { segment: last };
    this.#sizes = new Map(sizes);
    this.#limit = limit;
  }

  /** The first segment that a snapshot of now does not cover: to be asked after {@link seal}. */
  get next(): number {
    return this.#last + 1;
  }

  /** The segment of the next change, unless that one is full or fails. */
  get current(): number {
    return this.#open?.segment ?? this.next;
  }

  /** The segments that are there, oldest first. */
  get numbers(): readonly number[] {
    return [...this.#sizes.keys()].sort((one, other) => one - other);
  }

  /** How many segments there are. */
  get count(): number {
    return this.#sizes.size;
  }

  /** Bytes of the segments from a number on. */
  bytesFrom(segment: number): number {
    let sum = 0;
    for (const [each, { bytes }] of this.#sizes) if (each >= segment) sum += bytes;
    return sum;
  }

  /** The first change of a segment, where that is known. */
  firstOf(segment: number): number | undefined {
    return this.#sizes.get(segment)?.first;
  }

  /**
   * Writes a batch that begins with the change `first`, and resolves with its segment once a power cut would change nothing any more. A
   * segment that failed is left as it was before the batch, which is tried once more in a new one: after a
   * failed sync the system takes the pages for clean, so that trying again in place would lie.
   *
   * @throws the system's error, of the second try
   */
  async append(first: number, render: (seed: number) => Buffer): Promise<number> {
    try {
      return await this.#append(first, render);
    } catch (error) {
      if (codeOf(error) === 'ENOENT') throw error; // the folder is gone
      return this.#append(first, render);
    }
  }

  /** Ends the present segment: what comes next goes into a new one. */
  async seal(): Promise<void> {
    const open = this.#open;
    this.#open = undefined;
    await open?.handle.close().catch(() => {});
  }

  /** Removes the segments before a number. @throws the system's error */
  async removeBefore(segment: number): Promise<void> {
    for (const each of this.numbers) {
      if (each >= segment) continue;
      await rm(this.#path(each), { force: true });
      this.#sizes.delete(each);
    }
  }

  async #append(first: number, render: (seed: number) => Buffer): Promise<number> {
    const open = this.#open ?? (await this.#begin());
    const bytes = render(seedOf(open.segment));
    const isNew = open !== this.#open;
    try {
      if (!isNew) await this.#assertThere(open.handle);
      await writeAll(open.handle, isNew ? withHeader(open, this.#previous, bytes) : bytes);
      if (isNew) await syncFolder(this.#folder);
    } catch (error) {
      await this.#poison(open, isNew);
      throw error;
    }
    this.#open = open;
    const { segment } = open;
    open.length += bytes.length;
    open.checksum = crc32(bytes, open.checksum);
    this.#previous = { segment, length: open.length, checksum: open.checksum };
    const known = this.#sizes.get(open.segment)?.first ?? first;
    this.#sizes.set(open.segment, { bytes: open.length, first: known });
    if (open.length >= this.#limit) await this.seal();
    return open.segment;
  }

  /** Where somebody removed the folder the system would go on writing into the void. */
  async #assertThere(handle: FileHandle): Promise<void> {
    const now = performance.now();
    if (now < this.#thereUntil) return;
    const { nlink } = await handle.stat();
    if (nlink === 0) throw Object.assign(new Error(`${this.#folder} is gone`), { code: 'ENOENT' });
    this.#thereUntil = now + thereForMs;
  }

  /** Creates the next segment; it counts once its first batch is written. */
  async #begin(): Promise<OpenSegment> {
    const segment = this.#last + 1;
    const { O_WRONLY, O_CREAT, O_EXCL, O_APPEND, O_DSYNC } = constants;
    const flags = O_WRONLY | O_CREAT | O_EXCL | O_APPEND | (synced ? O_DSYNC : 0);
    this.#last = segment; // a number is never used twice, whatever becomes of it
    const handle = await open(this.#path(segment), flags, 0o600);
    const header = renderHeader({ segment, previous: this.#previous });
    return { segment, handle, length: header.length, checksum: crc32(header) };
  }

  /** Takes off the disk, as far as it can be, what will be refused, and gives a full disk its room back. */
  async #poison({ segment, handle, length }: OpenSegment, isNew: boolean): Promise<void> {
    this.#open = undefined;
    if (!isNew) await handle.truncate(length).catch(() => {});
    await handle.close().catch(() => {});
    if (isNew) await rm(this.#path(segment), { force: true }).catch(() => {});
  }

  #path(segment: number): string {
    return join(this.#folder, segmentName(segment));
  }
}

function withHeader({ segment }: OpenSegment, previous: Sealed, bytes: Buffer): Buffer {
  return Buffer.concat([Buffer.from(renderHeader({ segment, previous })), bytes]);
}

/** A full disk takes a part, and says so at the next write. */
async function writeAll(handle: FileHandle, bytes: Buffer): Promise<void> {
  for (let at = 0; at < bytes.length; ) {
    const { bytesWritten } = await handle.write(bytes, at);
    if (bytesWritten === 0)
      throw Object.assign(new Error('The segment takes no bytes'), { code: 'EIO' });
    at += bytesWritten;
  }
  if (!synced) await handle.datasync();
}
