/** Reading a journal: which segments count, and what of them is sound. Changes nothing. */

import { open, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { crc32 } from 'node:zlib';
import { codeOf } from './durable-file.ts';
import { keyOf } from './entry-key.ts';
import type { JournalRecord } from './journal-record.ts';
import type { Records } from './records.ts';
import {
  type Damage,
  headerRoom,
  isDamage,
  readHeader,
  type Sealed,
  scanSegment,
  segmentName,
  segmentsAmong,
} from './segment.ts';

/** A run of changes. */
export interface Range {
  readonly from: number;
  readonly to: number;
}

/** What was found in one segment. */
export interface SegmentScan {
  readonly segment: number;
  readonly name: string;
  readonly bytes: number;
  readonly records: number;
  /** Its first change, where there is one. */
  readonly first: number | undefined;
  readonly damage: readonly Damage[];
  /** It was longer when it was left. */
  readonly shortened: boolean;
  /** Where the last sound record that counts ends. */
  readonly soundUntil: number;
  /** Of the bytes until there. */
  readonly checksum: number;
}

/** What was found in a journal. */
export interface JournalScan {
  /** The last change. */
  readonly seq: number;
  /** Segments that count, in order. */
  readonly segments: readonly SegmentScan[];
  /** Bytes of every segment that is there. */
  readonly sizes: ReadonlyMap<number, number>;
  /** Changes of the last write that are not there, at least: it was cut off, and never acknowledged. */
  readonly torn: number;
  /** Changes that were acknowledged and are gone. */
  readonly missing: readonly Range[];
}

/** Others run after so many ms of reading. */
const sliceMs = 4;

/**
 * Reads the segments of a folder from a number on, and applies what comes after the change `seq`.
 *
 * @throws the system's error
 */
export async function scanJournal(
  folder: string,
  records: Records,
  from: { readonly segment: number; readonly seq: number },
): Promise<JournalScan> {
  const numbers = segmentsAmong(await readdir(folder));
  const { chain, sizes } = await chainOf(folder, numbers, from.segment);
  const reader = new JournalReader(records, from.seq);
  const segments: SegmentScan[] = [];
  const load = (index: number) => {
    const link = chain[index];
    const loaded = link && readSegment(join(folder, segmentName(link.segment)));
    loaded?.catch(() => {}); // whoever waits for it hears of it
    return loaded;
  };
  const ahead = [load(0), load(1)];
  for (const [index, { segment, sealed }] of chain.entries()) {
    const bytes = (await ahead.shift()) ?? Buffer.alloc(0);
    ahead.push(load(index + 2));
    segments.push(await reader.read(segment, bytes, sealed));
  }
  return { ...reader.end(), segments, sizes };
}

/** A segment that counts, with how it was left where that is known. */
interface Link {
  readonly segment: number;
  readonly sealed: Sealed | undefined;
}

/** Segments that count, each with how much of it does. */
async function chainOf(
  folder: string,
  numbers: readonly number[],
  from: number,
): Promise<{ chain: Link[]; sizes: Map<number, number> }> {
  const sizes = new Map<number, number>();
  const before = new Map<number, Sealed | undefined>();
  const sound = new Set<number>();
  const looks = numbers.map((segment) => lookAt(join(folder, segmentName(segment)), segment));
  for (const [index, { size, header }] of (await Promise.all(looks)).entries()) {
    const segment = numbers[index] ?? 0;
    sizes.set(segment, size);
    if (header) sound.add(segment);
    before.set(segment, header?.previous);
  }
  const chain: Link[] = [];
  let next: Sealed | undefined;
  for (const segment of numbers.filter((each) => each >= from).reverse()) {
    if (next && segment > next.segment) continue; // left from an attempt that failed
    chain.unshift({ segment, sealed: next?.segment === segment ? next : undefined });
    next = sound.has(segment) ? before.get(segment) : undefined;
  }
  return { chain, sizes };
}

async function lookAt(path: string, segment: number) {
  const file = await open(path);
  try {
    const head = Buffer.alloc(headerRoom);
    const [{ size }, { bytesRead }] = await Promise.all([
      file.stat(),
      file.read(head, 0, headerRoom, 0),
    ]);
    return { size, header: readHeader(head.subarray(0, bytesRead), segment) };
  } catch (error) {
    if (codeOf(error) !== 'EIO') throw error;
    return { size: 0, header: undefined };
  } finally {
    await file.close();
  }
}

/** What a disk cannot read counts as damage: the sequence shows what is missing. @throws the system's error */
async function readSegment(path: string): Promise<Buffer> {
  const file = await open(path);
  try {
    const { size } = await file.stat();
    const bytes = Buffer.allocUnsafeSlow(size);
    let length = 0;
    while (length < size) {
      const { bytesRead } = await file.read(bytes, length, size - length, length);
      if (bytesRead === 0) break;
      length += bytesRead;
    }
    return bytes.subarray(0, length);
  } catch (error) {
    if (codeOf(error) !== 'EIO') throw error;
    return Buffer.alloc(0);
  } finally {
    await file.close();
  }
}

/** Applies records in order, commits as a whole, and keeps count of what is not there. */
class JournalReader {
  readonly #records: Records;
  readonly #gaps: Range[] = [];
  #seq: number;
  #last: JournalRecord | undefined;
  /** Changes of a commit that is not complete yet, with their bytes. */
  #commit: { record: JournalRecord; bytes: Buffer; segment: number }[] = [];
  /** Damage after the last sound record. */
  #tail = false;
  #pauseAt = performance.now() + sliceMs;

  constructor(records: Records, seq: number) {
    this.#records = records;
    this.#seq = seq;
  }

  /** Reads a segment, of which no more counts than when it was left. */
  async read(segment: number, all: Buffer, sealed: Sealed | undefined): Promise<SegmentScan> {
    const length = sealed?.length ?? all.length;
    const bytes = all.subarray(0, length);
    const trusted = sealed !== undefined && crc32(bytes) === sealed.checksum;
    const damage: Damage[] = [];
    let records = 0;
    let first: number | undefined;
    let soundUntil = readHeader(bytes, segment) ? bytes.indexOf('\n') + 1 : 0;
    for (const found of scanSegment(bytes, segment, trusted)) {
      if (isDamage(found)) {
        damage.push(found);
        this.#tail = true;
        continue;
      }
      records += 1;
      first ??= found.seq;
      this.#take(found, bytes, segment);
      if (this.#commit.length === 0) soundUntil = found.end + 2;
      if (records % 64 !== 0 || performance.now() < this.#pauseAt) continue;
      await setImmediate();
      this.#pauseAt = performance.now() + sliceMs;
    }
    const shortened = all.length < length;
    const name = segmentName(segment);
    const checksum = trusted ? sealed.checksum : crc32(bytes.subarray(0, soundUntil));
    return {
      segment,
      name,
      bytes: all.length,
      records,
      first,
      damage,
      shortened,
      soundUntil,
      checksum,
    };
  }

  end(): Pick<JournalScan, 'seq' | 'torn' | 'missing'> {
    const last = this.#last;
    // A commit of which the end is missing was never acknowledged.
    const seq = this.#commit[0] ? this.#commit[0].record.seq - 1 : this.#seq;
    const inLastBatch = ({ from }: Range) => last !== undefined && from >= last.first;
    const cutOff = last ? last.last - seq : 0;
    const inside = this.#gaps.filter(inLastBatch).reduce((sum, gap) => sum + sizeOf(gap), 0);
    return {
      seq,
      torn: Math.max(cutOff + inside, Number(this.#tail)),
      missing: this.#gaps.filter((gap) => !inLastBatch(gap)),
    };
  }

  #take(record: JournalRecord, bytes: Buffer, segment: number): void {
    this.#tail = false;
    const { seq, left } = record;
    if (seq <= this.#seq) return; // the snapshot has it
    if (seq > this.#seq + 1) {
      this.#gaps.push({ from: this.#seq + 1, to: seq - 1 });
      this.#flush(); // what is there of a damaged commit is kept
    }
    this.#seq = seq;
    this.#last = record;
    if (left > 0) this.#commit.push({ record, bytes, segment });
    else {
      this.#flush();
      this.#apply(record, bytes, segment);
    }
  }

  #flush(): void {
    for (const { record, bytes, segment } of this.#commit) this.#apply(record, bytes, segment);
    this.#commit = [];
  }

  #apply(record: JournalRecord, bytes: Buffer, segment: number): void {
    const { bucket, start, end, deletes } = record;
    if (deletes) this.#records.delete(bucket, keyOf(bytes, start, end));
    else this.#records.putFrom(bucket, bytes, start, end, segment);
  }
}

/** How many changes a range holds. */
export function sizeOf({ from, to }: Range): number {
  return to - from + 1;
}
