/** What the store holds: in each bucket the keys in order of first put, each with its entry as the files have it. */

import type { Bucket, Change, Json } from '@graphiti-fallback/core';
import { type EntryId, KeyedEntries } from './keyed-entries.ts';

/** The buckets, in the order in which a snapshot lists them. */
export const buckets: readonly Bucket[] = ['cache', 'entities', 'queue', 'state'];

/** The longest text that one change may take, in characters. */
const longestChange = 1024 * 1024;

/** A change whose value is text already, so that nothing can fail once it has joined others. */
export interface LineChange {
  readonly bucket: Bucket;
  readonly key: string;
  /** The entry as the files have it, `{"key":…,"value":…}`; without one, the key is deleted. */
  readonly line: string | undefined;
}

/** An entry as the files have it: text, or the part of a file that was read. It is replaced, never changed. */
export interface Entry {
  readonly text: string | Buffer;
  /** Where it begins and ends in the bytes of a file. */
  readonly start: number;
  readonly end: number;
  /** The segment of its first put; 0 where a snapshot had it. */
  readonly home: number;
}

/**
 * Serialises changes, each by itself.
 *
 * @throws {TypeError} for a value that is not JSON (a BigInt, a cycle, `undefined`), a key that is no
 * string and a bucket that does not exist
 * @throws {RangeError} with code `FALLBACK_VALUE_TOO_LARGE` for an entry over 1 MiB
 */
export function toLines(changes: readonly Change[]): LineChange[] {
  return changes.map((change) => {
    const { bucket, key } = change;
    if (!buckets.includes(bucket)) {
      throw new TypeError(`Expected \`bucket\` to be one of ${buckets.join(', ')}, got ${bucket}`);
    }
    if (typeof key !== 'string') throw new TypeError(`Expected \`key\` to be a string, got ${key}`);
    return { bucket, key, line: 'put' in change ? toLine(key, change.put) : undefined };
  });
}

/** Serialises one entry. @throws {TypeError} for a value that is not JSON @throws {RangeError} over 1 MiB */
export function toLine(key: string, value: Json): string {
  const text: string | undefined = JSON.stringify(value);
  if (text === undefined) {
    throw new TypeError(`Expected the value of ${key} to be JSON, got ${typeof value}`);
  }
  const line = `{"key":${JSON.stringify(key)},"value":${text}}`;
  if (line.length > longestChange) {
    const error = new RangeError(
      `Expected an entry of at most 1 MiB, got ${line.length} characters`,
    );
    throw Object.assign(error, { code: 'FALLBACK_VALUE_TOO_LARGE' });
  }
  return line;
}

/** The text of an entry. */
function textOf({ text, start, end }: Entry): string {
  return typeof text === 'string' ? text : text.toString('utf8', start, end);
}

/** Records as the entries of files: values are parsed when they are asked for. */
export class Records {
  readonly #buckets: ReadonlyMap<Bucket, KeyedEntries> = new Map(
    buckets.map((name) => [name, new KeyedEntries()]),
  );
  /** How much lives in each segment that is somebody's home. */
  readonly #homes = new Map<number, number>();
  /** By how much the latest of them grew since: mostly many changes in a row belong to one. */
  #latestHome = 0;
  #latestGrowth = 0;
  #size = 0;

  /** How many there are, in all buckets or in one. */
  count(bucket?: Bucket): number {
    const names = bucket ? [bucket] : buckets;
    return names.reduce((sum, name) => sum + this.#of(name).size, 0);
  }

  /** What the entries take, in characters of text or bytes of files. */
  get size(): number {
    return this.#size;
  }

  /** Of {@link size}, what is at home before a segment. */
  sizeBefore(segment: number): number {
    let sum = 0;
    for (const home of new Set([...this.#homes.keys(), this.#latestHome]))
      if (home < segment) sum += this.#sizeOf(home);
    return sum;
  }

  has(bucket: Bucket, key: string): boolean {
    return this.find(bucket, key) !== undefined;
  }

  /** The entry of a key as it is now. */
  find(bucket: Bucket, key: string): Entry | undefined {
    const entries = this.#of(bucket);
    return entries.get(entries.idOf(key));
  }

  /** The entries of a bucket as they are now, in order of first put: later changes do not show in it. */
  view(bucket: Bucket): readonly Entry[] {
    return [...this.#of(bucket).values()];
  }

  /** Entries with values of the caller's own: each is parsed when it is reached, and shared with nobody. */
  *entries(bucket: Bucket): Generator<readonly [key: string, value: Json]> {
    for (const entry of this.#of(bucket).values()) {
      const { key, value }: { key: string; value: Json } = JSON.parse(textOf(entry));
      yield [key, value];
    }
  }

  /** Puts and deletes, in order; a repeated put keeps its place, and its home. */
  apply(changes: readonly LineChange[], home: number): void {
    for (const { bucket, key, line } of changes) {
      if (line === undefined) this.delete(bucket, key);
      else {
        const entries = this.#of(bucket);
        this.#put(entries, entries.idOf(key), line, 0, line.length, home);
      }
    }
  }

  /** Puts the entry that lies in the bytes of a file from `start` to `end`. */
  putFrom(bucket: Bucket, bytes: Buffer, start: number, end: number, home: number): void {
    const entries = this.#of(bucket);
    this.#put(entries, entries.idAt(bytes, start, end), bytes, start, end, home);
  }

  delete(bucket: Bucket, key: string): void {
    const entries = this.#of(bucket);
    const id = entries.idOf(key);
    const known = entries.get(id);
    if (!known) return;
    entries.delete(id);
    this.#grow(known.home, known.start - known.end);
  }

  /** Lets go of the files that were read: a few entries that stay must not keep all of their bytes. */
  detach(): void {
    for (const entries of this.#buckets.values())
      for (const [id, entry] of entries) {
        if (typeof entry.text === 'string') continue;
        const text = textOf(entry);
        this.#grow(entry.home, text.length - (entry.end - entry.start));
        entries.set(id, { text, start: 0, end: text.length, home: entry.home });
      }
  }

  #put(
    entries: KeyedEntries,
    id: EntryId,
    text: string | Buffer,
    start: number,
    end: number,
    home: number,
  ): void {
    const known = entries.get(id);
    if (known) this.#grow(known.home, known.start - known.end);
    const entry = { text, start, end, home: known ? known.home : home };
    this.#grow(entry.home, end - start);
    entries.set(id, entry);
  }

  #grow(home: number, by: number): void {
    this.#size += by;
    if (home !== this.#latestHome) {
      this.#homes.set(this.#latestHome, this.#sizeOf(this.#latestHome));
      this.#latestHome = home;
      this.#latestGrowth = 0;
    }
    this.#latestGrowth += by;
  }

  #sizeOf(home: number): number {
    const growth = home === this.#latestHome ? this.#latestGrowth : 0;
    return (this.#homes.get(home) ?? 0) + growth;
  }

  #of(bucket: Bucket): KeyedEntries {
    const found = this.#buckets.get(bucket);
    if (!found) throw new TypeError(`Expected a bucket, got ${bucket}`);
    return found;
  }
}
