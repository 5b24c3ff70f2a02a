/** What was used last, within bounds; what is pinned stays, whatever the bounds say. */

import { LRUCache } from 'lru-cache';

interface Sized {
  readonly bytes: number;
}

interface Rules<Value> {
  readonly maxEntries: number;
  readonly maxBytes: number;
  /** Whether a value must stay. Asked again now and then. */
  readonly isPinned: (value: Value) => boolean;
  /** Told of what had to go. */
  readonly onEvicted: (key: string, value: Value) => void;
}

/** With fewer pinned values than this it is not worth while to ask whether they still are. */
const fewPinned = 64;

/** Values by key, the least recently used ones first out. Pinned ones count for no bound. */
export class PinningLru<Value extends Sized> {
  readonly #free: LRUCache<string, Value>;
  readonly #pinned = new Map<string, Value>();
  readonly #isPinned: (value: Value) => boolean;
  readonly #onEvicted: (key: string, value: Value) => void;
  #pinnedBytes = 0;
  #manyPinned = fewPinned;

  constructor({ maxEntries, maxBytes, isPinned, onEvicted }: Rules<Value>) {
    this.#isPinned = isPinned;
    this.#onEvicted = onEvicted;
    this.#free = new LRUCache({
      max: maxEntries,
      maxSize: maxBytes,
      sizeCalculation: ({ bytes }) => Math.max(1, bytes),
      dispose: (value, key, reason) => {
        if (reason === 'evict') onEvicted(key, value);
      },
    });
  }

  get size(): number {
    return this.#free.size + this.#pinned.size;
  }

  get bytes(): number {
    return this.#free.calculatedSize + this.#pinnedBytes;
  }

  get(key: string): Value | undefined {
    return this.#pinned.get(key) ?? this.#free.get(key);
  }

  /** Without counting as a use. */
  peek(key: string): Value | undefined {
    return this.#pinned.get(key) ?? this.#free.peek(key);
  }

  set(key: string, value: Value): void {
    this.#unpin(key);
    if (!this.#isPinned(value)) {
      this.#setFree(key, value);
      return;
    }
    this.#free.delete(key);
    this.#pinned.set(key, value);
    this.#pinnedBytes += value.bytes;
    if (this.#pinned.size > this.#manyPinned) this.#sweep();
  }

  delete(key: string): boolean {
    return this.#unpin(key) || this.#free.delete(key);
  }

  #unpin(key: string): boolean {
    this.#pinnedBytes -= this.#pinned.get(key)?.bytes ?? 0;
    return this.#pinned.delete(key);
  }

  /** What is larger than everything together may be goes at once. */
  #setFree(key: string, value: Value): void {
    this.#free.set(key, value);
    if (!this.#free.has(key)) this.#onEvicted(key, value);
  }

  /** Lets go of what is pinned no more. Often enough that at most half of them are, and no oftener. */
  #sweep(): void {
    for (const [key, value] of [...this.#pinned]) {
      if (this.#isPinned(value)) continue;
      this.#unpin(key);
      this.#setFree(key, value);
    }
    this.#manyPinned = Math.max(fewPinned, 2 * this.#pinned.size);
  }
}
