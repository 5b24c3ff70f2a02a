/**
 * The format of `db.json`: JSON with one entry a line and a checksum in the last.
 *
 * ```
 * {"_meta":{"format":1,"gen":7},
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
 * Arrays of entries, not maps: `__proto__` is then a harmless string.
 */

import { setImmediate } from 'node:timers/promises';
import { crc32 } from 'node:zlib';
import type { Bucket, Json } from '@graphiti-fallback/core';
import { buckets, Records, toLine } from './records.ts';

const format = 1;
const chunkLength = 256 * 1024;
const sliceMs = 4;
const lineFeed = 0x0a;
const comma = 0x2c;
const tail = /^"_crc32":"([0-9a-f]{8})"\}\n$/;
const tailBytes = '"_crc32":"00000000"}\n'.length;

/** Why a file's content cannot be used. */
type Damage = 'empty' | 'unreadable' | 'unparsable' | 'checksum' | 'shape' | 'format';

/** What bytes turned out to be; `edited` is sound JSON in a layout that this store never writes. */
export type Verdict =
  | { readonly kind: 'ok' | 'edited'; readonly records: Records; readonly gen: number }
  | { readonly kind: 'damaged'; readonly reason: Damage };

/** Renders records as the bytes of a snapshot, in chunks of about 256 KiB, so that none blocks for long. */
export function* renderSnapshot(records: Records, gen: number): Generator<Buffer> {
  let text = '';
  let checksum = 0;
  for (const piece of pieces(records, gen)) {
    text += piece;
    if (text.length < chunkLength) continue;
    const chunk = Buffer.from(text);
    checksum = crc32(chunk, checksum);
    text = '';
    yield chunk;
  }
  const rest = Buffer.from(text);
  yield rest;
  yield Buffer.from(`"_crc32":"${hex(crc32(rest, checksum))}"}\n`);
}

/** Parses the bytes of a snapshot and says what they are. Never rejects, and lets others run meanwhile. */
export async function parseSnapshot(bytes: Buffer): Promise<Verdict> {
  if (bytes.length === 0) return damaged('empty');
  if (checksumHolds(bytes)) return parseOwn(bytes);
  const data = parsed(bytes.toString('utf8'));
  if (data === undefined) return damaged('unparsable');
  return layoutIsOurs(bytes) ? damaged('checksum') : parseEdited(data);
}

function* pieces(records: Records, gen: number): Generator<string> {
  yield `{"_meta":{"format":${format},"gen":${gen}}`;
  for (const bucket of buckets) {
    yield `,\n"${bucket}":[`;
    let separator = '\n';
    for (const line of records.lines(bucket)) {
      yield separator;
      yield line;
      separator = ',\n';
    }
    yield separator === '\n' ? ']' : '\n]';
  }
  yield ',\n';
}

function checksumHolds(bytes: Buffer): boolean {
  const end = Math.max(0, bytes.length - tailBytes);
  const [, checksum] = tail.exec(bytes.toString('latin1', end)) ?? [];
  return checksum === hex(crc32(bytes.subarray(0, end)));
}

/**
 * Whether one of the line breaks between our buckets is there. No other writer of JSON puts one in
 * these places, no value can hold one, and no single bit flip takes them all away.
 */
function layoutIsOurs(bytes: Buffer): boolean {
  return buckets.some((bucket) => bytes.includes(`,\n"${bucket}":[`));
}

/** Line by line: the text of a large file would not fit into one string, and each line is kept as it is. */
async function parseOwn(bytes: Buffer): Promise<Verdict> {
  const records = new Records();
  let gen: number | undefined;
  let bucket: Bucket | undefined;
  let pauseAt = performance.now() + sliceMs;
  for (const line of lines(bytes)) {
    const opened = buckets.find((name) => line.startsWith(`"${name}":[`));
    if (gen === undefined) {
      const meta = metaOf(parsed(`${line}}`));
      if (meta?.format !== format) return damaged(meta ? 'format' : 'shape');
      gen = meta.gen;
    } else if (opened) bucket = opened;
    else if (line.startsWith('{')) {
      const entry = parsed(line);
      if (!bucket || !isEntry(entry)) return damaged('shape');
      records.apply([{ bucket, key: entry.key, line }]);
    }
    if (performance.now() < pauseAt) continue;
    await setImmediate();
    pauseAt = performance.now() + sliceMs;
  }
  return { kind: 'ok', records, gen: gen ?? 0 };
}

function parseEdited(data: unknown): Verdict {
  const meta = metaOf(data);
  if (!isObject(data) || !meta) return damaged('shape');
  if (meta.format !== format) return damaged('format');
  const records = new Records();
  for (const bucket of buckets) {
    const entries = data[bucket] ?? []; // a person may have removed a bucket
    if (!Array.isArray(entries) || !entries.every(isEntry)) return damaged('shape');
    records.apply(entries.map(({ key, value }) => ({ bucket, key, line: toLine(key, value) })));
  }
  return { kind: 'edited', records, gen: meta.gen };
}

/** Lines of a file without their commas. */
function* lines(bytes: Buffer): Generator<string> {
  for (let start = 0, end = 0; start < bytes.length; start = end + 1) {
    end = bytes.indexOf(lineFeed, start);
    if (end < 0) end = bytes.length;
    yield bytes.toString('utf8', start, bytes[end - 1] === comma ? end - 1 : end);
  }
}

function metaOf(data: unknown): { format: unknown; gen: number } | undefined {
  if (!isObject(data) || !isObject(data._meta)) return undefined;
  const { format, gen } = data._meta;
  return { format, gen: Number.isSafeInteger(gen) ? Number(gen) : 0 };
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

function hex(checksum: number): string {
  return checksum.toString(16).padStart(8, '0');
}
