/** What the kit tells a wrapped function of the call that it serves, beside its own arguments. */

import { AsyncLocalStorage } from 'node:async_hooks';
import type { CallContext, ReadContext, WriteContext } from '../operation.ts';

const calls = new AsyncLocalStorage<CallContext>();

/** A call as a wrapped function may ask for it: a write's has its idempotency key, a read's its headers. */
export type CurrentCall = CallContext & Partial<ReadContext> & Partial<WriteContext>;

/**
 * Within a function or method that `withFallback` wraps: the signal that aborts at the deadline, and for
 * a write its idempotency key. Anywhere else nothing.
 */
export function currentCall(): CurrentCall | undefined {
  return calls.getStore();
}

/** Runs something as the work of a call. */
export function asCurrentCall<T>(context: CallContext, work: () => T): T {
  return calls.run(context, work);
}
