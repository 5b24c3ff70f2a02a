/** Outside of every request: a timer must not carry the context of the request that set it. */

import { AsyncResource } from 'node:async_hooks';

/** Made when the process starts. */
const outside = new AsyncResource('graphiti-fallback.http');

/** Runs something outside every request's context. */
export function runOutside<T>(call: () => T): T {
  return outside.runInAsyncScope(call);
}
