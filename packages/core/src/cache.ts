/** One cache of answers, indexed by the entities that they concern. */

import { LRUCache } from 'lru-cache';
import { CacheWriter } from './cache-writer.ts';
import type { Clock } from './clock.ts';
import { type Entity, entityKey } from './entity.ts';
import type { Emitter, FallbackEvents } from './events.ts';
import type { Journal } from './journal.ts';
import { deepFreeze, equalsJson, type Json } from './json.ts';
import { KeyIndex } from './key-index.ts';
import { ReadsUnderWay } from './reads-under-way.ts';

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
  /** Bytes of their JSON and of their keys, about: a character counts as one. @default 67,108,864 (64 MiB) */
  readonly maxBytes?: number;
  /** Where answers outlast the process. @default the manager's store */
  readonly store?: Journal;
}

/** An answer as it is kept. Times are wall-clock ms. */
interface Cached {
  readonly value: unknown;
  storedAt: number;
  freshUntil: number;
  staleUntil: number;
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
  /** Frozen in depth: callers share it. */
  readonly value: Json;
  /** Of its JSON, in characters. */
  readonly size: number;
  readonly entities: readonly Entity[];
  readonly ttl: number;
  readonly staleIfError: number;
  /** When the read that fetched it began: see {@link Cache.beginRead}. */
  readonly began: number;
}

interface CacheSurroundings {
  readonly maxEntries: number;
  readonly maxBytes: number;
  readonly journal: Journal;
  readonly clock: Clock;
  readonly events: Emitter<FallbackEvents>;
}

const none: readonly string[] = [];

/** Answers by key, least recently used ones first out. */
export class Cache {
  readonly #values: LRUCache<string, Cached>;
  readonly #byEntity = new KeyIndex();
  readonly #underWay = new ReadsUnderWay();
  readonly #around: CacheSurroundings;
  readonly #writer: CacheWriter;
  /** What an earlier process kept is read like an answer: when it comes late, more is known. */
  readonly #loadingSince = this.#underWay.begin();

