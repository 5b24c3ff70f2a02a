/** Errors as problem details (RFC 9457). */

import type { ServerResponse } from 'node:http';
import { isFallbackError } from '@graphiti-fallback/core';
import { isSpanContextValid, trace } from '@opentelemetry/api';
import { sendJson } from './own-answer.ts';

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
  FALLBACK_UNKNOWN_OPERATION: 'The operation is not known',
  FALLBACK_UNKNOWN_BREAKER: 'The breaker is not known',
  FALLBACK_FORBIDDEN: 'This is for operators',
  FALLBACK_NOT_POSSIBLE: 'This does not fit how it is now',
  FALLBACK_NO_PAGE: 'The page is not there',
  FALLBACK_TOO_MANY_STREAMS: 'Too many streams are open',
};

/** What describes an answer that an app gave up for the error's. */
const describesAnother = [
  'Content-Encoding',
  'Content-Language',
  'Content-Range',
  'ETag',
  'Last-Modified',
];

/** The problem that an error of the kit stands for; nothing for other errors. */
export function problemOf(error: unknown): Problem | undefined {
  if (!isFallbackError(error)) return undefined;
  return problem(error.status, error.code, error.message);
}

/** Answers with the problem that an error stands for; false when it is not the kit's, or too late. */
export function answerProblem(error: unknown, response: ServerResponse): boolean {
  if (!isFallbackError(error) || response.headersSent) return false;
  for (const name of describesAnother) response.removeHeader(name);
  for (const [name, value] of Object.entries(error.headers)) response.setHeader(name, value);
  sendProblem(response, error.status, error.code, error.message);
  return true;
}

/** Sends a problem. */
export function sendProblem(
  response: ServerResponse,
  status: number,
  code: string,
  detail: string,
): void {
  if (response.headersSent) return;
  sendJson(response, status, problem(status, code, detail), 'application/problem+json');
}

function problem(status: number, code: string, detail: string): Problem {
  // Where nobody takes traces there may be a span with an id of zeros.
  const span = trace.getActiveSpan()?.spanContext();
  const traceId = span && isSpanContextValid(span) ? span.traceId : undefined;
  return {
    type: `urn:graphiti-fallback:${code.replace('FALLBACK_', '').toLowerCase().replaceAll('_', '-')}`,
    title: titles[code] ?? 'The request could not be served',
    status,
    detail,
    code,
    ...(traceId && { traceId }),
  };
}
