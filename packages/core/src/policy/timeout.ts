/** Deadlines that callers give. */

import { FallbackError } from '../errors.ts';

/** @throws {FallbackError} `FALLBACK_INVALID_INPUT` when a call's `timeoutMs` is no time above 0 */
export function checkTimeout(operation: string, timeoutMs: number): void {
  if (Number.isFinite(timeoutMs) && timeoutMs > 0) return;
  throw new FallbackError(
    'FALLBACK_INVALID_INPUT',
    `Expected \`timeoutMs\` of '${operation}' to be above 0 milliseconds, got ${timeoutMs}`,
  );
}
