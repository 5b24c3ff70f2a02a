/** One cache of answers, indexed by the entities that they concern. */

import { LRUCache } from 'lru-cache';
import { CacheWriter } from './cache-writer.ts';
import type { Clock } from './clock.ts';
import { type Entity, entityKey } from './entity.ts';
import type { Emitter, FallbackEvents } from './events.ts';
import type { Journal } from './journal.ts';
import { deepFreeze, equalsJson, type Json, parsedJson } from './json.ts';
import { KeyIndex } from './key-index.ts';
import { ReadsUnderWay, type Worth } from './reads-under-way.ts';
import type { Exchange } from './values/exchange.ts';
import { type Found, type FoundAnswer, isKnownTo, type Moment } from './values/shared-values.ts';
import { isUntoldNote } from './values/untold-notes.ts';

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
  /** What was known of all changes when its read began, where instances share what they know. */
  since?: Moment | undefined;
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
  /** With other instances. */
  readonly exchange: Exchange;
}

/** An answer of another instance takes the place of one here that is older by so much, in ms. */
const worthTaking = 50;

const none: readonly string[] = [];

/** Answers by key, least recently used ones first out. */
export class Cache {
  readonly #values: LRUCache<string, Cached>;
  readonly #byEntity = new KeyIndex();
  /** Keys by what others call them, where there are others. */
  readonly #byMark = new Map<string, string>();
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
    around.exchange.keepsAnswers({
      removed: (entity, at) => this.#removeHere(entity, at),
      expired: (entity, at) => this.#expireHere(entity, at),
      forgotten: (mark, at) => this.#forgetHere(mark, at),
      eraBegins: (era, isStart) => this.#keepEra(era, isStart),
      allRemoved: (until) => this.#clearHere(until),
      allExpired: (until) => this.#expireAll(until),
    });
  }

  /** Takes in what an earlier process kept, but for what is known better by now. */
  load(): void {
    const now = this.#around.clock.now();
    for (const [key, stored] of this.#around.journal.entries('cache')) {
      if (this.#values.has(key) || isUntoldNote(key)) continue;
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
    const began = this.#underWay.begin();
    this.#around.exchange.readBegins(began);
    return began;
  }

  endRead(): void {
    this.#underWay.end();
  }

  /**
   * Hears what other instances know of a key, and of what answers concern, for a short time. Nothing where
   * there is nobody to ask.
   */
  askOthers(key: string): Promise<void> | undefined {
    const asked = this.#around.exchange.ask(key);
    if (!asked) return undefined;
    // What others have is late like what a read brings: more may be known when it comes.
    const began = this.#underWay.begin();
    return asked.then((found) => this.#hear(key, found, began)).finally(() => this.endRead());
  }

  /** Whether nothing that an answer concerns has changed since its read began. */
  isCurrent(key: string, entities: readonly Entity[], began: number): boolean {
    const since = this.#around.exchange.sinceOf(began);
    return this.#worth(began, key, entities.map(entityKey), since) === 'fresh';
  }

  /**
   * Keeps an answer, unless it or one of its entities was removed since its read began. False when it
   * was not kept.
   */
  set(key: string, { value, size, entities, ttl, staleIfError, began }: CacheEntry): boolean {
    const keys = entities.length === 0 ? none : entities.map(entityKey);
    const since = this.#around.exchange.sinceOf(began);
    const worth = this.#worth(began, key, keys, since);
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
      since,
    };
    if (!this.#keep(key, cached)) return false;
    this.#writer.soon(key, cached);
    this.#around.exchange.offer(key, cached, false);
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
    const since = this.#around.exchange.sinceOf(began);
    if (this.#worth(began, key, known.entities, since) !== 'fresh') return undefined;
    // In place: the read that brought it has looked it up, and so moved it to the front.
    known.storedAt = this.#around.clock.now();
    known.freshUntil = known.storedAt + ttl;
    known.staleUntil = known.freshUntil + staleIfError;
    known.since = since;
    this.#writer.soon(key, known);
    this.#around.exchange.offer(key, known, true);
    return known;
  }

  /** What may not be kept takes the place of what was: nothing, most often. */
  pass(key: string): void {
    if (this.#values.size > 0 && this.#values.has(key)) this.delete(key);
  }

  /** The entity changed: answers that concern it are stale from now on, and stay servable. */
  expire(entity: Entity): void {
    const name = entityKey(entity);
    this.#expireHere(name);
    this.#around.exchange.tell({ kind: 'expire', entity: name });
  }

  /** The entity is gone: so is every answer that concerns it. */
  remove(entity: Entity): void {
    const name = entityKey(entity);
    this.#removeHere(name);
    this.#around.exchange.tell({ kind: 'remove', entity: name });
  }

  /** Forgets an answer, also the one that a read under way is about to bring. False when there was none. */
  delete(key: string): boolean {
    this.#around.exchange.tell({ kind: 'forget', key });
    return this.#deleteHere(key);
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
    this.#clearHere();
    this.#around.exchange.tell({ kind: 'clear' });
  }

  /** Hands what is not written yet to the store. */
  close(): void {
    this.#writer.flush();
  }

  status(): CacheStatus {
    return { entries: this.#values.size, bytes: this.#values.calculatedSize };
  }

  /** @param at when it happened, where it happened elsewhere: answers that know of it stay as they are */
  #expireHere(entity: string, at?: Moment): void {
    this.#underWay.expired(entity, at);
    if (this.#values.size === 0) return;
    for (const key of this.#byEntity.of(entity)) this.#expireAnswer(key, at);
  }

  #expireAll(until: Moment): void {
    this.#underWay.cleared(until);
    for (const key of [...this.#values.keys()]) this.#expireAnswer(key, until);
  }

  #expireAnswer(key: string, at?: Moment): void {
    const now = this.#around.clock.now();
    const cached = this.#values.peek(key);
    if (!cached || cached.freshUntil <= now || knows(cached, at)) return;
    const expired = expiredAt(cached, now);
    this.#keep(key, expired);
    this.#writer.now(key, expired);
  }

  #removeHere(entity: string, at?: Moment): void {
    this.#underWay.removed(entity, at);
    for (const key of this.#byEntity.of(entity)) this.#deleteUnlessKnown(key, at);
  }

  #clearHere(until?: Moment): void {
    this.#underWay.cleared(until);
    for (const key of [...this.#values.keys()]) this.#deleteUnlessKnown(key, until);
  }

  #forgetHere(mark: string, at: Moment): void {
    this.#underWay.removed(markedName(mark), at);
    const key = this.#byMark.get(mark);
    if (key !== undefined) this.#deleteUnlessKnown(key, at);
  }

  #keepEra(era: string, isStart: boolean): void {
    if (!isStart) this.#underWay.cleared({ era, at: 0 });
    const eras = new Map<string, string | undefined>();
    for (const key of this.#values.keys()) eras.set(key, this.#values.peek(key)?.since?.era);
    // Answers of another one say that an earlier process knew others before they lost what they knew.
    const known = new Set(eras.values());
    const isNew = isStart && [...known].every((each) => each === undefined || each === era);
    if (isNew) return;
    for (const [key, each] of eras) if (each !== era) this.#deleteHere(key);
  }

  /** What the late answer of a read is worth. */
  #worth(began: number, key: string, entities: readonly string[], since?: Moment): Worth {
    const mark = this.#around.exchange.markOf(key);
    const all = mark === undefined ? entities : [...entities, markedName(mark)];
    return this.#underWay.worth(began, key, all, since);
  }

  #deleteUnlessKnown(key: string, at: Moment | undefined): void {
    if (!knows(this.#values.peek(key), at)) this.#deleteHere(key, at);
  }

  #deleteHere(key: string, at?: Moment): boolean {
    this.#underWay.settled(key, at);
    const deleted = this.#values.delete(key);
    if (deleted) this.#around.events.emit('cacheEvicted', { reason: 'removed' });
    return deleted;
  }

  #hear(key: string, found: Found | undefined, began: number): void {
    if (found?.kind === 'gone') this.#deleteUnlessKnown(key, found.at);
    if (found?.kind !== 'answer') return;
    const { entities, since } = found.answer;
    const worth = this.#worth(began, key, entities, since);
    if (worth !== 'nothing') this.#takeFound(key, found.answer, worth === 'stale');
  }

  /** What another instance was answered, where that is newer than what is here. */
  #takeFound(key: string, found: FoundAnswer, isStale: boolean): void {
    const now = this.#around.clock.now();
    const storedAt = now - found.ageMs;
    const known = this.#values.peek(key);
    if (known && known.storedAt > storedAt - worthTaking) return;
    const value = parsedJson(found.body);
    if (value === undefined) return;
    const cached: Cached = {
      value: deepFreeze(value),
      storedAt,
      freshUntil: now + found.freshForMs,
      staleUntil: now + found.servableForMs,
      entities: found.entities,
      bytes: found.body.length + key.length,
      since: found.since,
    };
    const taken = isStale ? expiredAt(cached, now) : cached;
    if (this.#keep(key, taken)) this.#writer.soon(key, taken);
  }

  #takeIn(key: string, stored: Partial<Cached> | null, now: number): boolean {
    if (!isCached(stored) || stored.staleUntil <= now) return false;
    const worth = this.#worth(this.#loadingSince, key, stored.entities, stored.since);
    if (worth === 'nothing') return false;
    const cached = { since: undefined, ...stored, value: deepFreeze(stored.value) };
    return this.#keep(key, worth === 'stale' ? expiredAt(cached, now) : cached);
  }

  /** False when it is too large to be kept; what was there before is gone then, too. */
  #keep(key: string, cached: Cached): boolean {
    const before = this.#values.peek(key)?.entities ?? none;
    const kept = cached.bytes <= this.#around.maxBytes;
    this.#values.set(key, cached);
    this.#byEntity.move(key, before, kept ? cached.entities : none);
    const mark = this.#around.exchange.markOf(key);
    if (mark !== undefined && kept) this.#byMark.set(mark, key);
    if (!kept) this.#writer.delete(key);
    return kept;
  }

  #forget(key: string, cached: Cached, reason: string): void {
    if (reason === 'set') return;
    this.#byEntity.move(key, cached.entities, none);
    const mark = this.#around.exchange.markOf(key);
    if (mark !== undefined) this.#byMark.delete(mark);
    if (reason === 'evict') this.#around.events.emit('cacheEvicted', { reason: 'space' });
    this.#writer.delete(key);
  }
}

/** No entity has such a name. */
function markedName(mark: string): string {
  return `\u0000${mark}`;
}

/** Whether the read of an answer began after something had happened elsewhere. */
function knows(cached: Cached | undefined, at: Moment | undefined): boolean {
  return isKnownTo(cached?.since, at);
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
