/**
 * A segment: a file of the journal, `wal-00000017.ndjson`. Its first line says where the one before ended:
 *
 * ```
 * ["0b5c9a3e",{"format":2,"segment":17,"previous":{"segment":16,"length":8388690,"checksum":1871630012}}]
 * ```
 *
 * What a segment holds beyond that length was never acknowledged, and segments in between are left from
 * attempts that failed.
 */

import { crc32 } from 'node:zlib';
import { hexOf, readHex } from './checksum.ts';
import { type JournalRecord, readRecord } from './journal-record.ts';

/** How much of a segment was acknowledged when it was left. */
export interface Sealed {
  readonly segment: number;
  /** Absent where an earlier process left it: all of it counts. */
  readonly length?: number;
  /** Of those bytes: where it holds, nothing in them need be checked again. */
  readonly checksum?: number;
}

/** What a segment says of itself. */
export interface Header {
  readonly segment: number;
  readonly previous: Sealed | undefined;
}

/** The format of snapshots and segments. */
export const format = 2;

/** More than a header can take, in bytes. */
export const headerRoom = 256;

/** A part of a segment that is no sound line. */
export interface Damage {
  readonly damaged: true;
  readonly start: number;
  readonly end: number;
}

const lineFeed = 0x0a;
const bracket = 0x5b;
const namePattern = /^wal-(\d{8,15})\.ndjson$/;

/** The file name of a segment. */
export function segmentName(segment: number): string {
  return `wal-${String(segment).padStart(8, '0')}.ndjson`;
}

/** The numbers of the segments among file names, in order. */
export function segmentsAmong(names: readonly string[]): number[] {
  return names
    .flatMap((name) => namePattern.exec(name)?.[1] ?? [])
    .map(Number)
    .sort((one, other) => one - other);
}

/** What the checksums of a segment begin with. */
export function seedOf(segment: number): number {
  return crc32(segmentName(segment));
}

/** Renders a segment's first line. */
export function renderHeader({ segment, previous }: Header): string {
  const body = `,${JSON.stringify({ format, segment, ...(previous && { previous }) })}]`;
  return `["${hexOf(crc32(body, seedOf(segment)))}"${body}\n`;
}

/** Reads a segment's first line from its beginning; nothing where that is damaged. */
export function readHeader(bytes: Buffer, segment: number): Header | undefined {
  const end = bytes.indexOf(lineFeed);
  if (end < 12 || !/^\["[0-9a-f]{8}",\{/.test(bytes.toString('latin1', 0, 13))) return undefined;
  if (readHex(bytes, 2) !== crc32(bytes.subarray(11, end), seedOf(segment))) return undefined;
  try {
    const [, header]: [string, Header] = JSON.parse(bytes.toString('utf8', 0, end));
    return { segment: header.segment, previous: header.previous };
  } catch {
    return undefined;
  }
}

/**
 * The records of a segment in order, and what between them is damaged. A damaged line costs no other: in
 * it, too, is looked for where a sound one begins. Of bytes that are `trusted` no checksum is looked at.
 */
export function* scanSegment(
  bytes: Buffer,
  segment: number,
  trusted = false,
): Generator<JournalRecord | Damage> {
  const seed = seedOf(segment);
  let start = readHeader(bytes, segment) ? bytes.indexOf(lineFeed) + 1 : 0;
  while (start < bytes.length) {
    const found = bytes.indexOf(lineFeed, start);
    const end = found < 0 ? bytes.length : found;
    const record = found < 0 ? undefined : readRecord(bytes, start, end, seed, trusted);
    if (record) yield record;
    else yield* inDamaged(bytes, start, end, seed);
    start = end + 1;
  }
}

/** Whether something that {@link scanSegment} found is damage. */
export function isDamage(found: JournalRecord | Damage): found is Damage {
  return 'damaged' in found;
}

/** A line feed that was lost makes one line of two, of which both may be sound. */
function* inDamaged(
  bytes: Buffer,
  start: number,
  end: number,
  seed: number,
): Generator<JournalRecord | Damage> {
  let from = start;
  let at = start;
  while (at < end) {
    const next = nextCandidate(bytes, at + 1, end);
    const before = from === at ? readRecord(bytes, at, next - 1, seed) : undefined;
    const whole = next < end ? readRecord(bytes, next, end, seed) : undefined;
    if (before) {
      yield before;
      yield { damaged: true, start: next - 1, end: next };
      from = next;
    }
    if (whole) {
      if (from < next) yield { damaged: true, start: from, end: next };
      yield whole;
      return;
    }
    at = next;
  }
  if (from < end) yield { damaged: true, start: from, end };
}

/** Where the next `["` with eight digits after it is. */
function nextCandidate(bytes: Buffer, from: number, end: number): number {
  for (
    let at = bytes.indexOf(bracket, from);
    at >= 0 && at < end;
    at = bytes.indexOf(bracket, at + 1)
  )
    if (bytes[at + 1] === 0x22 && bytes[at + 10] === 0x22 && readHex(bytes, at + 2) >= 0) return at;
  return end;
}
