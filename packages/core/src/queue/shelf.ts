/** Writes that stand beside the lanes: those that stay here until somebody syncs, and those that the upstream has taken. */

import { type Entity, entityKey } from '../entity.ts';
import type { Entry } from './lane.ts';

/** Operations that hold no lane, in the order in which they came. */
export class Shelf {
  readonly entries: Map<string, Entry> = new Map();
  readonly #byEntity = new Map<string, Set<Entry>>();
  #bytes = 0;

  get bytes(): number {
    return this.#bytes;
  }

  add(entry: Entry): void {
    const { id, entity } = entry.record;
    this.entries.set(id, entry);
    this.#bytes += entry.bytes;
    if (!entity) return;
    const key = entityKey(entity);
    this.#byEntity.set(key, (this.#byEntity.get(key) ?? new Set()).add(entry));
  }

  remove(entry: Entry): void {
    const { id, entity } = entry.record;
    if (this.entries.get(id) !== entry) return;
    this.entries.delete(id);
    this.#bytes -= entry.bytes;
    if (!entity) return;
    const key = entityKey(entity);
    const entries = this.#byEntity.get(key);
    entries?.delete(entry);
    if (entries?.size === 0) this.#byEntity.delete(key);
  }

  /** Those that change an entity. */
  concerning(entity: Entity): Iterable<Entry> {
    return this.entries.size === 0 ? [] : (this.#byEntity.get(entityKey(entity)) ?? []);
  }
}
