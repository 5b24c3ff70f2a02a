/** What the store holds: in each bucket the keys in order of first put, each with its line of the file. */

import type { Bucket, Change, Json } from '@graphiti-fallback/core';

/** The buckets, in the order in which the file lists them. */
export const buckets: readonly Bucket[] = ['cache', 'entities', 'queue', 'state'];

/** A change whose value is text already, so that nothing can fail once it has joined others. */
export interface LineChange {
  readonly bucket: Bucket;
  readonly key: string;
  /** The entry as the file has it, `{"key":…,"value":…}`; without one, the key is deleted. */
  readonly line: string | undefined;
}

/**
 * Serialises changes, each by itself.
 *
 * @throws {TypeError} for a value that is not JSON (a BigInt, a cycle, `undefined`), a key that is no
 * string and a bucket that does not exist
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

/** Serialises one entry. @throws {TypeError} for a value that is not JSON */
export function toLine(key: string, value: Json): string {
  const text: string | undefined = JSON.stringify(value);
  if (text === undefined) {
    throw new TypeError(`Expected the value of ${key} to be JSON, got ${typeof value}`);
  }
  return `{"key":${JSON.stringify(key)},"value":${text}}`;
}

/** Records as lines. A copy costs references, not text: that makes each write a point in time. */
export class Records {
  readonly #buckets: ReadonlyMap<Bucket, Map<string, string>>;

  constructor(from?: Records) {
    this.#buckets = new Map(buckets.map((name) => [name, new Map(from ? from.#of(name) : [])]));
  }

  /** How many there are, in all buckets or in one. */
  count(bucket?: Bucket): number {
    const names = bucket ? [bucket] : buckets;
    return names.reduce((sum, name) => sum + this.#of(name).size, 0);
  }

  /** The serialised entries of a bucket, in order of first put. */
  lines(bucket: Bucket): Iterable<string> {
    return this.#of(bucket).values();
  }

  /** Entries with values of the caller's own: each is parsed when it is reached, and shared with nobody. */
  *entries(bucket: Bucket): Generator<readonly [key: string, value: Json]> {
    for (const [key, line] of this.#of(bucket)) {
      const { value }: { value: Json } = JSON.parse(line);
      yield [key, value];
    }
  }

  /** Puts and deletes, in order; a repeated put keeps its place. */
  apply(changes: readonly LineChange[]): void {
    for (const { bucket, key, line } of changes) {
      if (line === undefined) this.#of(bucket).delete(key);
      else this.#of(bucket).set(key, line);
    }
  }

  #of(bucket: Bucket): Map<string, string> {
    const found = this.#buckets.get(bucket);
    if (!found) throw new TypeError(`Expected a bucket, got ${bucket}`);
    return found;
  }
}
