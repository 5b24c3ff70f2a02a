/** An outage as one trace: begun by `activate`, told whole by `outage` and `deactivate` when it is over. */

import * as api from '@opentelemetry/api';
import type { Outage } from '../breaker/breaker-state.ts';
import type { Emitter, FallbackEvents, OutageEvent, Undo } from '../events.ts';
import type { FallbackMode } from '../mode.ts';
import type { TraceCarrier } from '../queue/operation-record.ts';
import { attribute, spanName } from './contract.ts';
import { carrierOf, contextOf } from './trace-context.ts';
import { activeSpan, startRoot, type Tracer } from './tracer.ts';

/** An outage that goes on. */
interface Running {
  readonly event: OutageEvent;
  /** The call that began it. */
  readonly cause: api.SpanContext | undefined;
  /** Of the root span; nothing while no SDK takes it. */
  root: api.SpanContext | undefined;
  stale: number;
  queued: number;
  refused: number;
}

/** `activate` lasts this long, in ms. */
const activation = 0.001;

/** Holds no span open: an outage may last for hours, and over restarts. */
export class OutageTrace {
  readonly #tracer: Tracer;
  readonly #keep: boolean;
  readonly #events: Emitter<FallbackEvents>;
  /** Listens only while an outage lasts: each call of a well upstream would pay for it. */
  #stopCounting: Undo | undefined;
  readonly #running = new Map<string, Running>();
  /** Of outages that an earlier process began, until their breakers resume. */
  readonly #restored = new Map<string, api.SpanContext>();
  readonly #ended = new Map<string, api.SpanContext>();
  /** Roots of outages of which it is not known yet whether they are this instance's to tell. */
  readonly #prepared = new Map<string, { readonly outage: string; readonly span: api.Span }>();

  constructor(tracer: Tracer, events: Emitter<FallbackEvents>, keep: boolean) {
    this.#tracer = tracer;
    this.#keep = keep;
    events.on('activated', (event) => this.#begin(event));
    events.on('deactivated', (event) => this.#end(event));
    this.#events = events;
  }

  /** The root of a breaker's outage, while it lasts. */
  rootOf(breaker: string): api.SpanContext | undefined {
    const running = this.#running.get(breaker);
    // An SDK that came after the outage began still gets the whole of it.
    if (running && !running.root) running.root = this.#activate(running);
    return running?.root;
  }

  /** What began an outage, while it lasts. */
  triggerOf(breaker: string): string | undefined {
    return this.#running.get(breaker)?.event.trigger;
  }

  /** The root of a breaker's outage that lasts, else of its last one: what is drained was queued in it. */
  lastOf(breaker: string): api.SpanContext | undefined {
    return this.rootOf(breaker) ?? this.#ended.get(breaker);
  }

  /** The same, to be kept with the outage, so that a later process goes on with its trace. */
  carrierOf(breaker: string): TraceCarrier | undefined {
    const root = this.lastOf(breaker);
    return root && carrierOf(root);
  }

  /** An earlier process began this outage; one that began here meanwhile has a trace of its own. */
  restore(breaker: string, carrier: TraceCarrier | undefined): void {
    const root = contextOf(carrier);
    if (root && !this.#running.has(breaker)) this.#restored.set(breaker, root);
  }

  /**
   * Begins the trace of an outage that others may have found before: what they began is then restored, and
   * this is never told.
   */
  prepare(breaker: string, outage: Outage, mode: FallbackMode): TraceCarrier | undefined {
    const { id, ...known } = outage;
    const span = this.#rootSpan({ ...known, outage: id, breaker, mode }, activeSpan());
    this.#prepared.set(breaker, { outage: id, span });
    const context = span.spanContext();
    return api.isSpanContextValid(context) ? carrierOf(context) : undefined;
  }

  #begin(event: OutageEvent): void {
    const { breaker } = event;
    const root = this.#beginPrepared(event) ?? this.#restored.get(breaker);
    this.#restored.delete(breaker);
    this.#ended.delete(breaker);
    const cause = activeSpan();
    this.#running.set(breaker, { event, cause, root, stale: 0, queued: 0, refused: 0 });
    this.rootOf(breaker);
    this.#stopCounting ??= this.#events.on('operation', (ended) => this.#count(ended));
  }

  #count({ breaker, outcome }: FallbackEvents['operation']): void {
    const running = this.#running.get(breaker);
    if (!running) return;
    if (outcome === 'stale' || outcome === 'entity') running.stale += 1;
    if (outcome === 'queued' || outcome === 'stored') running.queued += 1;
    if (outcome === 'failure') running.refused += 1;
  }

  #beginPrepared({ breaker, outage, since }: OutageEvent): api.SpanContext | undefined {
    const prepared = this.#prepared.get(breaker);
    this.#prepared.delete(breaker);
    if (prepared?.outage !== outage) return undefined;
    return this.#told(prepared.span, since);
  }

  #activate({ event, cause }: Running): api.SpanContext | undefined {
    return this.#told(this.#rootSpan(event, cause), event.since);
  }

  #told(span: api.Span, since: number): api.SpanContext | undefined {
    this.#tracer.finish(span, { endedAt: since + activation });
    const context = span.spanContext();
    return api.isSpanContextValid(context) ? context : undefined;
  }

  #rootSpan(event: OutageEvent, cause: api.SpanContext | undefined): api.Span {
    const options: api.SpanOptions = {
      attributes: attributesOf(event),
      startTime: event.since,
      links: cause ? [{ context: cause }] : [],
    };
    const label = `${spanName.activate} ${event.breaker}`;
    return startRoot(this.#tracer, label, options, this.#keep);
  }

  #end({ breaker, lastedMs, ...event }: FallbackEvents['deactivated']): void {
    const running = this.#running.get(breaker);
    if (!running) return;
    const root = this.rootOf(breaker);
    if (root) this.#ended.set(breaker, root);
    this.#running.delete(breaker);
    if (this.#running.size === 0) {
      this.#stopCounting?.();
      this.#stopCounting = undefined;
    }
    const attributes = {
      ...attributesOf({ ...event, breaker }),
      [attribute.outageDuration]: lastedMs / 1000,
      [attribute.outageStale]: running.stale,
      [attribute.outageQueued]: running.queued,
      [attribute.outageRefused]: running.refused,
    };
    const context = root ? api.trace.setSpanContext(api.ROOT_CONTEXT, root) : api.ROOT_CONTEXT;
    const cause = activeSpan();
    const links = cause ? [cause] : [];
    this.#tracer.point(`${spanName.outage} ${breaker}`, attributes, {
      context,
      startedAt: event.since,
      endedAt: event.since + lastedMs,
    });
    this.#tracer.point(`${spanName.deactivate} ${breaker}`, attributes, {
      context,
      links,
      startedAt: event.since + lastedMs,
    });
  }
}

function attributesOf({ breaker, mode, trigger, reason }: OutageEvent): api.Attributes {
  return {
    [attribute.breakerName]: breaker,
    [attribute.mode]: mode,
    [attribute.outageTrigger]: trigger,
    [attribute.outageReason]: reason,
  };
}
