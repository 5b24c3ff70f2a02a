/** Headers of one call: passed on to the upstream, part of what makes two reads the same. */

import { createHash } from 'node:crypto';
import { FallbackError } from './errors.ts';

/** Headers by name, whatever its case, or as pairs; what is `undefined` counts as not given. */
export type CallHeaders =
  | Headers
  | Iterable<readonly [string, string | undefined]>
  | Readonly<Record<string, string | undefined>>;

/** Headers as an operation's `run` gets them: names in lower case, in alphabetical order. */
export type SentHeaders = Readonly<Record<string, string>>;

/** What a call without headers has: told by identity. */
export const noHeaders: SentHeaders = Object.freeze({});

/**
 * Headers in the one form that equal ones have.
 *
 * @throws {FallbackError} `FALLBACK_INVALID_INPUT` for what is no header; no value is repeated in it
 */
export function sentHeaders(operation: string, given: CallHeaders | undefined): SentHeaders {
  if (given === undefined) return noHeaders;
  const headers = platformHeaders(given);
  if (headers) return Object.freeze(Object.fromEntries(headers));
  throw new FallbackError(
    'FALLBACK_INVALID_INPUT',
    `Expected \`headers\` of '${operation}' to be texts by header name`,
  );
}

/** Stands for headers where they must not be stored: equal for equal ones only, and empty for none. */
export function hashOfHeaders(headers: SentHeaders): string {
  if (headers === noHeaders) return '';
  const entries = Object.entries(headers);
  if (entries.length === 0) return '';
  return createHash('sha256').update(JSON.stringify(entries)).digest('base64url');
}

/** The platform checks and orders them; its errors repeat the value, which may be a credential. */
function platformHeaders(given: CallHeaders): Headers | undefined {
  if (given instanceof Headers) return given;
  if (typeof given !== 'object' || given === null) return undefined;
  try {
    // A Map, or the `Headers` of another library, has no members of its own.
    const pairs: Iterable<readonly unknown[]> =
      Symbol.iterator in given ? (given as Headers) : Object.entries(given);
    const entries = [...pairs].filter(([, value]) => value !== undefined);
    if (entries.some(([, value]) => typeof value !== 'string')) return undefined;
    return new Headers(entries as [string, string][]);
  } catch {
    return undefined;
  }
}
