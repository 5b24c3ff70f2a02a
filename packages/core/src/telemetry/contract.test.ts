import { describe, expect, test } from 'vitest';
import { attribute, attributes, logEvents, type MetricKey, metrics, spans } from './contract.ts';
import { prometheusLabel, prometheusNames } from './prometheus.ts';

const byKey = new Map(Object.values(attributes).map((told) => [told.key, told]));

describe.each(Object.entries(metrics))('the metric %s', (_key, metric) => {
  test('has only attributes whose values are bounded', () => {
    for (const key of metric.attributes)
      expect(byKey.get(key)?.cardinality).toBeOneOf(['values', 'names']);
  });

  test('has a unit as backends understand it', () => {
    const units = metric.kind === 'histogram' || metric.kind === 'gauge' ? /^s$/ : /^(By|\{\w+\})$/;
    expect(metric.unit).toMatch(units);
    expect(metric.buckets !== undefined).toBe(metric.kind === 'histogram');
  });
});

test("every span's attributes are of the contract", () => {
  for (const { required, optional } of Object.values(spans))
    for (const key of [...required, ...optional]) expect([...byKey.keys()]).toContain(key);
});

test('every attribute is of a span, of a metric or of a log event', () => {
  const used = new Set<string>([
    ...Object.values(spans).flatMap(({ required, optional }) => [...required, ...optional]),
    ...Object.values(metrics).flatMap((metric) => metric.attributes),
    ...Object.values(logEvents).flatMap((event) => event.attributes),
  ]);
  expect([...byKey.keys()].filter((key) => !used.has(key) && key !== attribute.name)).toEqual([]);
});

test('no two metrics have one name in Prometheus', () => {
  const keys = Object.keys(metrics) as MetricKey[];
  const names = keys.flatMap((key) => [...new Set(Object.values(prometheusNames(key)))]);
  expect(new Set(names).size).toBe(names.length);
});

test('names in Prometheus: totals of counters always, units through OTLP only', () => {
  expect(prometheusNames('operations')).toEqual({
    exporter: 'graphiti_fallback_operations_total',
    otlp: 'graphiti_fallback_operations_total',
  });
  expect(prometheusNames('operationDuration')).toEqual({
    exporter: 'graphiti_fallback_operation_duration',
    otlp: 'graphiti_fallback_operation_duration_seconds',
  });
  expect(prometheusNames('cacheSize').otlp).toBe('graphiti_fallback_cache_size_bytes');
  expect(prometheusLabel(attribute.breakerState)).toBe('graphiti_fallback_breaker_state');
});
