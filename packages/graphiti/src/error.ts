/** What Graphiti answered instead of what was asked for. */

import { classify } from '@graphiti-fallback/core';

/** What an error holds besides its message. */
export interface GraphitiErrorOptions {
  readonly status: number;
  readonly upstreamStatus?: number | undefined;
  readonly detail?: unknown;
  /** As Graphiti sent it: seconds or a date. */
  readonly retryAfter?: string | undefined;
  readonly cause?: unknown;
}

/**
 * Graphiti refused a call, or answered what is no answer. Express 5 and Koa answer with its `status`
 * and `headers` by themselves. The message never holds a payload or a credential; `detail` may.
 */
export class GraphitiError extends Error {
  override readonly name = 'GraphitiError';
  /**
   * HTTP status for an app to answer its own client with: Graphiti's own where the caller is at
   * fault, 502 where the app's credentials were refused or the answer was none.
   */
  readonly status: number;
  /** HTTP status that Graphiti answered with, if it answered. */
  readonly upstreamStatus: number | undefined;
  /** What Graphiti said is wrong: of a 422 a list with `type`, `loc`, `msg` and `input`, of a 404 a text. */
  readonly detail: unknown;
  /** `Retry-After`, where Graphiti gave one, and nothing else. */
  readonly headers: Readonly<Record<string, string>>;
  /** When to try again, in ms, where Graphiti said so. */
  readonly retryAfterMs: number | undefined;

  constructor(message: string, options: GraphitiErrorOptions) {
    const { status, upstreamStatus, detail, retryAfter } = options;
    super(message, 'cause' in options ? { cause: options.cause } : undefined);
    this.status = status;
    this.upstreamStatus = upstreamStatus;
    this.detail = detail;
    this.headers = retryAfter === undefined ? {} : { 'Retry-After': retryAfter };
    this.retryAfterMs = classify({ status, headers: this.headers }).retryAfterMs;
  }
}

/** Whether an error is Graphiti's answer. Works across two installed copies. */
export function isGraphitiError(error: unknown): error is GraphitiError {
  return error instanceof Error && error.name === 'GraphitiError' && 'upstreamStatus' in error;
}

/**
 * Gives a call's errors the status that an app may answer with. Inside core an error has Graphiti's
 * own status, since core reads its meaning from it; passed on, a 401 would tell the app's client that
 * its login is wrong, where the app's is.
 */
export function answerable<Args extends readonly unknown[], Value>(
  call: (...args: Args) => Promise<Value>,
): (...args: Args) => Promise<Value> {
  return async (...args) => {
    try {
      return await call(...args);
    } catch (error) {
      if (!isGraphitiError(error) || classify(error).label !== 'unauthorized') throw error;
      const { message, upstreamStatus, detail } = error;
      throw new GraphitiError(message, { status: 502, upstreamStatus, detail, cause: error });
    }
  };
}
