/** One error class for everything the kit refuses or could not do; tell the cases apart by `code`. */

/** What went wrong, as a stable code. */
export type FallbackCode =
  | 'FALLBACK_INVALID_INPUT'
  | 'FALLBACK_UNAVAILABLE'
  | 'FALLBACK_READ_ONLY'
  | 'FALLBACK_QUEUE_FULL'
  | 'FALLBACK_TIMEOUT'
  | 'FALLBACK_UNKNOWN_OUTCOME'
  | 'FALLBACK_STORE_FAILED';

/** The HTTP status that each code stands for. */
export const fallbackStatus: Readonly<Record<FallbackCode, number>> = {
  /** What was given is wrong; nothing was sent. */
  FALLBACK_INVALID_INPUT: 400,
  /** No upstream, and nothing at hand to answer with. */
  FALLBACK_UNAVAILABLE: 503,
  /** No upstream, and the mode refuses writes meanwhile. */
  FALLBACK_READ_ONLY: 503,
  /** The queue is at its bounds; the write was not kept. */
  FALLBACK_QUEUE_FULL: 503,
  /** The deadline passed. */
  FALLBACK_TIMEOUT: 504,
  /** The upstream may have applied the write or not, and repeating it is not safe. */
  FALLBACK_UNKNOWN_OUTCOME: 504,
  /** The write could be neither sent nor stored. */
  FALLBACK_STORE_FAILED: 507,
};

/** Details that an error may carry besides its code. */
export interface FallbackErrorOptions {
  readonly cause?: unknown;
  /** When to try again, in ms: becomes the `Retry-After` header, in whole seconds. */
  readonly retryAfterMs?: number;
}

/**
 * An error of the kit. Express 5 and Koa answer with its `status` and `headers` by themselves, and
 * may show its message (`expose`): it never holds a payload, a key or a credential.
 */
export class FallbackError extends Error {
  override readonly name = 'FallbackError';
  readonly code: FallbackCode;
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly expose = true;

  constructor(code: FallbackCode, message: string, options: FallbackErrorOptions = {}) {
    super(message, 'cause' in options ? { cause: options.cause } : undefined);
    this.code = code;
    this.status = fallbackStatus[code];
    this.headers =
      options.retryAfterMs === undefined
        ? {}
        : { 'Retry-After': String(Math.max(1, Math.ceil(options.retryAfterMs / 1000))) };
  }
}

/** Whether an error is the kit's, of one code where given. Works across two installed copies. */
export function isFallbackError(error: unknown, code?: FallbackCode): error is FallbackError {
  if (!(error instanceof Error) || error.name !== 'FallbackError' || !('code' in error))
    return false;
  return code === undefined
    ? Object.hasOwn(fallbackStatus, String(error.code))
    : error.code === code;
}

/** The deadline of a call passed. `sent` tells whether the upstream may have seen it. */
export class TimeoutError extends FallbackError {
  readonly ms: number;
  sent = false;

  constructor(ms: number) {
    super('FALLBACK_TIMEOUT', `No answer within ${Math.round(ms)} ms`);
    this.ms = ms;
  }
}
