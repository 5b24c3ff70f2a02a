/** SDK 3 as an app has it: every span sampled and batched, metrics on; what is exported goes nowhere. */

import * as metrics from '@opentelemetry/sdk-metrics';
import { NodeSDK } from '@opentelemetry/sdk-node';
import * as tracing from '@opentelemetry/sdk-trace';

const exporter: tracing.SpanExporter = {
  export: (_spans, done) => done({ code: 0 }),
  shutdown: async () => {},
};

/** Starts it. */
export function startSdk(): void {
  new NodeSDK({
    spanProcessors: [new tracing.BatchSpanProcessor({ exporter })],
    metricReaders: [
      new metrics.PeriodicExportingMetricReader({
        exporter: new metrics.InMemoryMetricExporter(metrics.AggregationTemporality.DELTA),
        exportIntervalMillis: 3_600_000,
      }),
    ],
    logRecordProcessors: [],
    instrumentations: [],
    autoDetectResources: false,
  }).start();
}
