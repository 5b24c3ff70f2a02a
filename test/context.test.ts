/** Each call runs in its own caller's async context, wherever it had to wait. */

import { AsyncLocalStorage } from 'node:async_hooks';
import { FallbackManager } from '@graphiti-fallback/core';
import { trace } from '@opentelemetry/api';
import { NodeSDK } from '@opentelemetry/sdk-node';
import * as tracing from '@opentelemetry/sdk-trace';
import { afterAll, expect, test } from 'vitest';

const exporter = new tracing.InMemorySpanExporter();
const sdk = new NodeSDK({
  spanProcessors: [new tracing.SimpleSpanProcessor({ exporter })],
  metricReaders: [],
  logRecordProcessors: [],
  instrumentations: [],
  autoDetectResources: false,
});
sdk.start();
afterAll(() => sdk.shutdown());

test('a call that waited for a slot, a retry or a guarded function belongs to its own request and trace', async () => {
  await using manager = new FallbackManager({
    name: 'contexts',
    application: 'test',
    logger: false,
    bulkhead: { limit: 1, queue: 100 },
    retry: { retries: 1, initialDelay: 1, maxDelay: 1 },
    breaker: { failureThreshold: 100 },
  });
  const request = new AsyncLocalStorage<number>();
  const tried = new Set<number>();
  const here = () => [request.getStore(), trace.getActiveSpan()?.spanContext().traceId];
  const read = manager.read('where', {
    run: async (number: number) => {
      if (number % 3 === 0 && !tried.has(number)) {
        tried.add(number);
        throw Object.assign(new Error('once'), { status: 503 });
      }
      await new Promise((resolve) => setTimeout(resolve, 1));
      return manager.breaker('inside').execute(async () => here());
    },
  });
  const tracer = trace.getTracer('test');
  const calls = Array.from({ length: 12 }, (_, number) =>
    request.run(number, () =>
      tracer.startActiveSpan(`request ${number}`, async (span) => {
        const mine = [number, span.spanContext().traceId];
        const seen = await read(number);
        span.end();
        return { mine, seen, after: here() };
      }),
    ),
  );
  for (const { mine, seen, after } of await Promise.all(calls)) {
    expect(seen).toEqual(mine);
    expect(after).toEqual(mine);
  }
  expect(tried.size).toBe(4);
  const requests = exporter.getFinishedSpans().filter(({ name }) => name === 'where');
  expect(new Set(requests.map((span) => span.spanContext().traceId)).size).toBe(12);
});

test('what a call leads to when its time is over belongs to its own trace', async () => {
  await using manager = new FallbackManager({
    name: 'timeouts',
    application: 'test',
    logger: false,
    timeouts: { read: 20 },
    retry: { retries: 0 },
    breaker: { failureThreshold: 2 },
  });
  const read = manager.read('hang', { run: (_number: number) => new Promise<never>(() => {}) });
  const listening: (string | undefined)[] = [];
  manager.on('stateChange', () => {
    listening.push(trace.getActiveSpan()?.spanContext().traceId);
  });
  const tracer = trace.getTracer('test');
  const requests = [1, 2].map((number) =>
    tracer.startActiveSpan(`request ${number}`, async (span) => {
      await read(number).catch(() => {});
      span.end();
      return span.spanContext().traceId;
    }),
  );
  const [, last] = await Promise.all(requests);
  expect(listening).toEqual([last]);
  const opened = exporter
    .getFinishedSpans()
    .find(({ name }) => name === 'breaker_transition timeouts');
  expect(opened?.spanContext().traceId).toBe(last);
});
