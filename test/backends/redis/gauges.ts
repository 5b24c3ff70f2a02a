/** The metrics of this process, as an SDK would export them. */

import { metrics } from '@opentelemetry/api';
import {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics';

const exporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE);
const reader = new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 3_600_000 });
metrics.setGlobalMeterProvider(new MeterProvider({ readers: [reader] }));

/** What the points of a metric come to, with all their attributes. */
export async function sumOf(name: string): Promise<number> {
  const found = (await told()).find(({ descriptor }) => descriptor.name === name);
  return found?.dataPoints.reduce((sum, { value }) => sum + Number(value), 0) ?? 0;
}

/** Operations in the queue in a state, as the metrics of all managers of this process tell together. */
export async function queueDepth(state: string): Promise<number | undefined> {
  const depth = (await told()).find(
    ({ descriptor }) => descriptor.name === 'graphiti_fallback.queue.depth',
  );
  const point = depth?.dataPoints.find(
    ({ attributes }) => attributes['graphiti_fallback.queue.state'] === state,
  );
  return point && Number(point.value);
}

async function told() {
  exporter.reset();
  await reader.forceFlush();
  return exporter
    .getMetrics()
    .flatMap(({ scopeMetrics }) => scopeMetrics.flatMap((scope) => scope.metrics));
}
