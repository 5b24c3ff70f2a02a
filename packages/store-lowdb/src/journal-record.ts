/**
 * The format of a change in the journal, one a line, NDJSON:
 *
 * ```
 * ["1f0c2b7e",42,41,43,1,"queue",{"key":"a","value":{…}}]
 * ["9a3d11c4",43,41,43,0,"state",{"key":"b"}]
 * ```
 *
 * Checksum of what follows it in the line, number of the change, first and last number of the batch that
 * was written with it, how many changes of the same commit follow, bucket, and the entry; an entry
 * without a value is deleted. Numbers have no gaps. The checksum is seeded by the segment's name, so that
 * a line of another segment is never taken for one of this.
 */

import { crc32 } from 'node:zlib';
import type { Bucket } from '@graphiti-fallback/core';
import { hexOf, readHex } from './checksum.ts';
import { endOfKey } from './entry-key.ts';
import { buckets, type LineChange } from './records.ts';

/** A change as it lies in the bytes of a segment. */
export interface JournalRecord {
  readonly seq: number;
  /** The batch that it was written with. */
  readonly first: number;
  readonly last: number;
  /** How many changes of its commit follow. */
  readonly left: number;
  readonly bucket: Bucket;
  /** Where the entry begins and ends. */
  readonly start: number;
  readonly end: number;
  readonly deletes: boolean;
}

const quote = 0x22;
const comma = 0x2c;
const zero = 0x30;
const brace = 0x7d;
const bracket = 0x5b;
/** `["`, the checksum and its quote. */
const checksumAt = 2;
const bodyAt = 11;
const shortest = '["00000000",1,1,1,0,"queue",{"key":""}]'.length;

/** Renders a batch: commits of changes, numbered from `first`. */
export function renderBatch(
  commits: readonly (readonly LineChange[])[],
  first: number,
  seed: number,
): Buffer {
  const last = first + commits.reduce((sum, changes) => sum + changes.length, 0) - 1;
  let seq = first;
  let text = '';
  for (const changes of commits) {
    let left = changes.length;
    for (const { bucket, key, line } of changes) {
      left -= 1;
      const entry = line ?? `{"key":${JSON.stringify(key)}}`;
      const body = `,${seq},${first},${last},${left},"${bucket}",${entry}]`;
      text += `["${hexOf(crc32(body, seed))}"${body}\n`;
      seq += 1;
    }
  }
  return Buffer.from(text);
}

/**
 * Reads the line from `start` to `end`, without its line feed; nothing where the checksum does not hold.
 * Of bytes that are `trusted` the checksum is known to hold.
 */
export function readRecord(
  bytes: Buffer,
  start: number,
  end: number,
  seed: number,
  trusted = false,
): JournalRecord | undefined {
  if (end - start < shortest || bytes[start] !== bracket) return undefined;
  if (bytes[start + 1] !== quote || bytes[start + bodyAt - 1] !== quote) return undefined;
  const body = start + bodyAt;
  if (!trusted) {
    const checksum = crc32(bytes.subarray(body, end), seed);
    if (readHex(bytes, start + checksumAt) !== checksum) return undefined;
  }
  return parse(bytes, body, end);
}

/** What a checksum vouches for by chance must not lead astray: whatever is unexpected is no record. */
function parse(bytes: Buffer, body: number, end: number): JournalRecord | undefined {
  const numbersEnd = readNumbers(bytes, body);
  const { 0: seq, 1: first, 2: last, 3: left } = numbers;
  const bucket = bucketAt(bytes, numbersEnd + 1);
  if (numbersEnd < 0 || seq < 1 || first < 1 || last < seq || !bucket) return undefined;
  const start = numbersEnd + bucket.length + 4;
  const deletes = bytes[endOfKey(bytes, start, end) + 1] === brace;
  return { seq, first, last, left, bucket, start, end: end - 1, deletes };
}

/** Where {@link readNumbers} leaves what it read: a list for each record would be most of the work. */
const numbers: [number, number, number, number] = [0, 0, 0, 0];

/** Reads four numbers, a comma before each; returns where the comma after them is, or -1. */
function readNumbers(bytes: Buffer, start: number): number {
  let at = start;
  for (let index = 0; index < numbers.length; index += 1) {
    if (bytes[at] !== comma) return -1;
    let value = 0;
    for (at += 1; ; at += 1) {
      const digit = (bytes[at] ?? 0) - zero;
      if (!(digit >= 0 && digit <= 9)) break;
      value = value * 10 + digit;
    }
    numbers[index] = value;
  }
  return bytes[at] === comma ? at : -1;
}

/** The bucket whose name in quotes begins here. */
function bucketAt(bytes: Buffer, at: number): Bucket | undefined {
  const bucket = bucketsByLetter[bytes[at + 1] ?? 0];
  if (!bucket || bytes[at] !== quote || bytes[at + bucket.length + 1] !== quote) return undefined;
  for (let index = 1; index < bucket.length; index += 1)
    if (bytes[at + 1 + index] !== bucket.charCodeAt(index)) return undefined;
  return bucket;
}

const bucketsByLetter: readonly (Bucket | undefined)[] = Array.from({ length: 256 }, (_, letter) =>
  buckets.find((name) => name.charCodeAt(0) === letter),
);
