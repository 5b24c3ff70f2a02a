import { attribute, metrics as contract, scope } from '@graphiti-fallback/core/telemetry';
import { telemetryCheck } from '@graphiti-fallback/testing';
import { SeverityNumber, SpanKind, SpanStatusCode } from '@opentelemetry/api';
import * as logs from '@opentelemetry/sdk-logs';
import * as metrics from '@opentelemetry/sdk-metrics';
import * as tracing from '@opentelemetry/sdk-trace';
import { expect, test } from 'vitest';

/** A real SDK, and a check that listens to it. */
function watched(secrets: string[] = []) {
  const check = telemetryCheck({ secrets });
  const tracer = new tracing.TracerProvider({
    spanProcessors: [check.spanProcessor],
  }).getTracer(scope.name);
  const reader = new metrics.PeriodicExportingMetricReader({
    exporter: check.metricExporter,
    exportIntervalMillis: 3_600_000,
  });
  const meter = new metrics.MeterProvider({ readers: [reader] }).getMeter(scope.name);
  const logger = new logs.LoggerProvider({
    processors: [check.logRecordProcessor],
  }).getLogger(scope.name);
  return { check, tracer, meter, logger, collect: () => reader.forceFlush() };
}

const cacheGet = { [attribute.name]: 'items', [attribute.cacheResult]: 'hit' };

test('a span as promised is no problem, and is known', () => {
  const { check, tracer } = watched();
  tracer.startSpan('cache get', { attributes: cacheGet }).end();
  expect(check.problems).toEqual([]);
  expect(check.emitted.spans).toEqual(['cacheGet']);
  check.assert();
});

test.each([
  ['an unknown name', 'cache put', cacheGet, "the span 'cache put' is not in the contract"],
  [
    'a missing attribute',
    'cache get',
    { [attribute.name]: 'items' },
    "it misses the attribute 'graphiti_fallback.cache.result'",
  ],
  [
    'an attribute that is not its own',
    'cache get',
    { ...cacheGet, [attribute.mode]: 'none' },
    "it must not have the attribute 'graphiti_fallback.mode'",
  ],
  [
    'another value',
    'cache get',
    { ...cacheGet, [attribute.cacheResult]: 'maybe' },
    "'graphiti_fallback.cache.result' has a value that the contract does not allow: 'maybe'",
  ],
  [
    'another type',
    'cache get',
    { ...cacheGet, [attribute.cacheAge]: '3' },
    "'graphiti_fallback.cache.age' is a string, the contract says number",
  ],
])('a span with %s is a problem', (_what, name, attributes, problem) => {
  const { check, tracer } = watched();
  tracer.startSpan(name, { attributes }).end();
  expect(check.problems).toEqual([expect.stringContaining(problem)]);
  expect(() => check.assert()).toThrow(problem);
});

test('texts where codes belong are a problem, as are messages, events and other kinds', () => {
  const { check, tracer } = watched();
  const span = tracer.startSpan('cache get', { attributes: cacheGet, kind: SpanKind.CLIENT });
  span.setStatus({ code: SpanStatusCode.ERROR, message: 'password for ann refused' });
  span.addEvent('exception');
  span.end();
  const transition = {
    [attribute.name]: 'items',
    [attribute.breakerName]: 'items',
    [attribute.breakerPreviousState]: 'closed',
    [attribute.breakerState]: 'open',
    [attribute.breakerReason]: 'getaddrinfo failed for {"user":"ann"}',
  };
  tracer.startSpan('breaker_transition items', { attributes: transition }).end();
  expect(check.problems.map((problem) => problem.replace(/^span '.*?': /, ''))).toEqual([
    'its kind is CLIENT, the contract says internal',
    'its status must not be an error',
    'its status has a message, which may be a text of the upstream',
    "it has an event 'exception', which the contract does not hold",
    expect.stringContaining('like a payload'),
  ]);
});

test('secrets are found wherever they are', () => {
  const { check, tracer } = watched(['s3cret']);
  tracer.startSpan('process s3cret', { attributes: {} }).end();
  expect(check.problems).toContain("span 'process s3cret' holds 's3cret'");
});

function counterOf({ meter }: ReturnType<typeof watched>, values: Map<string, number>) {
  const { name, unit, description } = contract.cacheRequests;
  const counter = meter.createObservableCounter(name, { unit, description });
  counter.addCallback((result) => {
    for (const [cacheResult, value] of values)
      result.observe(value, {
        [attribute.name]: 'items',
        [attribute.cacheName]: 'items',
        [attribute.cacheResult]: cacheResult,
      });
  });
}

test('a series that is born at 0 and stays is no problem', async () => {
  const subject = watched();
  const values = new Map([['hit', 0]]);
  counterOf(subject, values);
  await subject.collect();
  values.set('hit', 3).set('miss', 0);
  await subject.collect();
  expect(subject.check.problems).toEqual([]);
  expect(subject.check.emitted.metrics).toEqual(['cacheRequests']);
});

test('a series that is born above 0 is a problem: an alert on its increase would never see it', async () => {
  const subject = watched();
  const values = new Map([['hit', 0]]);
  counterOf(subject, values);
  await subject.collect();
  values.set('miss', 1);
  await subject.collect();
  expect(subject.check.problems).toEqual([expect.stringContaining('born above 0')]);
});

test('a gauge whose series disappears, or that is no gauge, is a problem', async () => {
  const subject = watched();
  const { name, description } = contract.outageAge;
  const gauge = subject.meter.createObservableUpDownCounter(name, { unit: 'ms', description });
  gauge.addCallback((result) =>
    result.observe(1, { [attribute.name]: 'items', [attribute.breakerName]: 'items' }),
  );
  await subject.collect();
  expect(subject.check.problems).toEqual([
    "metric 'graphiti_fallback.outage.age': its unit is 'ms', the contract says 's'",
    "metric 'graphiti_fallback.outage.age': it is no gauge",
  ]);
});

test('log events are checked, too', () => {
  const { check, logger } = watched();
  const attributes = {
    [attribute.name]: 'items',
    [attribute.storeKind]: 'lowdb',
    [attribute.storeVerb]: 'commit',
  };
  const told = { severityText: 'ERROR', severityNumber: SeverityNumber.ERROR };
  logger.emit({ eventName: 'graphiti_fallback.store.failed', ...told, attributes });
  expect(check.problems).toEqual([]);
  expect(check.emitted.logEvents).toEqual(['storeFailed']);
  logger.emit({ eventName: 'graphiti_fallback.store.broke', ...told, attributes });
  logger.emit({ eventName: 'graphiti_fallback.store.failed', attributes: {} });
  expect(check.problems).toHaveLength(5);
});

test("the app's own telemetry is none of its business", () => {
  const check = telemetryCheck();
  const tracer = new tracing.TracerProvider({
    spanProcessors: [check.spanProcessor],
  }).getTracer('my-app');
  tracer.startSpan('anything', { attributes: { any: 'thing' } }).end();
  expect(check.problems).toEqual([]);
});
