/** The series of breakers that come and go. */

import { FallbackManager } from '@graphiti-fallback/core';
import { metrics as api } from '@opentelemetry/api';
import * as metrics from '@opentelemetry/sdk-metrics';
import { afterAll, expect, test } from 'vitest';

const exporter = new metrics.InMemoryMetricExporter(metrics.AggregationTemporality.CUMULATIVE);
const reader = new metrics.PeriodicExportingMetricReader({
  exporter,
  exportIntervalMillis: 3_600_000,
});
const provider = new metrics.MeterProvider({ readers: [reader] });
api.setGlobalMeterProvider(provider);
afterAll(() => provider.shutdown());

/** Values of a metric's series for one breaker, by the attribute that tells them apart. */
async function valuesOf(metric: string, breaker: string, by: string) {
  await reader.forceFlush();
  const [latest] = exporter.getMetrics().slice(-1);
  const found = latest?.scopeMetrics
    .flatMap((scope) => scope.metrics)
    .find(({ descriptor }) => descriptor.name === `graphiti_fallback.${metric}`);
  const points = (found?.dataPoints ?? []).filter(
    ({ attributes }) => attributes['graphiti_fallback.breaker.name'] === breaker,
  );
  return Object.fromEntries(
    points.map(({ attributes, value }) => [attributes[`graphiti_fallback.${by}`], value]),
  );
}

test('each breaker has its series from the start; one that is removed is in no state, and what it counted goes on', async () => {
  await using manager = new FallbackManager({
    name: 'breakers',
    logger: false,
    breaker: { failureThreshold: 1 },
  });
  await manager.open();
  const fail = () =>
    manager
      .breaker('job')
      .execute(() => Promise.reject(Object.assign(new Error('down'), { status: 503 })))
      .catch(() => {});
  manager.breaker('job');
  expect(await valuesOf('breaker.state', 'job', 'breaker.state')).toEqual({
    closed: 1,
    open: 0,
    half_open: 0,
    isolated: 0,
  });
  await fail();
  expect(await valuesOf('breaker.state', 'job', 'breaker.state')).toMatchObject({
    closed: 0,
    open: 1,
  });
  manager.breakers.remove('job');
  expect(await valuesOf('breaker.state', 'job', 'breaker.state')).toEqual({
    closed: 0,
    open: 0,
    half_open: 0,
    isolated: 0,
  });
  expect(await valuesOf('breaker.calls', 'job', 'call.result')).toEqual({
    success: 0,
    failure: 1,
    refused: 0,
  });
  expect(await valuesOf('breaker.state', 'breakers', 'breaker.state')).toMatchObject({ closed: 1 });
  await fail();
  expect(await valuesOf('breaker.calls', 'job', 'call.result')).toMatchObject({ failure: 2 });
});
