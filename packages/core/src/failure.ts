/** What an upstream failure means: whose fault it is, and whether the call may have been applied. */

import { type FallbackError, isFallbackError, TimeoutError } from './errors.ts';
import { type FallbackReason, isFallbackReason } from './outcome.ts';

/** Names for the kinds of failure; each stands for a fault and whether the call may have been applied. */
export type FailureLabel = 'unavailable' | 'throttled' | 'unknown' | 'unauthorized' | 'rejected';

/** Two facts about a failure, and when to try again where the upstream said so. */
export interface Failure {
  readonly label: FailureLabel;
  readonly fault: 'upstream' | 'limit' | 'credentials' | 'caller';
  readonly applied: 'no' | 'maybe';
  /** Short code for telemetry and status: an HTTP status, a system error code, `timeout`. */
  readonly code: string;
  readonly status?: number;
  readonly retryAfterMs?: number;
  /** Refused here, before the upstream was asked: says nothing about it. */
  readonly local?: true;
}

/** A breaker that lets no call through, by its state. */
export type Refusal = 'open' | 'half_open' | 'isolated';

/** The call was refused here, for a reason that is a code; it never reached the upstream. */
export class RefusedHere extends Error {
  override readonly name = 'RefusedHere';
  readonly code: 'bulkhead_full' | Refusal;

  constructor(code: RefusedHere['code'], options?: ErrorOptions) {
    super(`The call was not sent: ${code}`, options);
    this.code = code;
  }
}

const facts = {
  unavailable: { fault: 'upstream', applied: 'no' },
  throttled: { fault: 'limit', applied: 'no' },
  unknown: { fault: 'upstream', applied: 'maybe' },
  unauthorized: { fault: 'credentials', applied: 'no' },
  rejected: { fault: 'caller', applied: 'no' },
} as const satisfies Record<FailureLabel, Pick<Failure, 'fault' | 'applied'>>;

/** System error codes of calls that certainly never reached the upstream's program. */
const neverSent = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENETDOWN',
  'EADDRNOTAVAIL',
  'UND_ERR_CONNECT_TIMEOUT',
  'CERT_HAS_EXPIRED',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'ERR_TLS_CERT_ALTNAME_INVALID',
  'ERR_SSL_WRONG_VERSION_NUMBER',
]);

/** Codes are shown in telemetry and status: no room for a text or an address. */
const codeShape = /^[A-Za-z0-9_.-]{1,64}$/;

/**
 * A failure as the app reads it; what it gives for a code may be anything, and others' text is not shown.
 *
 * @throws {TypeError} when its label is none
 */
export function withCode(failure: Failure): Failure {
  if (!Object.hasOwn(facts, failure.label))
    throw new TypeError(`Expected a label of ${Object.keys(facts).join(', ')}`);
  return codeShape.test(failure.code) ? failure : { ...failure, code: 'error' };
}

/** Makes a failure of a label. */
export function failure(label: FailureLabel, code: string, retryAfterMs?: number): Failure {
  return { label, ...facts[label], code, ...(retryAfterMs === undefined ? {} : { retryAfterMs }) };
}

/**
 * Reads what an error means: from `upstreamStatus`, `status`, `statusCode` or the same of its
 * `response`, from the system's
 * error code along the chain of causes, else `unknown`, which never risks a write twice.
 */
export function classify(error: unknown): Failure {
  if (error instanceof RefusedHere) return { ...failure('unavailable', error.code), local: true };
  if (error instanceof TimeoutError) {
    return error.sent
      ? failure('unknown', 'timeout')
      : { ...failure('unavailable', 'timeout'), local: true };
  }
  if (isFallbackError(error)) return ofFallbackError(error);
  const status = statusOf(error);
  if (status !== undefined) return ofStatus(status, retryAfterOf(error));
  const code = systemCodeOf(error);
  if (code) return failure(neverSent.has(code) ? 'unavailable' : 'unknown', code);
  return withCode(failure('unknown', error instanceof Error ? error.name : 'error'));
}

/** Whether a failure says something about the upstream's health: only these count for a breaker. */
export function countsAgainstUpstream({ fault, local }: Failure): boolean {
  return fault === 'upstream' && !local;
}

/** Whether the upstream says that what was asked for is not there. */
export function isGone({ status }: Failure): boolean {
  return status === 404 || status === 410;
}

/** Whether repeating the call cannot apply it twice. */
export function isRepeatable({ fault, applied }: Failure, idempotent: boolean): boolean {
  return (fault === 'upstream' || fault === 'limit') && (idempotent || applied === 'no');
}

/** Why a call that failed this way was not answered live. */
export function fallbackReasonOf({ label, code, local }: Failure): FallbackReason {
  if (local && isFallbackReason(code)) return code;
  return label === 'throttled' || label === 'unknown' ? label : 'unavailable';
}

function ofFallbackError(error: FallbackError): Failure {
  if (error.status === 400) return failure('rejected', error.code);
  // Another manager's upstream may have seen the call.
  if (error.status === 504) return failure('unknown', error.code);
  return failure('unavailable', error.code);
}

function ofStatus(status: number, retryAfterMs: number | undefined): Failure {
  return { ...failure(labelOf(status), String(status), retryAfterMs), status };
}

function labelOf(status: number): FailureLabel {
  if (status === 503) return 'unavailable';
  if (status === 429) return 'throttled';
  if (status === 401 || status === 403) return 'unauthorized';
  if (status === 408 || status >= 500) return 'unknown';
  return status >= 400 ? 'rejected' : 'unknown';
}

function statusOf(error: unknown): number | undefined {
  for (const holder of [error, member(error, 'response')]) {
    for (const name of ['upstreamStatus', 'status', 'statusCode']) {
      const status = member(holder, name);
      if (typeof status === 'number' && status >= 300 && status <= 599) return status;
    }
  }
  return undefined;
}

function retryAfterOf(error: unknown): number | undefined {
  const given = member(error, 'retryAfterMs');
  if (typeof given === 'number' && given >= 0) return given;
  for (const holder of [error, member(error, 'response')]) {
    const text = headerOf(member(holder, 'headers'), 'retry-after')?.trim();
    if (!text) continue;
    const seconds = Number(text);
    const ms = Number.isFinite(seconds) ? seconds * 1000 : Date.parse(text) - Date.now();
    if (Number.isFinite(ms)) return Math.max(0, ms);
  }
  return undefined;
}

function headerOf(headers: unknown, name: string): string | undefined {
  if (headers instanceof Headers) return headers.get(name) ?? undefined;
  for (const key of [name, 'Retry-After']) {
    const value = member(headers, key);
    if (typeof value === 'string' || typeof value === 'number') return String(value);
  }
  return undefined;
}

/** `fetch` hides the socket's error as a cause, Node hides several as an AggregateError's first. */
function systemCodeOf(error: unknown, depth = 0): string | undefined {
  if (depth > 5 || error === undefined || error === null) return undefined;
  const code = member(error, 'code');
  // Others write whatever they like there; it is shown, so it has to be a code.
  if (typeof code === 'string' && /^[A-Z][A-Z0-9_]{1,60}$/.test(code)) return code;
  const errors = member(error, 'errors');
  const inner = Array.isArray(errors) ? errors[0] : undefined;
  return systemCodeOf(inner, depth + 1) ?? systemCodeOf(member(error, 'cause'), depth + 1);
}

function member(holder: unknown, name: string): unknown {
  return typeof holder === 'object' && holder !== null ? Reflect.get(holder, name) : undefined;
}
