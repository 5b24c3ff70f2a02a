/** One cache of answers, indexed by the entities that they concern. */

import { LRUCache } from 'lru-cache';
import type { Clock } from './clock.ts';
import { type Entity, entityKey } from './entity.ts';
import type { Emitter, FallbackEvents } from './events.ts';
import type { Change, Journal } from './journal.ts';
import { deepFreeze, type Json } from './json.ts';

/** How long answers are kept, and how many. */
export interface CacheOptions {
  /** How long an answer is fresh, in ms; 0 always asks the upstream. @default 0 */
  readonly ttl?: number;
  /** How long after that it may be served when the upstream fails, in ms. @default 86,400,000 (24 h) */
  readonly staleIfError?: number;
  /**
   * How long a read waits for the upstream where a stale answer is at hand, in ms: then it answers that,
   * and the refresh goes on behind it. 0 answers stale at once; `false` waits. @default false
   */
  readonly softTimeout?: number | false;
  /**
   * How long a failure that several callers waited for is given to whoever asks the same after them,
   * without a call, in ms; doubled with each further one in a row, up to ten times as long. A caller
   * alone is never held up, nor is anybody when an outage is over. 0 for none. @default 100
   */
  readonly failureTtl?: number;
  /** Answers. @default 10,000 */
  readonly maxEntries?: number;
  /** Bytes of their JSON and of their keys. @default 67,108,864 (64 MiB) */
  readonly maxBytes?: number;
  /** Where answers outlast the process. @default the manager's store */
  readonly store?: Journal;
}

/** An answer as it is kept. Times are wall-clock ms. */
interface Cached {
  readonly value: unknown;
  readonly storedAt: number;
  readonly freshUntil: number;
  readonly staleUntil: number;
  readonly entities: readonly string[];
  readonly bytes: number;
}

/** What the cache has for a key. */
export interface Hit {
  readonly value: unknown;
  readonly ageMs: number;
  readonly fresh: boolean;
  /** How long it has been stale, in ms. */
  readonly staleForMs: number;
}

/** Numbers about the cache, for the status. */
export interface CacheStatus {
  readonly entries: number;
  readonly bytes: number;
}

/** What an answer is stored with. */
export interface CacheEntry {
  readonly value: Json;
  readonly entities: readonly Entity[];
  readonly ttl: number;
  readonly staleIfError: number;
  /** The read that fetched it. */
  readonly reader: Reader;
}

/** A read under way: what is expired or removed after it began is not brought back by its answer. */
export interface Reader {
  readonly began: number;
  end(): void;
}

interface CacheSurroundings {
  readonly maxEntries: number;
  readonly maxBytes: number;
  readonly journal: Journal;
  readonly clock: Clock;
  readonly events: Emitter<FallbackEvents>;
}

/** Answers by key, least recently used ones first out. */
export class Cache {
  readonly #values: LRUCache<string, Cached>;
  readonly #byEntity = new Map<string, Set<string>>();
  readonly #around: CacheSurroundings;
  /** What happened to entities while reads were under way: in order, by a count of our own. */
  readonly #expired = new Map<string, number>();
  readonly #removed = new Map<string, number>();
  /** Keys whose answer was taken away or put in place by a person meanwhile. */
  readonly #settled = new Map<string, number>();
  readonly #readers = new Set<Reader>();
  #moment = 0;
  #cleared = 0;

