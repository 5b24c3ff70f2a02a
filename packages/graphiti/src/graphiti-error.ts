/** What Graphiti answered when it did not do what it was asked. */

/** Details of a {@link GraphitiError}. */
export interface GraphitiErrorOptions {
  readonly upstreamStatus: number;
  readonly detail?: unknown;
  readonly retryAfterMs?: number | undefined;
  readonly cause?: unknown;
}

/**
 * An answer of Graphiti that is an error, or that cannot be understood. Express and Koa answer with
 * `status`: Graphiti's own where the request was at fault, else 502, since the app's credentials and
 * Graphiti's crashes are not the doing of the app's client.
 */
export class GraphitiError extends Error {
  override readonly name = 'GraphitiError';
  readonly status: number;
  readonly upstreamStatus: number;
  /** Graphiti's own words: for a 422 the list of what is wrong. For the app, not for telemetry. */
  readonly detail: unknown;
  readonly retryAfterMs: number | undefined;

  constructor(
    message: string,
    { upstreamStatus, detail, retryAfterMs, cause }: GraphitiErrorOptions,
  ) {
    super(message, cause === undefined ? undefined : { cause });
    this.upstreamStatus = upstreamStatus;
    this.status = isCallersFault(upstreamStatus) ? upstreamStatus : 502;
    this.detail = detail;
    this.retryAfterMs = retryAfterMs;
  }
}

/** Whether an error is Graphiti's answer. Works across two installed copies. */
export function isGraphitiError(error: unknown): error is GraphitiError {
  return error instanceof Error && error.name === 'GraphitiError' && 'upstreamStatus' in error;
}

function isCallersFault(status: number): boolean {
  return status >= 400 && status < 500 && ![401, 403, 408, 429].includes(status);
}
