/** How long a read may take and how old its answer may be: as the call says, else its operation, else the manager. */

import type { Engine } from './engine.ts';
import { FallbackError } from './errors.ts';
import type { ReadCallOptions, ReadSpec } from './operation.ts';
import { checkTimeout } from './policy/timeout.ts';

/** Limits of one read, in ms. */
export interface ReadLimits {
  readonly timeoutMs: number;
  readonly softTimeout: number | false;
  readonly maxStaleMs: number;
}

/** @throws {FallbackError} `FALLBACK_INVALID_INPUT` when a limit that the call gives is no time */
export function readLimits(
  operation: string,
  call: ReadCallOptions,
  spec: Pick<ReadSpec<never, unknown>, 'timeoutMs' | 'softTimeout'>,
  defaults: Engine['defaults'],
): ReadLimits {
  const timeoutMs = call.timeoutMs ?? spec.timeoutMs ?? defaults.readTimeoutMs;
  const softTimeout = call.softTimeout ?? spec.softTimeout ?? defaults.softTimeout;
  const maxStaleMs = call.maxStaleMs ?? Number.POSITIVE_INFINITY;
  checkTimeout(operation, timeoutMs);
  if (softTimeout !== false && !(softTimeout >= 0))
    throw wrong(operation, 'softTimeout', '0 or more milliseconds', softTimeout);
  if (Number.isNaN(maxStaleMs)) throw wrong(operation, 'maxStaleMs', 'milliseconds', maxStaleMs);
  return { timeoutMs, softTimeout, maxStaleMs };
}

function wrong(operation: string, name: string, expected: string, got: number): FallbackError {
  return new FallbackError(
    'FALLBACK_INVALID_INPUT',
    `Expected \`${name}\` of '${operation}' to be ${expected}, got ${got}`,
  );
}
