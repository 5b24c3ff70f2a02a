/** W3C trace context, kept with a queued operation: without an SDK, `propagation` reads and writes nothing. */

import * as api from '@opentelemetry/api';
import type { TraceCarrier } from '../queue/operation-record.ts';

const traceparent = /^00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})$/;

/** Writes a span context down; nothing where there is none worth keeping. */
export function carrierOf(context: api.SpanContext): TraceCarrier | undefined {
  if (!api.isSpanContextValid(context)) return undefined;
  const flags = context.traceFlags.toString(16).padStart(2, '0');
  const tracestate = context.traceState?.serialize();
  return {
    traceparent: `00-${context.traceId}-${context.spanId}-${flags}`,
    ...(tracestate && { tracestate }),
  };
}

/** The span that is active here, written down. */
export function activeCarrier(): TraceCarrier | undefined {
  const context = api.trace.getSpanContext(api.context.active());
  return context && carrierOf(context);
}

/** Reads a span context back, as a remote one; nothing where somebody's hand made it something else. */
export function contextOf(carrier: TraceCarrier | undefined): api.SpanContext | undefined {
  const [, traceId, spanId, flags] = traceparent.exec(carrier?.traceparent ?? '') ?? [];
  if (!carrier || !traceId || !spanId || !flags) return undefined;
  const tracestate: unknown = carrier.tracestate;
  const context: api.SpanContext = {
    traceId,
    spanId,
    traceFlags: Number.parseInt(flags, 16),
    isRemote: true,
    ...(typeof tracestate === 'string' && { traceState: api.createTraceState(tracestate) }),
  };
  return api.isSpanContextValid(context) ? context : undefined;
}
