import { execFile } from 'node:child_process';
import { cpSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { FallbackManager } from '@graphiti-fallback/core';
import { context, type HrTime, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api';
import * as metrics from '@opentelemetry/sdk-metrics';
import { NodeSDK } from '@opentelemetry/sdk-node';
import * as tracing from '@opentelemetry/sdk-trace';
import { afterAll, beforeEach, expect, test, vi } from 'vitest';

// The manager is there before the SDK: an instrument made too early would be dead for ever.
const early = managerOf('early');
const exporter = new tracing.InMemorySpanExporter();
const metricExporter = new metrics.InMemoryMetricExporter(
  metrics.AggregationTemporality.CUMULATIVE,
);
const reader = new metrics.PeriodicExportingMetricReader({
  exporter: metricExporter,
  exportIntervalMillis: 3_600_000,
});
const sdk = new NodeSDK({
  spanProcessors: [new tracing.SimpleSpanProcessor({ exporter })],
  metricReaders: [reader],
  logRecordProcessors: [],
  instrumentations: [],
  autoDetectResources: false,
});
sdk.start();

beforeEach(() => exporter.reset());
afterAll(() => sdk.shutdown());

function managerOf(name: string) {
  const upstream = { down: false, value: 0 };
  const manager = new FallbackManager({
    name,
    application: 'telemetry-test',
    logger: false,
    recoveryRamp: 0,
    retry: { retries: 0 },
    breaker: { failureThreshold: 2, successThreshold: 1, openFor: 50 },
  });
  const answer = () => {
    if (!upstream.down) return { value: upstream.value };
    throw Object.assign(new Error('secret upstream text'), { status: 503 });
  };
  const read = manager.read(`${name}.read`, {
    run: async (_key: string) => answer(),
    entities: () => [{ type: 'thing', id: 'secret-id' }],
  });
  const write = manager.write(`${name}.write`, {
    run: async (_input: { payload: string }) => answer(),
    entity: () => ({ type: 'thing', id: 'secret-id' }),
    idempotent: true,
  });
  return { manager, upstream, read, write };
}

async function seriesOf(metric: string): Promise<{ attributes: object; value: unknown }[]> {
  await reader.forceFlush();
  const [latest] = metricExporter.getMetrics().slice(-1);
  const found = latest?.scopeMetrics
    .flatMap((scope) => scope.metrics)
    .find(({ descriptor }) => descriptor.name === metric);
  return found?.dataPoints.map(({ attributes, value }) => ({ attributes, value })) ?? [];
}

const spans = (name: string) => exporter.getFinishedSpans().filter((span) => span.name === name);
const only = (name: string) => {
  const [span, ...more] = spans(name);
  if (!span || more.length > 0)
    throw new Error(`Expected one span '${name}', got ${more.length + (span ? 1 : 0)}`);
  return span;
};
const ms = ([seconds, nanos]: HrTime) => seconds * 1_000 + nanos / 1e6;

test('a manager that was there before the SDK is measured all the same, from 0', async () => {
  await early.read('a');
  const operations = await seriesOf('graphiti_fallback.operations');
  const of = (outcome: string) =>
    operations.find(
      ({ attributes }) =>
        Reflect.get(attributes, 'graphiti_fallback.operation.name') === 'early.read' &&
        Reflect.get(attributes, 'graphiti_fallback.outcome') === outcome,
    )?.value;
  expect(of('live')).toBe(1);
  expect(of('stale')).toBe(0);
  expect(only('early.read').status.code).toBe(SpanStatusCode.UNSET);
  await early.manager.close();
});

test('an outage from request to replay: spans, links, transitions, metrics', async () => {
  const { manager, upstream, read, write } = managerOf('items');
  await read('k');
  upstream.down = true;
  const tracer = trace.getTracer('app');
  const request = tracer.startSpan('POST /things');
  await context.with(trace.setSpan(context.active(), request), async () => {
    expect((await read.detailed('k')).outcome).toBe('stale');
    expect((await read.detailed('k')).outcome).toBe('stale');
    expect(await write({ payload: 'secret-payload' })).toMatchObject({ outcome: 'queued' });
  });
  request.end();
  expect(manager.active).toBe(true);
  upstream.down = false;
  await expect.poll(() => manager.status().queue.replayed, { timeout: 5_000 }).toBe(1);

  const traceId = request.spanContext().traceId;
  const send = only('send items');
  const process = only('process items');
  expect(send.kind).toBe(SpanKind.PRODUCER);
  expect(send.spanContext().traceId).toBe(traceId);
  expect(send.parentSpanContext?.spanId).toBe(only('items.write').spanContext().spanId);
  expect(process.kind).toBe(SpanKind.CONSUMER);
  const drain = spans('drain items').find(
    (span) => span.spanContext().spanId === process.parentSpanContext?.spanId,
  );
  expect(drain?.parentSpanContext).toBeUndefined();
  expect(process.links[0]?.context.spanId).toBe(send.spanContext().spanId);
  expect(process.links[0]?.context.isRemote).toBe(true);
  expect(process.attributes).toMatchObject({
    'graphiti_fallback.queue.origin_trace_id': traceId,
    'messaging.message.id': send.attributes['messaging.message.id'],
    'messaging.operation.type': 'process',
  });

  const [opened] = spans('breaker_transition items');
  expect(opened?.attributes).toMatchObject({
    'graphiti_fallback.breaker.previous_state': 'closed',
    'graphiti_fallback.breaker.state': 'open',
    'graphiti_fallback.breaker.reason': '503',
  });
  expect(opened?.spanContext().traceId).toBe(traceId);
  expect(ms(opened?.duration ?? [0, 0])).toBeGreaterThan(0);
  expect(spans('cache get')[0]?.attributes).toMatchObject({
    'graphiti_fallback.cache.result': 'stale',
  });

  const [stale] = spans('items.read').filter(
    ({ attributes }) => attributes['graphiti_fallback.outcome'] === 'stale',
  );
  expect(stale?.attributes).toMatchObject({
    'graphiti_fallback.fallback.used': true,
    'graphiti_fallback.fallback.reason': 'unavailable',
    'graphiti_fallback.upstream.error.type': '503',
  });
  expect(stale?.status.code).toBe(SpanStatusCode.UNSET);

  const states = await seriesOf('graphiti_fallback.breaker.state');
  const items = states.filter(
    ({ attributes }) => Reflect.get(attributes, 'graphiti_fallback.name') === 'items',
  );
  expect(items.reduce((sum, { value }) => sum + Number(value), 0)).toBe(1);
  expect(items).toHaveLength(4);
  const exported = JSON.stringify([
    exporter
      .getFinishedSpans()
      .map(({ name, attributes, events, status }) => [name, attributes, events, status]),
    metricExporter.getMetrics().map(({ scopeMetrics }) => scopeMetrics),
  ]);
  for (const secret of ['secret-payload', 'secret-id', 'secret upstream text'])
    expect(exported).not.toContain(secret);
  await manager.close();
});

test('what failed for good is an error, what the caller did wrong is not', async () => {
  const { manager, upstream, read } = managerOf('errors');
  upstream.down = true;
  await read('nothing cached').catch(() => {});
  expect(only('errors.read').status.code).toBe(SpanStatusCode.ERROR);
  expect(only('errors.read').attributes['error.type']).toBe('FALLBACK_UNAVAILABLE');
  exporter.reset();
  const rejected = manager.read('errors.rejected', {
    run: async () => {
      throw Object.assign(new Error('no'), { status: 422 });
    },
  });
  await rejected(undefined).catch(() => {});
  expect(only('errors.rejected').status.code).toBe(SpanStatusCode.UNSET);
  await manager.close();
});

test("a closed manager's counters stay, its gauges are 0", async () => {
  const { manager, read } = managerOf('closing');
  await read('a');
  await manager.close();
  const named = async (metric: string) =>
    (await seriesOf(metric)).filter(
      ({ attributes }) => Reflect.get(attributes, 'graphiti_fallback.name') === 'closing',
    );
  expect((await named('graphiti_fallback.info')).map(({ value }) => value)).toEqual([0]);
  expect((await named('graphiti_fallback.breaker.state')).every(({ value }) => value === 0)).toBe(
    true,
  );
  const operations = await named('graphiti_fallback.operations');
  expect(operations.reduce((sum, { value }) => sum + Number(value), 0)).toBe(1);
});

test('two managers of one name are added up, not exported twice', async () => {
  const one = managerOf('twin');
  const two = managerOf('twin');
  await one.read('a');
  await two.read('a');
  const live = (await seriesOf('graphiti_fallback.operations')).filter(
    ({ attributes, value }) =>
      Reflect.get(attributes, 'graphiti_fallback.operation.name') === 'twin.read' &&
      Number(value) > 0,
  );
  expect(live).toEqual([expect.objectContaining({ value: 2 })]);
  await one.manager.close();
  await two.manager.close();
});

test('health and shed reads are measured, from 0', async () => {
  const state = { degraded: false };
  const manager = new FallbackManager({
    name: 'shedding',
    application: 'telemetry-test',
    logger: false,
    random: () => 0,
    health: {
      shedding: 0.5,
      checks: [{ name: 'db', check: () => (state.degraded ? 'degraded' : 'healthy') }],
    },
  });
  const read = manager.read('shedding.read', { run: async () => 'an answer' });
  manager.write('shedding.write', { run: async () => undefined, idempotent: true });
  const series = async (metric: string) =>
    (await seriesOf(`graphiti_fallback.${metric}`))
      .filter(({ attributes }) => Reflect.get(attributes, 'graphiti_fallback.name') === 'shedding')
      .map(({ attributes, value }) => [...Object.values(attributes).slice(1), value].join(' '));
  expect(await series('shed')).toEqual(['shedding.read 0']);
  expect(await series('health.checks')).toContain('db degraded 0');
  await read();
  state.degraded = true;
  await manager.checkAndActivate();
  expect((await read.detailed()).outcome).toBe('stale');
  expect(await series('shed')).toEqual(['shedding.read 1']);
  expect(await series('fallbacks')).toContain('shedding.read shed 1');
  expect(await series('health.status')).toEqual(
    expect.arrayContaining(['db healthy 0', 'db degraded 1', 'db unhealthy 0', 'db unknown 0']),
  );
  expect(await series('health.status')).toContain('fallback.store unhealthy 0');
  await manager.close();
});

test('three hundred operation names: fifty are told apart, the others are counted together', async () => {
  const warned = vi.spyOn(process, 'emitWarning').mockImplementation(() => {});
  const manager = new FallbackManager({
    name: 'many',
    application: 'telemetry-test',
    logger: false,
  });
  for (let count = 0; count < 300; count += 1)
    await manager.read(`many.${count}`, { run: async () => count })();
  const named = async (metric: string) =>
    (await seriesOf(metric)).filter(
      ({ attributes }) => Reflect.get(attributes, 'graphiti_fallback.name') === 'many',
    );
  for (const metric of ['operations', 'fallbacks', 'attempts', 'operation.duration'])
    expect((await named(`graphiti_fallback.${metric}`)).length).toBeLessThanOrEqual(1_500);
  const live = (await named('graphiti_fallback.operations')).filter(
    ({ attributes }) => Reflect.get(attributes, 'graphiti_fallback.outcome') === 'live',
  );
  expect(live.length).toBeLessThanOrEqual(51);
  expect(live.reduce((sum, { value }) => sum + Number(value), 0)).toBe(300);
  const others = live.find(
    ({ attributes }) => Reflect.get(attributes, 'graphiti_fallback.operation.name') === '_other',
  );
  expect(Number(others?.value)).toBeGreaterThanOrEqual(250);
  expect(warned.mock.calls.filter(([text]) => String(text).includes('operation'))).toHaveLength(1);
  warned.mockRestore();
  await manager.close();
});

test('two installed copies share one collector: nothing is exported twice', async () => {
  const copies = mkdtempSync(join(tmpdir(), 'copies-'));
  const core = fileURLToPath(new URL('../packages/core', import.meta.url));
  symlinkSync(
    fileURLToPath(new URL('../node_modules', import.meta.url)),
    join(copies, 'node_modules'),
  );
  for (const copy of ['one', 'two']) cpSync(core, join(copies, copy), { recursive: true });
  const program = join(copies, 'program.ts');
  writeFileSync(program, twoCopies);
  const { stdout } = await promisify(execFile)(process.execPath, [program], { cwd: copies });
  rmSync(copies, { recursive: true });
  expect(JSON.parse(stdout)).toEqual({ managers: 2, live: [3], info: [2] });
}, 30_000);

/** An app into which two versions of a package were installed: each brings its own core. */
const twoCopies = `
import { MeterProvider, PeriodicExportingMetricReader, InMemoryMetricExporter } from '@opentelemetry/sdk-metrics';
import { metrics } from '@opentelemetry/api';
import { FallbackManager as One } from './one/src/index.ts';
import { FallbackManager as Two } from './two/src/index.ts';

const exporter = new InMemoryMetricExporter(1);
const reader = new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 3_600_000 });
metrics.setGlobalMeterProvider(new MeterProvider({ readers: [reader] }));
const managers = [One, Two].map((Manager) => new Manager({ name: 'items', application: 'copies', logger: false }));
const [first, second] = managers.map((manager) => manager.read('get', { run: async () => 1 }));
await first();
await second();
await second();
await reader.forceFlush();
const points = (name) => exporter.getMetrics().at(-1).scopeMetrics.flatMap((scope) => scope.metrics)
  .find((metric) => metric.descriptor.name === 'graphiti_fallback.' + name).dataPoints;
const live = points('operations').filter(({ attributes }) => attributes['graphiti_fallback.outcome'] === 'live');
console.log(JSON.stringify({
  managers: managers.length,
  live: live.map(({ value }) => value),
  info: points('info').map(({ value }) => value),
}));
`;
