/**
 * The format of `db.json`: JSON with one entry a line and a checksum in the last.
 *
 * ```
 * {"_meta":{"format":2,"gen":7,"seq":42,"segment":17},
 * "cache":[],
 * "entities":[],
 * "queue":[
 * {"key":"a","value":1},
 * {"key":"b","value":2}
 * ],
 * "state":[],
 * "_crc32":"0f3a9c11"}
 * ```
 *
 * `seq` is the last change of the journal that it holds, `segment` the first one that it does not cover.
 * Format 1 came before the journal and has neither. Arrays of entries, not maps: `__proto__` is then a
 * harmless string.
 */

import { setImmediate } from 'node:timers/promises';
import { crc32 } from 'node:zlib';
import type { Bucket, Json } from '@graphiti-fallback/core';
import { hexOf } from './checksum.ts';
import { buckets, type Entry, Records, toLine } from './records.ts';
import { format } from './segment.ts';

const chunkLength = 256 * 1024;
const sliceMs = 4;
const lineFeed = 0x0a;
const comma = 0x2c;
const brace = 0x7b;
const tail = /^"_crc32":"([0-9a-f]{8})"\}\n$/;
const tailBytes = '"_crc32":"00000000"}\n'.length;
const firstBucket = `,\n"${buckets[0]}":[`;

/** Why a file's content cannot be used. */
type Damage = 'empty' | 'unreadable' | 'unparsable' | 'checksum' | 'shape' | 'format';

/** Where a snapshot stands. */
export interface SnapshotMeta {
  readonly format: number;
  /** How many snapshots there were, with this one. */
  readonly gen: number;
  /** The last change of the journal that it holds. */
  readonly seq: number;
  /** The first segment of the journal that it does not cover. */
  readonly segment: number;
}

/** What is written: the records of one moment. */
export interface Snapshot {
  readonly seq: number;
  readonly segment: number;
  readonly entries: (bucket: Bucket) => readonly Entry[];
}

/** What bytes turned out to be; `edited` is sound JSON in a layout that this store never writes. */
export type Verdict =
  | { readonly kind: 'ok' | 'edited'; readonly records: Records; readonly meta: SnapshotMeta }
  | { readonly kind: 'damaged'; readonly reason: Damage };

/** Renders a snapshot in chunks of about 256 KiB, so that none blocks for long. */
export function* renderSnapshot(snapshot: Snapshot, gen: number): Generator<Buffer> {
  const chunks = new Chunks();
  const { seq, segment } = snapshot;
  yield* chunks.add(`{"_meta":${JSON.stringify({ format, gen, seq, segment })}`);
  for (const bucket of buckets) {
    yield* chunks.add(`,\n"${bucket}":[`);
    let separator = '\n';
    for (const entry of snapshot.entries(bucket)) {
      yield* chunks.add(separator);
      yield* chunks.addEntry(entry);
      separator = ',\n';
    }
    yield* chunks.add(separator === '\n' ? ']' : '\n]');
  }
  yield* chunks.add(',\n');
  yield chunks.take();
  yield Buffer.from(`"_crc32":"${hexOf(chunks.checksum)}"}\n`);
}

/** Parses the bytes of a snapshot and says what they are. Never rejects, and lets others run meanwhile. */
export async function parseSnapshot(bytes: Buffer): Promise<Verdict> {
  if (bytes.length === 0) return damaged('empty');
  if (checksumHolds(bytes)) return parseOwn(bytes);
  const data = parsed(bytes.toString('utf8'));
  if (data === undefined) return damaged('unparsable');
  return layoutIsOurs(bytes) ? damaged('checksum') : parseEdited(data);
}

/** Reads where a snapshot stands from the beginning of its bytes, whether or not the rest is sound. */
export function readMeta(head: Buffer): SnapshotMeta | undefined {
  const text = head.toString('utf8', 0, Math.max(0, head.indexOf(firstBucket)));
  return metaOf(parsed(`${text}}`));
}

/** Text and parts of files, gathered. */
class Chunks {
  checksum = 0;
  #chunk = Buffer.allocUnsafe(chunkLength);
  #length = 0;

