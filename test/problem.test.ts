/** What a problem says of the trace that it is in. */

import { FallbackError } from '@graphiti-fallback/core';
import { problemOf } from '@graphiti-fallback/http';
import { context, INVALID_SPAN_CONTEXT, type SpanContext, trace } from '@opentelemetry/api';
import { expect, test } from 'vitest';
import { startSdk } from './trace-sdk.ts';

function problemWithin(span: SpanContext) {
  startSdk();
  const error = new FallbackError('FALLBACK_UNAVAILABLE', 'nothing to serve');
  return context.with(trace.setSpan(context.active(), trace.wrapSpanContext(span)), () =>
    problemOf(error),
  );
}

test('a problem has the id of the trace that it is in', () => {
  const traceId = '0af7651916cd43dd8448eb211c80319c';
  const problem = problemWithin({ traceId, spanId: 'b7ad6b7169203331', traceFlags: 1 });
  expect(problem).toMatchObject({ code: 'FALLBACK_UNAVAILABLE', status: 503, traceId });
});

test('where nobody takes traces it has none, not one of zeros', () => {
  expect(problemWithin(INVALID_SPAN_CONTEXT)).not.toHaveProperty('traceId');
});
