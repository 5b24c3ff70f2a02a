/** Entries by key, in order of first put. */

import { hashAt, hashOf, keyOf } from './entry-key.ts';
import type { Entry } from './records.ts';

/** A key, or the hash of one that still lies in the bytes of a file. */
export type EntryId = string | number;

/**
 * A map, but for entries that were read from files: most of the time that reading 100,000 takes would go
 * into making texts of their keys and putting these in order. They stand under the hash of their key, which
 * is compared when it is asked for; of two with one hash the later stands under its text.
 */
export class KeyedEntries {
  readonly #entries = new Map<EntryId, Entry>();
  /** How many stand under a hash. */
  #hashed = 0;

  get size(): number {
    return this.#entries.size;
  }

  /** Under what an entry of this key stands, or would. */
  idOf(key: string): EntryId {
    if (this.#hashed === 0) return key;
    const hash = hashOf(key);
    const entry = this.#entries.get(hash);
    return entry && isOf(entry, key) ? hash : key;
  }

  /** The same of the key in the entry that lies in bytes. */
  idAt(bytes: Buffer, start: number, end: number): EntryId {
    const hash = hashAt(bytes, start, end);
    if (hash === undefined) return this.idOf(keyOf(bytes, start, end));
    const entry = this.#entries.get(hash);
    if (!entry && this.#hashed === this.#entries.size) return hash;
    const key = keyOf(bytes, start, end);
    if (entry) return isOf(entry, key) ? hash : key;
    return this.#entries.has(key) ? key : hash;
  }

  get(id: EntryId): Entry | undefined {
    return this.#entries.get(id);
  }

  has(id: EntryId): boolean {
    return this.#entries.has(id);
  }

  /** Puts an entry, in the place of the one that stands there if one does. */
  set(id: EntryId, entry: Entry): void {
    const before = this.#entries.size;
    this.#entries.set(id, entry);
    if (typeof id === 'number') this.#hashed += this.#entries.size - before;
  }

  delete(id: EntryId): void {
    if (this.#entries.delete(id) && typeof id === 'number') this.#hashed -= 1;
  }

  values(): IterableIterator<Entry> {
    return this.#entries.values();
  }

  [Symbol.iterator](): IterableIterator<[EntryId, Entry]> {
    return this.#entries.entries();
  }
}

function isOf({ text, start, end }: Entry, key: string): boolean {
  if (typeof text !== 'string') return keyOf(text, start, end) === key;
  return text.startsWith(`{"key":${JSON.stringify(key)},`);
}
