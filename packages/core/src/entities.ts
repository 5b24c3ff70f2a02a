/** Entities and relationships that are kept here, whether the upstream knows them or not. */

import type { Clock } from './clock.ts';
import { type Entity, entityKey, isEntity, type LocalEntity, type Relationship } from './entity.ts';
import type { Emitter, FallbackEvents } from './events.ts';
import type { Change, Durability, Journal } from './journal.ts';
import { deepFreeze, type Json } from './json.ts';
import { KeyIndex } from './key-index.ts';
import { PinningLru } from './pinning-lru.ts';

/** How many local entities and relationships are kept; those whose write is not replayed yet always are. */
export interface EntityOptions {
  /** Entities and relationships. @default 10,000 */
  readonly maxEntries?: number;
  /** Bytes of their JSON. @default 67,108,864 (64 MiB) */
  readonly maxBytes?: number;
}

/** How something is kept: with the process, in the store within a second, or in the store first. */
export type Keeping = 'memory' | 'lazily' | 'durably';

/** Something that is kept. */
export interface Kept<Value = LocalEntity | Relationship> {
  readonly value: Value;
  /** Wall-clock ms. */
  readonly storedAt: number;
  /** The queued write that takes it to the upstream, where there is one. */
  readonly operation?: string;
}

interface Shelved extends Kept {
  readonly bytes: number;
  /** Whether the store has it, or will. */
  readonly lasting: boolean;
}

interface Surroundings extends Required<EntityOptions> {
  readonly journal: Journal;
  readonly clock: Clock;
  readonly events: Emitter<FallbackEvents>;
  /** Whether an operation is still in the queue. */
  readonly isQueued: (operation: string) => boolean;
}

/** Local entities and relationships, the least recently used ones first out. */
export class LocalEntities {
  readonly #around: Surroundings;
  readonly #shelf: PinningLru<Shelved>;
  readonly #index = new KeyIndex();

