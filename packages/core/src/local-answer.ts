/** An answer made of a local entity: what a read falls back on when nothing is cached. */

import type { Engine } from './engine.ts';
import { deepFreeze } from './json.ts';
import type { ReadSpec } from './operation.ts';

/** Such an answer, and how long its entity has been here. */
export interface LocalAnswer<Value> {
  readonly value: Value;
  readonly ageMs: number;
}

/**
 * The answer of the first local entity that gives one, not older than asked. One that a queued write
 * deletes gives none.
 *
 * @throws what the app's own `fromEntity` threw
 */
export function localAnswer<Input, Value>(
  { entities, queue, writes, clock }: Engine,
  { entities: entitiesOf, fromEntity }: ReadSpec<Input, Value>,
  input: Input,
  maxAgeMs: number,
): LocalAnswer<Value> | undefined {
  if (!fromEntity) return undefined;
  for (const entity of entitiesOf?.(input) ?? []) {
    const kept = entities.entity(entity);
    if (!kept) continue;
    const ageMs = Math.max(0, clock.now() - kept.storedAt);
    const last = queue.pending(entity).at(-1);
    if (ageMs > maxAgeMs || (last && writes.get(last.operation)?.effect === 'delete')) continue;
    const value = fromEntity(kept.value, input);
    if (value !== undefined) return { value: deepFreeze(value), ageMs };
  }
  return undefined;
}
