import { FallbackManager } from '@graphiti-fallback/core';
import * as api from '@opentelemetry/api';
import * as metrics from '@opentelemetry/sdk-metrics';
import * as tracing from '@opentelemetry/sdk-trace';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';

beforeEach(() => {
  vi.spyOn(process, 'emitWarning').mockImplementation(() => {});
});

afterEach(() => {
  api.trace.disable();
  api.metrics.disable();
  vi.restoreAllMocks();
});

const broken = () => {
  throw new Error('the SDK is broken');
};

/** Everything that telemetry is told of: live, stale, queued, replayed. */
async function everythingWorks(): Promise<void> {
  const upstream = { down: false, applied: 0 };
  const warnings: string[] = [];
  const manager = new FallbackManager({
    name: 'items',
    application: 'telemetry-faults-test',
    logger: { info() {}, warn: (message) => warnings.push(message) },
    recoveryRamp: 0,
    retry: { retries: 0 },
    breaker: { failureThreshold: 2, successThreshold: 1, openFor: 30 },
  });
  const answer = async () => {
    if (upstream.down) throw Object.assign(new Error('down'), { status: 503 });
    upstream.applied += 1;
    return 'answer';
  };
  const read = manager.read('read', { run: (_key: string) => answer() });
  const write = manager.write('write', { run: (_input: string) => answer(), idempotent: true });
  expect(await read.detailed('k')).toMatchObject({ outcome: 'live', value: 'answer' });
  expect(await write('one')).toMatchObject({ outcome: 'applied' });
  upstream.down = true;
  expect(await read.detailed('k')).toMatchObject({ outcome: 'stale', value: 'answer' });
  expect(await read.detailed('k')).toMatchObject({ outcome: 'stale' });
  expect(await write('two')).toMatchObject({ outcome: 'queued' });
  upstream.down = false;
  await expect.poll(() => manager.status().queue.replayed, { timeout: 5_000 }).toBe(1);
  await expect.poll(() => manager.active).toBe(false);
  expect(upstream.applied).toBe(3);
  await manager.close();
  expect(warnings.filter((text) => text.includes('SDK threw')).length).toBeLessThanOrEqual(1);
}

test('a tracer that throws costs no call', async () => {
  const provider = { getTracer: () => ({ startSpan: broken, startActiveSpan: broken }) };
  api.trace.setGlobalTracerProvider(provider);
  await everythingWorks();
});

test('a span processor that throws costs no call, and no acknowledged write', async () => {
  const forceFlush = async () => {};
  const processor = { onStart() {}, onEnd: broken, forceFlush, shutdown: forceFlush };
  api.trace.setGlobalTracerProvider(new tracing.TracerProvider({ spanProcessors: [processor] }));
  await everythingWorks();
});

test('a meter that throws costs no call', async () => {
  const provider = { getMeter: broken };
  api.metrics.setGlobalMeterProvider(provider);
  await everythingWorks();
});

test('a histogram that throws costs no call', async () => {
  const meter = new metrics.MeterProvider().getMeter('any');
  const histogram = { record: broken };
  const getMeter = () => Object.assign(Object.create(meter), { createHistogram: () => histogram });
  api.metrics.setGlobalMeterProvider({ getMeter });
  await everythingWorks();
});

test('an exporter that is down or hangs costs no call', async () => {
  const exporter = { export: () => {}, shutdown: async () => {} };
  const down: tracing.SpanExporter = {
    export: (_spans, done) => done({ code: 1, error: new Error('down') }),
    shutdown: async () => {},
  };
  const settings = { scheduledDelayMillis: 5, exportTimeoutMillis: 20 };
  api.trace.setGlobalTracerProvider(
    new tracing.TracerProvider({
      spanProcessors: [exporter, down].map(
        (each) => new tracing.BatchSpanProcessor({ exporter: each, ...settings }),
      ),
    }),
  );
  await everythingWorks();
});

test('a listener that throws costs no call', async () => {
  const manager = new FallbackManager({ name: 'listened', application: 'test', logger: false });
  manager.on('operation', broken);
  manager.on('operation', async () => broken());
  const read = manager.read('read', { run: async () => 'answer' });
  expect(await read()).toBe('answer');
  await manager.close();
});
