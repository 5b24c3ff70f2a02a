/** Spans, at two places only: around an operation and around what the queue does with it. */

import * as api from '@opentelemetry/api';
import type { BreakerStateKind } from '../breaker/breaker-state.ts';
import type { Emitter, FallbackEvents } from '../events.ts';
import { type FallbackReason, type Outcome, usesFallback } from '../outcome.ts';
import type { OperationRecord, Sending } from '../queue/operation-record.ts';
import { attribute, scope, spanName } from './contract.ts';
import { isTraced } from './sdk.ts';
import { carrierOf, contextOf } from './trace-context.ts';

/** What an operation's span says at its end. */
interface OperationEnd {
  readonly outcome: Outcome;
  readonly reason?: FallbackReason | undefined;
  readonly ageMs?: number | undefined;
  /** Code of the upstream's last failure. */
  readonly upstreamError?: string | undefined;
  readonly attempts?: number | undefined;
  readonly errorType?: string | undefined;
}

/** What an operation's span says from its start: samplers may decide by it. */
interface OperationStart {
  readonly operation: string;
  readonly kind: 'read' | 'write';
  readonly mode: string;
  readonly breakerState: BreakerStateKind;
}

/** The span of an operation. */
export interface OperationSpan {
  /** Runs something within it. */
  run<T>(call: () => T): T;
  end(end: OperationEnd): void;
}

/** What the engine tells of its steps. */
export interface Tracing {
  /** Begins an operation; nothing where no SDK listens. */
  operation(start: OperationStart): OperationSpan | undefined;
  /** Begins the `send` step of an operation, in the context that is active now. */
  send(operation: { readonly id: string; readonly operation: string }): () => Sending;
  /** Replays under the root context, linked to the `send` step. */
  process(
    record: OperationRecord,
    call: (end: (result: string, error?: string) => void) => Promise<void>,
  ): Promise<void>;
}

/** A point span lasts this long, in ms: equal times draw warnings in backends. */
const moment = 0.002;

/**
 * Creates the spans of one manager. The tracer is asked for at each span: one taken before the SDK
 * starts may stay dead for ever.
 */
export function createTracing(
  name: string,
  events: Emitter<FallbackEvents>,
  now: () => number,
): Tracing {
  const common = { [attribute.name]: name };
  const tracer = () =>
    api.trace
      .getTracerProvider()
      .getTracer(scope.name, scope.version, { schemaUrl: scope.schemaUrl });
  const messaging = (id: string, operation: string, type: 'send' | 'process') => ({
    ...common,
    [attribute.operationName]: operation,
    [attribute.messagingSystem]: 'graphiti_fallback',
    [attribute.messagingSystemName]: 'graphiti_fallback',
    [attribute.messagingDestination]: name,
    [attribute.messagingOperationName]: type,
    [attribute.messagingOperationType]: type,
    [attribute.messagingMessageId]: id,
  });

  events.on('stateChange', ({ breaker, from, to, reason }) => {
    point(`${spanName.breakerTransition} ${breaker}`, {
      [attribute.breakerName]: breaker,
      [attribute.breakerPreviousState]: from,
      [attribute.breakerState]: to,
      [attribute.breakerReason]: reason,
    });
  });
  events.on('cacheLookup', ({ result, ageMs, fallback }) => {
    if ((result === 'miss' && !fallback) || !isTraced()) return;
    point(spanName.cacheGet, {
      [attribute.cacheResult]: result,
      ...(ageMs !== undefined && { [attribute.cacheAge]: ageMs / 1000 }),
    });
  });

  return { operation, send, process };

  function operation({
    operation: operationName,
    kind,
    mode,
    breakerState,
  }: OperationStart): OperationSpan | undefined {
    if (!isTraced()) return undefined;
    const attributes = {
      ...common,
      [attribute.operationName]: operationName,
      [attribute.operationKind]: kind,
      [attribute.mode]: mode,
      [attribute.breakerState]: breakerState,
    };
    const around = api.context.active();
    const span = tracer().startSpan(operationName, { attributes }, around);
    return {
      run: (call) => api.context.with(api.trace.setSpan(around, span), call),
      end(end) {
        describe(span, end);
        span.end();
      },
    };
  }

  function send({
    id,
    operation: operationName,
  }: {
    id: string;
    operation: string;
  }): () => Sending {
    const within = api.context.active();
    return () => {
      const span = tracer().startSpan(
        `${spanName.send} ${name}`,
        { kind: api.SpanKind.PRODUCER, attributes: messaging(id, operationName, 'send') },
        within,
      );
      return {
        trace: carrierOf(span.spanContext()),
        end(error) {
          if (error !== undefined) span.setStatus({ code: api.SpanStatusCode.ERROR });
          span.end();
        },
      };
    };
  }

  async function process(
    record: OperationRecord,
    call: (end: (result: string, error?: string) => void) => Promise<void>,
  ): Promise<void> {
    const origin = contextOf(record.trace);
    const attributes = {
      ...messaging(record.id, record.operation, 'process'),
      [attribute.queueAttempt]: record.failures + 1,
      [attribute.queueWait]: Math.max(0, now() - record.enqueuedAt) / 1000,
      ...(origin && { [attribute.queueOriginTraceId]: origin.traceId }),
    };
    const options = {
      kind: api.SpanKind.CONSUMER,
      attributes,
      links: origin ? [{ context: origin }] : [],
      root: true,
    };
    const label = `${spanName.process} ${name}`;
    await api.context.with(api.ROOT_CONTEXT, () =>
      tracer().startActiveSpan(label, options, (span) =>
        call((result, error) => {
          span.setAttribute(attribute.queueResult, result);
          if (result === 'dead' || result === 'stopped') {
            span.setStatus({ code: api.SpanStatusCode.ERROR });
            if (error) span.setAttribute(attribute.errorType, error);
          }
          span.end();
        }),
      ),
    );
  }

  function point(label: string, attributes: api.Attributes): void {
    const startTime = now();
    const span = tracer().startSpan(label, { attributes: { ...common, ...attributes }, startTime });
    span.end(startTime + moment);
  }
}

function describe(span: api.Span, end: OperationEnd): void {
  if (!span.isRecording()) return;
  const { outcome, reason, ageMs, upstreamError, attempts, errorType } = end;
  span.setAttributes({
    [attribute.outcome]: outcome,
    [attribute.fallbackUsed]: usesFallback(outcome),
    ...(reason && { [attribute.fallbackReason]: reason }),
    ...(ageMs !== undefined && { [attribute.cacheAge]: ageMs / 1000 }),
    ...(upstreamError && { [attribute.upstreamErrorType]: upstreamError }),
    ...(attempts !== undefined && { [attribute.attempts]: attempts }),
  });
  if (outcome !== 'failure') return;
  span.setStatus({ code: api.SpanStatusCode.ERROR });
  if (errorType) span.setAttribute(attribute.errorType, errorType);
}
