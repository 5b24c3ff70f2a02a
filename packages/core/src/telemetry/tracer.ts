/** Spans of one manager, through whatever tracer provider holds now. */

import * as api from '@opentelemetry/api';
import { attribute, scope } from './contract.ts';

/** How a span ends. */
export interface SpanEnd {
  readonly attributes?: api.Attributes;
  readonly error?: boolean;
  /** Wall-clock ms. @default now */
  readonly endedAt?: number;
}

/** What a point span may be told, besides its attributes. */
export interface PointOptions {
  readonly links?: readonly api.SpanContext[];
  /** Under which it stands. @default the active context */
  readonly context?: api.Context;
  /** When it began, in wall-clock ms. @default now */
  readonly startedAt?: number;
  /** When it ended. @default a moment after it began */
  readonly endedAt?: number;
  readonly error?: boolean;
}

/** A point span lasts this long, in ms: equal times draw warnings in backends. */
const moment = 0.002;

/** Makes spans that carry the manager's name. What the SDK throws must not cost a call: it is said once. */
export class Tracer {
  readonly #common: api.Attributes;
  readonly #now: () => number;
  readonly #warn: (message: string) => void;
  #warned = false;
  #provider: api.TracerProvider | undefined;
  #tracer: api.Tracer | undefined;

  constructor(name: string, now: () => number, warn: (message: string) => void) {
    this.#common = { [attribute.name]: name };
    this.#now = now;
    this.#warn = warn;
  }

  /** Wall-clock ms. */
  now(): number {
    return this.#now();
  }

  /** A tracer that was taken before the SDK starts may stay dead for ever: bound anew when the provider is another. */
  get #bound(): api.Tracer {
    const provider = api.trace.getTracerProvider();
    if (!this.#tracer || provider !== this.#provider) {
      this.#provider = provider;
      this.#tracer = provider.getTracer(scope.name, scope.version, { schemaUrl: scope.schemaUrl });
    }
    return this.#tracer;
  }

  start(label: string, options: api.SpanOptions, context?: api.Context): api.Span {
    const attributes = { ...this.#common, ...options.attributes };
    return this.#start(label, { ...options, attributes }, context);
  }

  /** Starts a span in the active context whose attributes hold the manager's name already. */
  begin(label: string, attributes: api.Attributes): api.Span {
    return this.#start(label, { attributes });
  }

  #start(label: string, options: api.SpanOptions, context?: api.Context): api.Span {
    try {
      return this.#bound.startSpan(label, options, context);
    } catch (error) {
      this.#failed(error);
      return api.trace.wrapSpanContext(api.INVALID_SPAN_CONTEXT);
    }
  }

  /** Ends a span; every span is ended here. */
  finish(span: api.Span, { attributes, error, endedAt }: SpanEnd = {}): void {
    try {
      if (attributes) span.setAttributes(attributes);
      if (error) span.setStatus({ code: api.SpanStatusCode.ERROR });
      span.end(endedAt);
    } catch (cause) {
      this.#failed(cause);
    }
  }

  /** Writes a span for a moment, or for a time that is over. */
  point(label: string, attributes: api.Attributes, options: PointOptions = {}): api.Span {
    const { links = [], context, startedAt = this.#now() } = options;
    const span = this.start(
      label,
      { attributes, startTime: startedAt, links: links.map((link) => ({ context: link })) },
      context,
    );
    const endedAt = Math.max(options.endedAt ?? 0, startedAt + moment);
    this.finish(span, { endedAt, ...(options.error && { error: true }) });
    return span;
  }

  #failed(error: unknown): void {
    if (!this.#warned) this.#warn(`The OpenTelemetry SDK threw: ${String(error)}`);
    this.#warned = true;
  }
}

/** The span that is active here, if it is one. */
export function activeSpan(): api.SpanContext | undefined {
  const context = api.trace.getSpanContext(api.context.active());
  return context && api.isSpanContextValid(context) ? context : undefined;
}

/** Runs something with a span as the active one. */
export function runWithin<T>(span: api.Span, call: () => T): T {
  return api.context.with(api.trace.setSpan(api.context.active(), span), call);
}

/** Whether a span is on its way to a backend. */
export function isSampled(context: api.SpanContext): boolean {
  return (context.traceFlags & api.TraceFlags.SAMPLED) !== 0;
}

/**
 * Starts a root span; where it is to be kept, again and again until a sampler takes it. At 1 % that is
 * certain within the tries, and takes about a millisecond; a slow SDK must not hold up the call.
 */
export function startRoot(
  tracer: Tracer,
  label: string,
  options: api.SpanOptions,
  keep: boolean,
): api.Span {
  const startedAt = tracer.now();
  for (let tries = 1; ; tries += 1) {
    const span = tracer.start(label, { ...options, root: true }, api.ROOT_CONTEXT);
    const context = span.spanContext();
    const taken = isSampled(context) || !api.isSpanContextValid(context);
    const enough = tries >= mostTries || tracer.now() - startedAt >= longest;
    if (taken || !keep || enough) return span;
  }
}

const mostTries = 5_000;
/** Longest time of all tries, in ms. */
const longest = 50;