  constructor(around: CacheSurroundings) {
    this.#around = around;
    this.#values = new LRUCache({
      max: around.maxEntries,
      maxSize: around.maxBytes,
      sizeCalculation: ({ bytes }) => Math.max(1, bytes),
      dispose: (cached, key, reason) => this.#forget(key, cached, reason),
    });
  }

  /** Takes in what an earlier process kept. */
  load(): void {
    const now = this.#around.clock.now();
    for (const [key, stored] of this.#around.journal.entries('cache')) {
      const cached = stored as unknown as Partial<Cached> | null;
      if (!isCached(cached) || cached.staleUntil <= now)
        this.#commit({ bucket: 'cache', key, delete: true });
      else this.#keep(key, { ...cached, value: deepFreeze(cached.value) });
    }
  }

  get(key: string): Hit | undefined {
    const cached = this.#values.get(key);
    if (!cached) return undefined;
    const now = this.#around.clock.now();
    if (now >= cached.staleUntil) {
      this.#around.events.emit('cacheEvicted', { reason: 'expired' });
      this.#values.delete(key);
      return undefined;
    }
    return {
      value: cached.value,
      ageMs: Math.max(0, now - cached.storedAt),
      fresh: now < cached.freshUntil,
      staleForMs: Math.max(0, now - cached.freshUntil),
    };
  }

  /** Begins a read of the upstream; it must be ended. */
  reader(): Reader {
    const reader: Reader = {
      began: ++this.#moment,
      end: () => {
        this.#readers.delete(reader);
        // Readers are in order of their beginning; what happened before the oldest one concerns nobody.
        const oldest = this.#readers.values().next().value?.began ?? Number.POSITIVE_INFINITY;
        for (const happened of [this.#expired, this.#removed, this.#settled])
          dropBefore(happened, oldest);
      },
    };
    this.#readers.add(reader);
    return reader;
  }

  /**
   * Keeps an answer, unless it or one of its entities was removed since its read began. False when it
   * was not kept.
   */
  set(key: string, { value, entities, ttl, staleIfError, reader }: CacheEntry): boolean {
    if (this.#cleared > reader.began) return false;
    if ((this.#settled.get(key) ?? 0) > reader.began) return false;
    const keys = entities.map(entityKey);
    if (keys.some((entity) => (this.#removed.get(entity) ?? 0) > reader.began)) return false;
    const overtaken = keys.some((entity) => (this.#expired.get(entity) ?? 0) > reader.began);
    const now = this.#around.clock.now();
    const freshUntil = now + (overtaken ? 0 : ttl);
    const cached: Cached = {
      value: deepFreeze(value),
      storedAt: now,
      freshUntil,
      staleUntil: freshUntil + staleIfError,
      entities: keys,
      bytes: Buffer.byteLength(JSON.stringify(value)) + Buffer.byteLength(key),
    };
    if (!this.#keep(key, cached)) return false;
    this.#commit({ bucket: 'cache', key, put: cached as unknown as Json });
    return true;
  }

  /** The entity changed: answers that concern it are stale from now on, and stay servable. */
  expire(entity: Entity): void {
    const name = entityKey(entity);
    if (this.#readers.size > 0) this.#note(this.#expired, name);
    const now = this.#around.clock.now();
    for (const key of this.#byEntity.get(name) ?? []) {
      const cached = this.#values.peek(key);
      if (!cached || cached.freshUntil <= now) continue;
      const staleUntil = now + (cached.staleUntil - cached.freshUntil);
      const expired = { ...cached, freshUntil: now, staleUntil };
      this.#keep(key, expired);
      this.#commit({ bucket: 'cache', key, put: expired as unknown as Json });
    }
  }

  /** The entity is gone: so is every answer that concerns it. */
  remove(entity: Entity): void {
    const name = entityKey(entity);
    if (this.#readers.size > 0) this.#note(this.#removed, name);
    for (const key of [...(this.#byEntity.get(name) ?? [])]) this.delete(key);
  }

  /** Forgets an answer, also the one that a read under way is about to bring. False when there was none. */
  delete(key: string): boolean {
    this.settle(key);
    const deleted = this.#values.delete(key);
    if (deleted) this.#around.events.emit('cacheEvicted', { reason: 'removed' });
    return deleted;
  }

  /** What is known of a key from now on, reads that began before do not change. */
  settle(key: string): void {
    if (this.#readers.size > 0) this.#note(this.#settled, key);
  }

  has(key: string): boolean {
    return this.#values.has(key);
  }

  /** Everything may be different now: nothing is served any more, nor brought back by reads under way. */
  clear(): void {
    this.#cleared = ++this.#moment;
    for (const key of [...this.#values.keys()]) this.delete(key);
  }

  status(): CacheStatus {
    return { entries: this.#values.size, bytes: this.#values.calculatedSize };
  }

  /** Keeps in the order in which things happen: a later one goes to the end. */
  #note(happened: Map<string, number>, name: string): void {
    happened.delete(name);
    happened.set(name, ++this.#moment);
  }

  /** False when it is too large to be kept. */
  #keep(key: string, cached: Cached): boolean {
    this.#values.set(key, cached);
    if (!this.#values.has(key)) return false;
    for (const entity of cached.entities) {
      const keys = this.#byEntity.get(entity) ?? new Set();
      this.#byEntity.set(entity, keys.add(key));
    }
    return true;
  }

  #forget(key: string, cached: Cached, reason: string): void {
    for (const entity of cached.entities) {
      const keys = this.#byEntity.get(entity);
      keys?.delete(key);
      if (keys?.size === 0) this.#byEntity.delete(entity);
    }
    if (reason === 'set') return;
    if (reason === 'evict') this.#around.events.emit('cacheEvicted', { reason: 'space' });
    this.#commit({ bucket: 'cache', key, delete: true });
  }

  /** The cache may lose its last second, never the request that fills it. */
  #commit(change: Change): void {
    const { journal, events } = this.#around;
    journal
      .commit([change], { lazy: true })
      .catch((error: unknown) =>
        events.emit('storeFailed', { store: journal.kind, verb: 'cache', error }),
      );
  }
}

/** Entries are in order: the first that is new enough ends it. */
function dropBefore(happened: Map<string, number>, moment: number): void {
  for (const [name, at] of happened) {
    if (at >= moment) return;
    happened.delete(name);
  }
}

function isCached(stored: Partial<Cached> | null): stored is Cached {
  if (typeof stored !== 'object' || stored === null) return false;
  const { storedAt, freshUntil, staleUntil, entities, bytes } = stored;
  const numbers = [storedAt, freshUntil, staleUntil, bytes];
  return numbers.every((number) => typeof number === 'number') && Array.isArray(entities);
}
