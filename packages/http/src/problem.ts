/** Errors as problem details (RFC 9457). */

import type { ServerResponse } from 'node:http';
import { isFallbackError } from '@graphiti-fallback/core';
import { trace } from '@opentelemetry/api';

/** The body of an error answer. */
export interface Problem {
  /** `urn:graphiti-fallback:` and a stable name. */
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  readonly code: string;
  readonly traceId?: string;
}

const titles: Readonly<Record<string, string>> = {
  FALLBACK_INVALID_INPUT: 'The input is not valid',
  FALLBACK_UNAVAILABLE: 'The upstream is unavailable',
  FALLBACK_READ_ONLY: 'Writes are refused for now',
  FALLBACK_QUEUE_FULL: 'The queue is full',
  FALLBACK_TIMEOUT: 'The upstream took too long',
  FALLBACK_UNKNOWN_OUTCOME: 'The write may have been applied or not',
  FALLBACK_STORE_FAILED: 'The write could not be stored',
};

/** The problem that an error of the kit stands for; nothing for other errors. */
export function problemOf(error: unknown): Problem | undefined {
  if (!isFallbackError(error)) return undefined;
  const traceId = trace.getActiveSpan()?.spanContext().traceId;
  return {
    type: `urn:graphiti-fallback:${error.code.replace('FALLBACK_', '').toLowerCase().replaceAll('_', '-')}`,
    title: titles[error.code] ?? 'The request could not be served',
    status: error.status,
    detail: error.message,
    code: error.code,
    ...(traceId && { traceId }),
  };
}

/** Answers with the problem that an error stands for; false when it is not the kit's, or too late. */
export function answerProblem(error: unknown, response: ServerResponse): boolean {
  const problem = problemOf(error);
  if (!problem || response.headersSent || !isFallbackError(error)) return false;
  response.statusCode = problem.status;
  for (const [name, value] of Object.entries(error.headers)) response.setHeader(name, value);
  response.setHeader('Content-Type', 'application/problem+json; charset=utf-8');
  response.end(JSON.stringify(problem));
  return true;
}
