/** A manager's spans, put together: features say what happens, and know no span. */

import type * as api from '@opentelemetry/api';
import type { Breaker } from '../breaker/breaker.ts';
import type { Outage } from '../breaker/breaker-state.ts';
import type { Clock } from '../clock.ts';
import type { Emitter, FallbackEvents } from '../events.ts';
import type { Failure } from '../failure.ts';
import type { Journal } from '../journal.ts';
import type { FallbackMode } from '../mode.ts';
import { type FallbackReason, type Outcome, usesFallback } from '../outcome.ts';
import type { OperationRecord, Sending, TraceCarrier } from '../queue/operation-record.ts';
import { ByValues } from './by-values.ts';
import { attribute, spanName } from './contract.ts';
import { writeEventSpans } from './event-spans.ts';
import { writeLogEvents } from './log-events.ts';
import { OutageTrace } from './outage-trace.ts';
import { QueueSpans, type ReplayEnd } from './queue-spans.ts';
import { isTraced } from './sdk.ts';
import { withStoreSpans } from './store-spans.ts';
import type { TelemetryLevels } from './telemetry-options.ts';
import { activeCarrier } from './trace-context.ts';
import { runWithin, Tracer } from './tracer.ts';

/** What an operation's span says at its end, besides its outcome. */
interface OperationEnd {
  readonly reason: FallbackReason | undefined;
  readonly cacheResult: string | undefined;
  readonly ageMs: number | undefined;
  /** Code of the upstream's last failure. */
  readonly upstreamError: string | undefined;
  readonly attempts: number;
}

/** What an operation's span says from its start: samplers may decide by it. */
interface OperationStart {
  readonly name: string;
  readonly kind: 'read' | 'write';
  readonly breaker: Pick<Breaker, 'active' | 'mode' | 'state'>;
}

/** The span of an operation. */
export interface OperationSpan {
  /** Runs something within it. */
  run<T>(call: () => T): T;
  end(end: OperationEnd, outcome: Outcome, errorType: string | undefined): void;
}

/** One try of the upstream that is over. */
export interface Attempt {
  readonly number: number;
  /** Wall-clock ms. */
  readonly startedAt: number;
  readonly endedAt: number;
  readonly failure: Failure | undefined;
}

/** What the engine tells of its steps. */
export interface Tracing {
  /** Begins an operation; nothing where no SDK listens. */
  operation(start: OperationStart): OperationSpan | undefined;
  /** A try that is over; the first is told once there is a second. */
  attempt(attempt: Attempt): void;
  /** Trace context of the request that is being served. */
  carrier(): TraceCarrier | undefined;
  /** Begins the `send` step of an operation, in the context that is active now. */
  send(operation: { readonly id: string; readonly operation: string }): () => Sending;
  /** Replays outside every request's context, linked to the `send` step. */
  process(
    record: OperationRecord,
    breaker: string,
    call: (end: ReplayEnd) => Promise<void>,
  ): Promise<void>;
  /** The trace of a breaker's outage, to be kept over restarts. */
  readonly outages: {
    carrierOf(breaker: string): TraceCarrier | undefined;
    restore(breaker: string, carrier: TraceCarrier | undefined): void;
    /** Begins the trace of an outage that may turn out to be another's. */
    prepare(breaker: string, outage: Outage, mode: FallbackMode): TraceCarrier | undefined;
  };
  /** A journal whose steps are spans. */
  journal(journal: Journal): Journal;
  /** Ends what is still open. */
  close(): void;
}

interface TracingOptions {
  readonly name: string;
  readonly clock: Clock;
  readonly events: Emitter<FallbackEvents>;
  readonly levels: TelemetryLevels;
}

/** Creates the spans and log events of one manager. */
export function createTracing({ name, clock, events, levels }: TracingOptions): Tracing {
  const tracer = new Tracer(
    name,
    () => clock.now(),
    (message) => events.emit('warning', { message }),
  );
  const keep = levels.outages === 'keep';
  const outages = new OutageTrace(tracer, events, keep);
  const queue = new QueueSpans(name, tracer, outages, clock, events, keep);
  writeEventSpans(name, tracer, outages, events, levels);
  writeLogEvents(name, events);
  const { cache, attempt, storage } = levels.spans;
  /** Made once a set: it is asked for at every call. */
  const beginnings = new ByValues<api.Attributes>(
    ([operation = '', kind = '', mode = '', breakerState = '']) =>
      Object.freeze({
        [attribute.name]: name,
        [attribute.operationName]: operation,
        [attribute.operationKind]: kind,
        [attribute.mode]: mode,
        [attribute.breakerState]: breakerState,
      }),
  );

  return {
    operation({ name: operation, kind, breaker }) {
      if (!isTraced()) return undefined;
      const mode = breaker.active ? breaker.mode : 'none';
      const attributes = beginnings.at([operation, kind, mode, breaker.state.kind]);
      return new TracedOperation(tracer, tracer.begin(operation, attributes), described);
    },
    attempt({ number, startedAt, endedAt, failure }) {
      if (attempt !== 'span') return;
      const attributes = {
        [attribute.attemptNumber]: number,
        [attribute.attemptResult]: failure?.label ?? 'success',
        ...(failure && { [attribute.errorType]: failure.code }),
      };
      tracer.point(spanName.attempt, attributes, {
        startedAt,
        endedAt,
        error: failure !== undefined,
      });
    },
    carrier: activeCarrier,
    send: (operation) => queue.send(operation),
    process: (record, breaker, call) =>
      isTraced() ? queue.process(record, breaker, call) : call(untold),
    outages,
    journal: (journal) => (storage === 'span' ? withStoreSpans(journal, tracer) : journal),
    close: () => queue.close(),
  };

  /** Member by member: of spreads, most would be of nothing, at every call. */
  function described(
    end: OperationEnd,
    outcome: Outcome,
    errorType: string | undefined,
  ): api.Attributes {
    const { reason, cacheResult, ageMs, upstreamError, attempts } = end;
    const error = outcome === 'failure';
    const attributes: api.Attributes = {
      [attribute.outcome]: outcome,
      [attribute.fallbackUsed]: usesFallback(outcome),
    };
    if (reason) attributes[attribute.fallbackReason] = reason;
    if (cache !== 'off' && cacheResult) attributes[attribute.cacheResult] = cacheResult;
    if (cache !== 'off' && ageMs !== undefined) attributes[attribute.cacheAge] = ageMs / 1000;
    if (upstreamError) attributes[attribute.upstreamErrorType] = upstreamError;
    if (attempt !== 'off') attributes[attribute.attempts] = attempts;
    if (error && errorType) attributes[attribute.errorType] = errorType;
    return attributes;
  }
}

type Described = (
  end: OperationEnd,
  outcome: Outcome,
  errorType: string | undefined,
) => api.Attributes;

/** Ends a replay that no SDK hears of. */
const untold: ReplayEnd = () => {};

class TracedOperation implements OperationSpan {
  readonly #tracer: Tracer;
  readonly #span: api.Span;
  readonly #described: Described;

  constructor(tracer: Tracer, span: api.Span, described: Described) {
    this.#tracer = tracer;
    this.#span = span;
    this.#described = described;
  }

  run<T>(call: () => T): T {
    return runWithin(this.#span, call);
  }

  end(end: OperationEnd, outcome: Outcome, errorType: string | undefined): void {
    const described = this.#span.isRecording() && {
      attributes: this.#described(end, outcome, errorType),
      error: outcome === 'failure',
    };
    this.#tracer.finish(this.#span, described || {});
  }
}
