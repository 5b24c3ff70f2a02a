/** Deadlines of requests that go past fallback. */

import { FallbackError } from '@graphiti-fallback/core';

/** Timers of the platform wait no longer, in ms. */
const longest = 2 ** 31 - 1;

/**
 * Sends something that has to be answered in time.
 *
 * @throws {FallbackError} `FALLBACK_TIMEOUT` at the deadline; the caller's reason where the caller gave up
 */
export async function withDeadline<T>(
  timeoutMs: number,
  signal: AbortSignal | undefined,
  send: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const deadline = AbortSignal.timeout(Math.min(Math.ceil(timeoutMs), longest));
  try {
    return await send(signal ? AbortSignal.any([signal, deadline]) : deadline);
  } catch (cause) {
    if (signal?.aborted || !deadline.aborted) throw cause;
    throw new FallbackError('FALLBACK_TIMEOUT', `No answer within ${timeoutMs} ms`, { cause });
  }
}
