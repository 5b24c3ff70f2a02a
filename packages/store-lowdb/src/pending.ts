/** What in a queue is still to be applied. */

import type { Json } from '@graphiti-fallback/core';

/** Whether a record of the queue is a dead letter. */
export function isDead(value: Json): boolean {
  return typeof value === 'object' && value !== null && 'dead' in value;
}

/** Whether a record of the queue waits to be replayed. */
export function isPending(value: Json): boolean {
  return !isDead(value);
}