  constructor(around: CacheSurroundings) {
    this.#around = around;
    const { journal, clock, events } = around;
    this.#writer = new CacheWriter(clock, (changes) => {
      journal
        .commit(changes, { lazy: true })
        .catch((error: unknown) =>
          events.emit('storeFailed', { store: journal.kind, verb: 'cache', error }),
        );
    });
    this.#values = new LRUCache({
      max: around.maxEntries,
      maxSize: around.maxBytes,
      sizeCalculation: ({ bytes }) => Math.max(1, bytes),
      dispose: (cached, key, reason) => this.#forget(key, cached, reason),
    });
  }

  /** Takes in what an earlier process kept, but for what is known better by now. */
  load(): void {
    const now = this.#around.clock.now();
    for (const [key, stored] of this.#around.journal.entries('cache')) {
      if (this.#values.has(key)) continue;
      if (!this.#takeIn(key, stored as unknown as Partial<Cached> | null, now))
        this.#writer.delete(key);
    }
    this.#underWay.end();
  }

  get(key: string): Hit | undefined {
    if (this.#values.size === 0) return undefined;
    const cached = this.#values.get(key);
    if (!cached) return undefined;
    const now = this.#around.clock.now();
    if (now >= cached.staleUntil) {
      this.#around.events.emit('cacheEvicted', { reason: 'expired' });
      this.#values.delete(key);
      return undefined;
    }
    return hitOf(cached, now);
  }

  /** The answers that concern an entity, in the order in which they came; asking does not count as use. */
  *concerning(entity: Entity): Generator<readonly [key: string, hit: Hit]> {
    const now = this.#around.clock.now();
    for (const key of this.#byEntity.of(entityKey(entity))) {
      const cached = this.#values.peek(key);
      if (cached && now < cached.staleUntil) yield [key, hitOf(cached, now)];
    }
  }

  /** A read of the upstream begins, in a moment by which its answer is judged; it must be ended once. */
  beginRead(): number {
    return this.#underWay.begin();
  }

  endRead(): void {
    this.#underWay.end();
  }

  /** Whether nothing that an answer concerns has changed since its read began. */
  isCurrent(key: string, entities: readonly Entity[], began: number): boolean {
    return this.#underWay.worth(began, key, entities.map(entityKey)) === 'fresh';
  }

  /**
   * Keeps an answer, unless it or one of its entities was removed since its read began. False when it
   * was not kept.
   */
  set(key: string, { value, size, entities, ttl, staleIfError, began }: CacheEntry): boolean {
    const keys = entities.length === 0 ? none : entities.map(entityKey);
    const worth = this.#underWay.worth(began, key, keys);
    if (worth === 'nothing') return false;
    if (ttl + staleIfError <= 0) {
      this.pass(key);
      return false;
    }
    const now = this.#around.clock.now();
    const freshUntil = now + (worth === 'stale' ? 0 : ttl);
    const cached: Cached = {
      value,
      storedAt: now,
      freshUntil,
      staleUntil: freshUntil + staleIfError,
      entities: keys,
      bytes: size + key.length,
    };
    if (!this.#keep(key, cached)) return false;
    this.#writer.soon(key, cached);
    return true;
  }

  /** Keeps an answer for longer, where a new one is the same and nothing has changed since its read began. */
  renew(
    key: string,
    value: unknown,
    { ttl, staleIfError, began }: Pick<CacheEntry, 'ttl' | 'staleIfError' | 'began'>,
  ): { readonly value: unknown } | undefined {
    const known = this.#values.peek(key);
    if (!known || !equalsJson(known.value, value)) return undefined;
    if (this.#underWay.worth(began, key, known.entities) !== 'fresh') return undefined;
    // In place: the read that brought it has looked it up, and so moved it to the front.
    known.storedAt = this.#around.clock.now();
    known.freshUntil = known.storedAt + ttl;
    known.staleUntil = known.freshUntil + staleIfError;
    this.#writer.soon(key, known);
    return known;
  }

  /** What may not be kept takes the place of what was: nothing, most often. */
  pass(key: string): void {
    if (this.#values.size > 0 && this.#values.has(key)) this.delete(key);
  }

  /** The entity changed: answers that concern it are stale from now on, and stay servable. */
  expire(entity: Entity): void {
    this.#underWay.expired(entity);
    if (this.#values.size === 0) return;
    const now = this.#around.clock.now();
    for (const key of this.#byEntity.of(entityKey(entity))) {
      const cached = this.#values.peek(key);
      if (!cached || cached.freshUntil <= now) continue;
      const expired = expiredAt(cached, now);
      this.#keep(key, expired);
      this.#writer.now(key, expired);
    }
  }

  /** The entity is gone: so is every answer that concerns it. */
  remove(entity: Entity): void {
    this.#underWay.removed(entity);
    for (const key of this.#byEntity.of(entityKey(entity))) this.delete(key);
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
    this.#underWay.settled(key);
  }

  has(key: string): boolean {
    return this.#values.has(key);
  }

  /** Everything may be different now: nothing is served any more, nor brought back by reads under way. */
  clear(): void {
    this.#underWay.cleared();
    for (const key of [...this.#values.keys()]) this.delete(key);
  }

  /** Hands what is not written yet to the store. */
  close(): void {
    this.#writer.flush();
  }

  status(): CacheStatus {
    return { entries: this.#values.size, bytes: this.#values.calculatedSize };
  }

  #takeIn(key: string, stored: Partial<Cached> | null, now: number): boolean {
    if (!isCached(stored) || stored.staleUntil <= now) return false;
    const worth = this.#underWay.worth(this.#loadingSince, key, stored.entities);
    if (worth === 'nothing') return false;
    const cached = { ...stored, value: deepFreeze(stored.value) };
    return this.#keep(key, worth === 'stale' ? expiredAt(cached, now) : cached);
  }

  /** False when it is too large to be kept; what was there before is gone then, too. */
  #keep(key: string, cached: Cached): boolean {
    const before = this.#values.peek(key)?.entities ?? none;
    const kept = cached.bytes <= this.#around.maxBytes;
    this.#values.set(key, cached);
    this.#byEntity.move(key, before, kept ? cached.entities : none);
    if (!kept) this.#writer.delete(key);
    return kept;
  }

  #forget(key: string, cached: Cached, reason: string): void {
    if (reason === 'set') return;
    this.#byEntity.move(key, cached.entities, none);
    if (reason === 'evict') this.#around.events.emit('cacheEvicted', { reason: 'space' });
    this.#writer.delete(key);
  }
}

function hitOf({ value, storedAt, freshUntil }: Cached, now: number): Hit {
  return {
    value,
    ageMs: Math.max(0, now - storedAt),
    fresh: now < freshUntil,
    staleForMs: Math.max(0, now - freshUntil),
  };
}

/** Its time to be served stale counts from then, unless it is stale already. */
function expiredAt(cached: Cached, now: number): Cached {
  const { freshUntil, staleUntil } = cached;
  if (freshUntil <= now) return cached;
  return { ...cached, freshUntil: now, staleUntil: now + (staleUntil - freshUntil) };
}

function isCached(stored: Partial<Cached> | null): stored is Cached {
  if (typeof stored !== 'object' || stored === null) return false;
  const { storedAt, freshUntil, staleUntil, entities, bytes } = stored;
  const numbers = [storedAt, freshUntil, staleUntil, bytes];
  return numbers.every((number) => typeof number === 'number') && Array.isArray(entities);
}
