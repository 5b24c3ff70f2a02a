/** Spans of the queue: a write is sent to it, replayed from it in drain runs, and perhaps given up. */

import * as api from '@opentelemetry/api';
import type { Clock } from '../clock.ts';
import type { Emitter, FallbackEvents } from '../events.ts';
import type { OperationRecord, Sending } from '../queue/operation-record.ts';
import { attribute, spanName } from './contract.ts';
import { DrainRuns } from './drain-runs.ts';
import type { OutageTrace } from './outage-trace.ts';
import { carrierOf, contextOf } from './trace-context.ts';
import { runWithin, type Tracer } from './tracer.ts';

/** How a replay's span ends. */
export type ReplayEnd = (result: string, error?: string) => void;

/** Last tries that are remembered, so that the next one links to it. */
const mostTries = 1_000;

/** Spans of one queue. */
export class QueueSpans {
  readonly #name: string;
  readonly #tracer: Tracer;
  readonly #runs: DrainRuns;
  readonly #tries = new Map<string, api.SpanContext>();

  constructor(
    name: string,
    tracer: Tracer,
    outages: OutageTrace,
    clock: Clock,
    events: Emitter<FallbackEvents>,
    keep: boolean,
  ) {
    this.#name = name;
    this.#tracer = tracer;
    this.#runs = new DrainRuns(name, tracer, outages, clock, keep);
    events.on('queue', (event) => {
      if (event.event === 'dead_lettered') this.#deadLetter(event);
    });
  }

  /** Begins the `send` step of an operation, in the context that is active now. */
  send(operation: { readonly id: string; readonly operation: string }): () => Sending {
    const within = api.context.active();
    return () => {
      const span = this.#tracer.start(
        `${spanName.send} ${this.#name}`,
        { kind: api.SpanKind.PRODUCER, attributes: this.#messaging(operation, 'send') },
        within,
      );
      return {
        trace: carrierOf(span.spanContext()),
        end: (told) => {
          this.#tracer.finish(span, {
            ...(told &&
              'laneDepth' in told && {
                attributes: { [attribute.queueLaneDepth]: told.laneDepth },
              }),
            ...(told && 'error' in told && { error: true }),
          });
        },
      };
    };
  }

  /** Replays below the drain run of now of its breaker, linked to the `send` step and to the try before. */
  process(
    record: OperationRecord,
    breaker: string,
    call: (end: ReplayEnd) => Promise<void>,
  ): Promise<void> {
    const origin = contextOf(record.trace);
    const before = this.#tries.get(record.id);
    const attributes = {
      ...this.#messaging(record, 'process'),
      [attribute.queueAttempt]: record.failures + 1,
      [attribute.queueWait]: Math.max(0, this.#tracer.now() - record.enqueuedAt) / 1000,
      ...(origin && { [attribute.queueOriginTraceId]: origin.traceId }),
    };
    const links = [origin, before].flatMap((context) => (context ? [{ context }] : []));
    const options = { kind: api.SpanKind.CONSUMER, attributes, links };
    return this.#runs.within(breaker, (counted) => {
      const span = this.#tracer.start(`${spanName.process} ${this.#name}`, options);
      const end: ReplayEnd = (result, error) => {
        counted(result);
        if (result === 'retry') this.#remember(record.id, span.spanContext());
        else this.#tries.delete(record.id);
        const failed = result === 'dead' || result === 'stopped';
        this.#tracer.finish(span, {
          attributes: {
            [attribute.queueResult]: result,
            ...(failed && error && { [attribute.errorType]: error }),
          },
          error: failed,
        });
      };
      return runWithin(span, () => call(end));
    });
  }

  /** Ends the drain runs of now. */
  close(): void {
    this.#runs.close();
  }

  #remember(id: string, context: api.SpanContext): void {
    if (!api.isSpanContextValid(context)) return;
    this.#tries.delete(id);
    this.#tries.set(id, context);
    if (this.#tries.size <= mostTries) return;
    for (const oldest of this.#tries.keys()) {
      this.#tries.delete(oldest);
      return;
    }
  }

  #deadLetter({ id, operation, reason, error, trace }: FallbackEvents['queue']): void {
    const origin = contextOf(trace);
    const attributes = {
      ...this.#messaging({ id, operation }, 'dead_letter'),
      ...(reason && { [attribute.deadLetterReason]: reason }),
      ...(error && { [attribute.errorType]: error }),
    };
    this.#tracer.point(`${spanName.deadLetter} ${this.#name}`, attributes, {
      links: origin ? [origin] : [],
      error: true,
    });
  }

  #messaging(
    { id, operation }: { readonly id: string; readonly operation: string },
    step: 'send' | 'process' | 'dead_letter',
  ): api.Attributes {
    return {
      [attribute.operationName]: operation,
      [attribute.messagingSystem]: 'graphiti_fallback',
      [attribute.messagingSystemName]: 'graphiti_fallback',
      [attribute.messagingDestination]: this.#name,
      [attribute.messagingOperationName]: step,
      // What messaging systems have no type for is a way of settling.
      [attribute.messagingOperationType]: step === 'dead_letter' ? 'settle' : step,
      [attribute.messagingMessageId]: id,
    };
  }
}
