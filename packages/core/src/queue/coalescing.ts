/** Two queued writes of one entity that are as good as one. */

import type { Json } from '../json.ts';
import type { NewOperation, OperationRecord } from './operation-record.ts';

/** How a write changes its entity, and how its input joins that of an earlier one. */
export interface Coalescing {
  readonly effect: 'create' | 'update' | 'delete';
  readonly merge: ((earlier: Json, later: Json) => Json) | undefined;
}

/** What two writes come to: one, or none at all. */
export type Coalesced =
  | { readonly kind: 'one'; readonly operation: NewOperation }
  | { readonly kind: 'none' };

/**
 * What an earlier write, which was never claimed, and a later one of the same entity come to: a create
 * and an update are a create, two updates the last, a create and a delete nothing. All other pairs stay.
 */
export function coalesce(
  earlier: OperationRecord & { readonly coalescing: Coalescing },
  later: NewOperation & { readonly coalescing: Coalescing },
): Coalesced | undefined {
  const { effect, merge = merged } = later.coalescing;
  const pair = `${earlier.coalescing.effect}+${effect}`;
  if (pair === 'create+delete') return { kind: 'none' };
  if (pair === 'create+update') {
    const { operation, createdAt, coalescing } = earlier;
    const input = merge(earlier.input, later.input);
    return { kind: 'one', operation: { ...later, operation, createdAt, coalescing, input } };
  }
  if (pair !== 'update+update' || earlier.operation !== later.operation) return undefined;
  const input = later.coalescing.merge?.(earlier.input, later.input) ?? later.input;
  return { kind: 'one', operation: { ...later, input } };
}

/** Members of the later one win. */
function merged(earlier: Json, later: Json): Json {
  const objects = [earlier, later].every(
    (input) => typeof input === 'object' && input !== null && !Array.isArray(input),
  );
  return objects ? { ...(earlier as object), ...(later as object) } : later;
}
