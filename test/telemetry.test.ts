import {
  metrics as contract,
  type LogEventKey,
  logEvents,
  type MetricKey,
  type SpanKey,
  spans,
} from '@graphiti-fallback/core/telemetry';
import { telemetryCheck } from '@graphiti-fallback/testing';
import { PeriodicExportingMetricReader } from '@opentelemetry/sdk-metrics';
import { NodeSDK } from '@opentelemetry/sdk-node';
import { afterAll, expect, test } from 'vitest';
import { scenarios, secrets } from './telemetry/scenarios.ts';

const check = telemetryCheck({ secrets: Object.values(secrets) });
const reader = new PeriodicExportingMetricReader({
  exporter: check.metricExporter,
  exportIntervalMillis: 3_600_000,
});
const sdk = new NodeSDK({
  spanProcessors: [check.spanProcessor],
  metricReaders: [reader],
  logRecordProcessors: [check.logRecordProcessor],
  instrumentations: [],
  autoDetectResources: false,
});
sdk.start();
afterAll(() => sdk.shutdown());

/** By name, the first scenario that emitted it. */
const firstSeen = new Map<string, string>();

function note(scenario: string): void {
  const { emitted } = check;
  for (const name of [
    ...emitted.spans.map((key) => spans[key].name),
    ...emitted.metrics.map((key) => contract[key].name),
    ...emitted.logEvents.map((key) => logEvents[key].eventName),
  ])
    if (!firstSeen.has(name)) firstSeen.set(name, scenario);
}

test.each(scenarios)('$name: all that is emitted is as the contract says', async (scenario) => {
  await reader.forceFlush();
  await scenario.run();
  await reader.forceFlush();
  note(scenario.name);
  check.assert();
});

test('every name of the contract was emitted', () => {
  const promised = [
    ...(Object.keys(spans) as SpanKey[]).map((key) => spans[key].name),
    ...(Object.keys(contract) as MetricKey[]).map((key) => contract[key].name),
    ...(Object.keys(logEvents) as LogEventKey[]).map((key) => logEvents[key].eventName),
  ];
  const width = Math.max(...promised.map((name) => name.length));
  const lines = promised.map((name) => `${name.padEnd(width)}  ${firstSeen.get(name) ?? '-'}`);
  console.log(`\nEvery name, and the first scenario that emits it:\n${lines.join('\n')}\n`);
  expect(promised.filter((name) => !firstSeen.has(name))).toEqual([]);
});
