/** A real SDK in a test, and what it exported. */

import { context, trace } from '@opentelemetry/api';
import { NodeSDK } from '@opentelemetry/sdk-node';
import * as tracing from '@opentelemetry/sdk-trace';
import { onTestFinished } from 'vitest';

/** Starts an SDK that keeps what it exports; it stops with the test, or before. */
export function startSdk(sampler?: tracing.Sampler) {
  const exporter = new tracing.InMemorySpanExporter();
  const sdk = new NodeSDK({
    spanProcessors: [new tracing.SimpleSpanProcessor({ exporter })],
    ...(sampler && { sampler }),
    metricReaders: [],
    logRecordProcessors: [],
    instrumentations: [],
    autoDetectResources: false,
  });
  sdk.start();
  const stop = async () => {
    await sdk.shutdown();
    trace.disable();
    context.disable();
  };
  onTestFinished(stop);
  const named = (name: string) => exporter.getFinishedSpans().filter((span) => span.name === name);
  const only = (name: string) => {
    const found = named(name);
    if (found.length !== 1) throw new Error(`Expected one span '${name}', got ${found.length}`);
    return found[0] as tracing.ReadableSpan;
  };
  return { exporter, named, only, stop };
}

export const idOf = (span: tracing.ReadableSpan) => span.spanContext().spanId;
export const linksOf = (span: tracing.ReadableSpan) =>
  span.links.map((link) => link.context.spanId);
