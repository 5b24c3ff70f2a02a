/** Spans for moments that features tell as events: transitions, lookups, health checks. */

import * as api from '@opentelemetry/api';
import type { Emitter, FallbackEvents } from '../events.ts';
import { attribute, spanName } from './contract.ts';
import type { OutageTrace } from './outage-trace.ts';
import { isTraced } from './sdk.ts';
import type { TelemetryLevels } from './telemetry-options.ts';
import type { Tracer } from './tracer.ts';

/** During an outage a check that says what the one before said is told after so long, doubling, in ms. */
const firstReminder = 60_000;

/** Writes them as they happen. `defaultBreaker` is the one whose outage checks belong to. */
export function writeEventSpans(
  defaultBreaker: string,
  tracer: Tracer,
  outages: OutageTrace,
  events: Emitter<FallbackEvents>,
  levels: TelemetryLevels,
): void {
  events.on('stateChange', ({ breaker, from, to, reason }) => {
    const root = outages.rootOf(breaker);
    const attributes = {
      [attribute.breakerName]: breaker,
      [attribute.breakerPreviousState]: from,
      [attribute.breakerState]: to,
      [attribute.breakerReason]: reason,
    };
    tracer.point(`${spanName.breakerTransition} ${breaker}`, attributes, {
      links: root ? [root] : [],
    });
  });

  if (levels.spans.cache === 'span')
    events.on('cacheLookup', ({ result, ageMs, fallback }) => {
      if ((result === 'miss' && !fallback) || !isTraced()) return;
      tracer.point(spanName.cacheGet, {
        [attribute.cacheResult]: result,
        ...(ageMs !== undefined && { [attribute.cacheAge]: ageMs / 1000 }),
      });
    });

  const checks = new CheckSpans(defaultBreaker, tracer, outages);
  events.on('healthChecked', (event) => checks.write(event));
  events.on('deactivated', ({ breaker }) => {
    if (breaker === defaultBreaker) checks.forget();
  });
}

/** Checks: each while all is well; during an outage what changed, and now and then what did not. */
class CheckSpans {
  readonly #breaker: string;
  readonly #tracer: Tracer;
  readonly #outages: OutageTrace;
  readonly #told = new Map<string, { status: string; since: number; step: number }>();

  constructor(breaker: string, tracer: Tracer, outages: OutageTrace) {
    this.#breaker = breaker;
    this.#tracer = tracer;
    this.#outages = outages;
  }

  write({ component, status, durationMs }: FallbackEvents['healthChecked']): void {
    const now = this.#tracer.now();
    const trigger = this.#outages.triggerOf(this.#breaker);
    if (trigger && !this.#worthTelling(component, status, now)) return;
    const root = this.#outages.rootOf(this.#breaker);
    const context = root ? api.trace.setSpanContext(api.ROOT_CONTEXT, root) : api.ROOT_CONTEXT;
    const attributes = {
      [attribute.healthComponent]: component,
      [attribute.healthStatus]: status,
      [attribute.healthLatency]: durationMs / 1000,
      ...(trigger && { [attribute.outageTrigger]: trigger }),
    };
    this.#tracer.point(`${spanName.healthCheck} ${component}`, attributes, {
      context,
      startedAt: now - durationMs,
      endedAt: now,
      error: status === 'unhealthy',
    });
  }

  /** The outage is over. */
  forget(): void {
    this.#told.clear();
  }

  #worthTelling(component: string, status: string, now: number): boolean {
    const told = this.#told.get(component);
    if (told && told.status === status) {
      const lasts = now - told.since;
      if (lasts < told.step) return false;
      while (told.step <= lasts) told.step *= 2;
      return true;
    }
    this.#told.set(component, { status, since: now, step: firstReminder });
    return true;
  }
}
