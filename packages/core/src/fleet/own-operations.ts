/** What this instance put into the shared queue and has not heard the end of: what its own reads must know. */

import { LRUCache } from 'lru-cache';
import { type Entity, entityKey } from '../entity.ts';
import type { OperationRecord } from '../queue/operation-record.ts';

/** So many are remembered; of more, the oldest are forgotten. */
const most = 10_000;

interface Own {
  readonly record: OperationRecord;
  /** Aborted when it must not be sent any more: somebody is about to take it out. */
  readonly withdrawn: AbortSignal | undefined;
}

/** Own operations by id and by entity, oldest first. */
export class OwnOperations {
  readonly #byEntity = new Map<string, Set<string>>();
  readonly #all = new LRUCache<string, Own>({
    max: most,
    dispose: ({ record }, id) => this.#unlink(record, id),
    noDisposeOnSet: true,
  });

  get size(): number {
    return this.#all.size;
  }

  add(record: OperationRecord, withdrawn?: AbortSignal): void {
    this.#all.set(record.id, { record, withdrawn });
    if (!record.entity) return;
    const key = entityKey(record.entity);
    this.#byEntity.set(key, (this.#byEntity.get(key) ?? new Set()).add(record.id));
  }

  get(id: string): OperationRecord | undefined {
    return this.#all.peek(id)?.record;
  }

  isWithdrawn(id: string): boolean {
    return this.#all.peek(id)?.withdrawn?.aborted ?? false;
  }

  delete(id: string): void {
    this.#all.delete(id);
  }

  pending(entity: Entity): readonly OperationRecord[] {
    const ids = this.#byEntity.get(entityKey(entity));
    return ids ? [...ids].flatMap((id) => this.get(id) ?? []) : [];
  }

  records(): readonly OperationRecord[] {
    return [...this.#all.rkeys()].flatMap((id) => this.get(id) ?? []);
  }

  /** The next ones to be looked for, in turns. */
  *next(count: number): Generator<string> {
    const ids = [...this.#all.rkeys()].slice(0, count);
    // Asked again they come last.
    for (const id of ids) this.#all.get(id);
    yield* ids;
  }

  #unlink({ entity }: OperationRecord, id: string): void {
    if (!entity) return;
    const key = entityKey(entity);
    const ids = this.#byEntity.get(key);
    ids?.delete(id);
    if (ids?.size === 0) this.#byEntity.delete(key);
  }
}
