/** What a call may be told besides its input, checked: a slip must not go unnoticed, nor look like the upstream's. */

import { FallbackError } from './errors.ts';
import type { CallOptions, ReadCallOptions } from './operation.ts';

/** What a call has that is told nothing. */
export const noOptions: ReadCallOptions = Object.freeze({});

const ofWrites: Readonly<Record<keyof CallOptions, true>> = { signal: true, timeoutMs: true };
const ofReads: Readonly<Record<keyof ReadCallOptions, true>> = {
  ...ofWrites,
  maxStaleMs: true,
  softTimeout: true,
  headers: true,
};

/** @throws {FallbackError} `FALLBACK_INVALID_INPUT` for what no call of a read may be told */
export function checkReadOptions(operation: string, options: ReadCallOptions): void {
  check(operation, options, ofReads);
}

/** @throws {FallbackError} `FALLBACK_INVALID_INPUT` for what no call of a write may be told */
export function checkWriteOptions(operation: string, options: CallOptions): void {
  if (typeof options === 'object' && options !== null && 'headers' in options)
    throw invalid(
      `Expected no \`headers\` for the write '${operation}': they are not stored, and its replay would lack them; its \`run\` may ask for them`,
    );
  check(operation, options, ofWrites);
}

function check(operation: string, options: object, known: Readonly<Record<string, true>>): void {
  if (options === noOptions) return;
  // As `inputs.map(operation)` would have it: the second argument is an index.
  if (typeof options !== 'object' || options === null)
    throw invalid(`Expected the options of '${operation}' to be an object, got ${String(options)}`);
  for (const name of Object.keys(options))
    if (!Object.hasOwn(known, name))
      throw invalid(
        `Unknown option \`${name}\` of a call of '${operation}'; expected one of: ${Object.keys(known).join(', ')}`,
      );
  const { signal } = options as CallOptions;
  if (signal === undefined || typeof Reflect.get(Object(signal), 'aborted') === 'boolean') return;
  throw invalid(`Expected \`signal\` of '${operation}' to be an AbortSignal`);
}

function invalid(message: string): FallbackError {
  return new FallbackError('FALLBACK_INVALID_INPUT', message);
}