  constructor(around: Surroundings) {
    this.#around = around;
    this.#shelf = new PinningLru({
      ...around,
      isPinned: (kept) => this.#isPending(kept),
      onEvicted: (key, kept) => this.#evict(key, kept),
    });
  }

  get status(): { readonly entries: number; readonly bytes: number } {
    return { entries: this.#shelf.size, bytes: this.#shelf.bytes };
  }

  /** Takes in what an earlier process kept; the queue's operations must be known by then. */
  load(): void {
    for (const [key, stored] of this.#around.journal.entries('entities')) {
      // What another version left, or another hand, is kept and not touched.
      if (!isKept(key, stored) || this.#shelf.peek(key)) continue;
      const kept: Kept = deepFreeze(stored);
      this.#put(key, { ...kept, bytes: bytesOf(kept.value), lasting: true });
    }
  }

  entity(entity: Entity): Kept<LocalEntity> | undefined {
    return this.#shelf.get(keyOfEntity(entity)) as Kept<LocalEntity> | undefined;
  }

  /** The entities of a type, in the order in which they were first stored. */
  ofType(type: string): readonly LocalEntity[] {
    return this.#values(`type ${type}`) as LocalEntity[];
  }

  /** The relationships that begin or end at an entity, in the order in which they were first stored. */
  relationshipsOf(entity: Entity): readonly Relationship[] {
    return this.#values(`of ${entityKey(entity)}`) as Relationship[];
  }

  /**
   * Keeps an entity in the place of the one before.
   *
   * @throws what the store threw, when it is kept durably; then what was there before stays
   */
  keepEntity(entity: LocalEntity, keeping: Keeping, operation?: string): Promise<Durability> {
    return this.#keep(keyOfEntity(entity), entity, keeping, operation);
  }

  /** Keeps a relationship in the place of the one of its type between the two. @throws as keepEntity */
  keepRelationship(relationship: Relationship, keeping: Keeping): Promise<Durability> {
    return this.#keep(keyOfRelationship(relationship), relationship, keeping);
  }

  /** Forgets an entity with its relationships. @throws as keepEntity */
  removeEntity(entity: Entity, keeping: Keeping): Promise<Durability> {
    const relationships = this.relationshipsOf(entity).map(keyOfRelationship);
    return this.#remove([keyOfEntity(entity), ...relationships], keeping);
  }

  /** Forgets a relationship. @throws as keepEntity */
  removeRelationship(relationship: Relationship, keeping: Keeping): Promise<Durability> {
    return this.#remove([keyOfRelationship(relationship)], keeping);
  }

  /** The upstream has it no more: nor has this, unless a write that waits brings it back. */
  gone(entity: Entity): void {
    const kept = this.#shelf.peek(keyOfEntity(entity));
    if (kept && !this.#isPending(kept)) void this.removeEntity(entity, 'lazily');
  }

  #values(name: string): readonly (LocalEntity | Relationship)[] {
    return this.#index.of(name).flatMap((key) => this.#shelf.get(key)?.value ?? []);
  }

  #isPending({ operation }: Kept): boolean {
    return operation !== undefined && this.#around.isQueued(operation);
  }

  #keep(
    key: string,
    value: LocalEntity | Relationship,
    keeping: Keeping,
    operation?: string,
  ): Promise<Durability> {
    const before = this.#shelf.peek(key);
    const stored = {
      value,
      storedAt: this.#around.clock.now(),
      ...(operation !== undefined && { operation }),
    };
    const lasting = keeping !== 'memory' || before?.lasting === true;
    const kept: Shelved = { ...stored, bytes: bytesOf(value), lasting };
    this.#put(key, kept);
    return this.#commit([{ bucket: 'entities', key, put: stored as Json }], keeping, () => {
      if (this.#shelf.peek(key) !== kept) return;
      if (before) this.#put(key, before);
      else this.#take(key, kept);
    });
  }

  #remove(keys: readonly string[], keeping: Keeping): Promise<Durability> {
    const removed = keys.flatMap((key) => {
      const kept = this.#shelf.peek(key);
      return kept ? [{ key, kept }] : [];
    });
    for (const { key, kept } of removed) this.#take(key, kept);
    const stored = removed.filter(({ kept }) => kept.lasting);
    if (stored.length === 0) return Promise.resolve('memory');
    // What is on disk must not come back with the next start, whatever the mode is now.
    const how = keeping === 'memory' ? 'lazily' : keeping;
    return this.#commit(stored.map(deletion), how, () => {
      for (const { key, kept } of removed) if (!this.#shelf.peek(key)) this.#put(key, kept);
    });
  }

  #put(key: string, kept: Shelved): void {
    for (const name of namesOf(key, kept)) this.#index.add(name, key);
    this.#shelf.set(key, kept);
  }

  #take(key: string, kept: Shelved): void {
    this.#shelf.delete(key);
    for (const name of namesOf(key, kept)) this.#index.remove(name, key);
  }

  #evict(key: string, kept: Shelved): void {
    for (const name of namesOf(key, kept)) this.#index.remove(name, key);
    this.#around.events.emit('entityEvicted', {});
    if (kept.lasting) void this.#commit([deletion({ key })], 'lazily');
  }

  async #commit(
    changes: readonly Change[],
    keeping: Keeping,
    undo: () => void = () => {},
  ): Promise<Durability> {
    if (keeping === 'memory') return 'memory';
    const { journal, events } = this.#around;
    const failed = (error: unknown) =>
      events.emit('storeFailed', { store: journal.kind, verb: 'entities', error });
    if (keeping === 'lazily') {
      journal.commit(changes, { lazy: true }).catch(failed);
      return 'memory';
    }
    try {
      return await journal.commit(changes);
    } catch (error) {
      undo();
      failed(error);
      throw error;
    }
  }
}

function deletion({ key }: { readonly key: string }): Change {
  return { bucket: 'entities', key, delete: true };
}

function keyOfEntity(entity: Entity): string {
  return `entity:${entityKey(entity)}`;
}

function keyOfRelationship({ type, from, to }: Relationship): string {
  return `relationship:${JSON.stringify([type, from.type, from.id, to.type, to.id])}`;
}

/** What it is found by. */
function namesOf(key: string, { value }: Kept): readonly string[] {
  if (key.startsWith('entity:')) return [`type ${value.type}`];
  const { from, to } = value as Relationship;
  return [from, to].map((entity) => `of ${entityKey(entity)}`);
}

function bytesOf(value: unknown): number {
  return Buffer.byteLength(JSON.stringify(value));
}

function isKept(key: string, stored: unknown): stored is Kept {
  if (typeof stored !== 'object' || stored === null) return false;
  const { value, storedAt } = stored as Partial<Kept>;
  if (typeof value !== 'object' || value === null || typeof storedAt !== 'number') return false;
  if (isEntity(value) && keyOfEntity(value) === key) return true;
  const relates = typeof value.type === 'string' && isEntity(value.from) && isEntity(value.to);
  return relates && keyOfRelationship(value as Relationship) === key;
}