  *add(text: string): Generator<Buffer> {
    const most = text.length * 3;
    if (this.#length + most > chunkLength) {
      if (this.#length > 0) yield this.take();
      if (most > chunkLength) return yield this.#pass(Buffer.from(text));
    }
    this.#length += this.#chunk.write(text, this.#length);
  }

  *addEntry({ text, start, end }: Entry): Generator<Buffer> {
    if (typeof text === 'string') return yield* this.add(text);
    if (this.#length + end - start > chunkLength) {
      if (this.#length > 0) yield this.take();
      if (end - start > chunkLength) return yield this.#pass(text.subarray(start, end));
    }
    this.#length += text.copy(this.#chunk, this.#length, start, end);
  }

  take(): Buffer {
    const taken = this.#chunk.subarray(0, this.#length);
    this.#chunk = Buffer.allocUnsafe(chunkLength);
    this.#length = 0;
    return this.#pass(taken);
  }

  #pass(chunk: Buffer): Buffer {
    this.checksum = crc32(chunk, this.checksum);
    return chunk;
  }
}

function checksumHolds(bytes: Buffer): boolean {
  const end = Math.max(0, bytes.length - tailBytes);
  const [, checksum] = tail.exec(bytes.toString('latin1', end)) ?? [];
  return checksum === hexOf(crc32(bytes.subarray(0, end)));
}

/**
 * Whether one of the line breaks between our buckets is there. No other writer of JSON puts one in
 * these places, no value can hold one, and no single bit flip takes them all away.
 */
function layoutIsOurs(bytes: Buffer): boolean {
  return buckets.some((bucket) => bytes.includes(`,\n"${bucket}":[`));
}

/** Line by line, and of each line no more than its key: values are parsed when they are asked for. */
async function parseOwn(bytes: Buffer): Promise<Verdict> {
  const meta = readMeta(bytes.subarray(0, 1024));
  if (!meta || meta.format > format) return damaged(meta ? 'format' : 'shape');
  const records = new Records();
  let bucket: Bucket | undefined;
  let pauseAt = performance.now() + sliceMs;
  for (let start = 0, end = 0, count = 0; start < bytes.length; start = end + 1, count += 1) {
    end = bytes.indexOf(lineFeed, start);
    if (bytes[start] === brace && start > 0) {
      if (!bucket) return damaged('shape');
      const entryEnd = bytes[end - 1] === comma ? end - 1 : end;
      records.putFrom(bucket, bytes, start, entryEnd, 0);
    } else
      bucket = bucketOpenedBy(bytes.toString('latin1', start, Math.min(end, start + 20))) ?? bucket;
    if (count % 32 !== 0 || performance.now() < pauseAt) continue;
    await setImmediate();
    pauseAt = performance.now() + sliceMs;
  }
  return { kind: 'ok', records, meta };
}

function bucketOpenedBy(line: string): Bucket | undefined {
  return buckets.find((name) => line.startsWith(`"${name}":[`));
}

function parseEdited(data: unknown): Verdict {
  const meta = metaOf(data);
  if (!isObject(data) || !meta) return damaged('shape');
  if (meta.format > format) return damaged('format');
  const records = new Records();
  for (const bucket of buckets) {
    const entries = data[bucket] ?? []; // a person may have removed a bucket
    if (!Array.isArray(entries) || !entries.every(isEntry)) return damaged('shape');
    const lines = entries.map(({ key, value }) => ({ bucket, key, line: toLine(key, value) }));
    records.apply(lines, 0);
  }
  return { kind: 'edited', records, meta };
}

function metaOf(data: unknown): SnapshotMeta | undefined {
  if (!isObject(data) || !isObject(data._meta)) return undefined;
  const number = (value: unknown) => (Number.isSafeInteger(value) ? Number(value) : 0);
  const { format, gen, seq, segment } = data._meta;
  if (typeof format !== 'number') return undefined;
  return { format, gen: number(gen), seq: number(seq), segment: number(segment) };
}

function parsed(text: string): Json | undefined {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function damaged(reason: Damage): Verdict {
  return { kind: 'damaged', reason };
}

function isEntry(entry: unknown): entry is { key: string; value: Json } {
  return isObject(entry) && typeof entry.key === 'string' && Object.hasOwn(entry, 'value');
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
