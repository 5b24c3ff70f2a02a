/** Checks from time to time, when a call fails, and when a breaker wants to know. */

import type { Breakers } from '../breaker/breakers.ts';
import { type Clock, runOutside } from '../clock.ts';
import type { Emitter, FallbackEvents, Undo } from '../events.ts';
import { BreakerWatch } from './breaker-watch.ts';
import type { Health } from './health.ts';

interface MonitorOptions {
  readonly health: Health;
  /** Time between checks, in ms; 0 for none in the background. */
  readonly interval: number;
  readonly breakers: Breakers;
  readonly clock: Clock;
  readonly random: () => number;
  readonly events: Emitter<FallbackEvents>;
}

/** A check on demand serves all who ask within this time after it, in ms. */
const reusedFor = 1_000;
/** The first check comes within this share of the interval: many that start at once do not ask at once. */
const firstWithin = 0.1;

/**
 * Runs the checks of the upstream: in intervals and after failed calls while their breaker is closed, as
 * a prober while it is half-open, never while it is open. The kit's own parts are checked all the time.
 */
export class HealthMonitor {
  readonly #options: MonitorOptions;
  readonly #watches: readonly BreakerWatch[];
  #observedAt = Number.NEGATIVE_INFINITY;
  #asked: Promise<void> | undefined;
  #cancel: Undo | undefined;

  constructor(options: MonitorOptions) {
    this.#options = options;
    this.#watches = watchesOf(options);
    const { events, health } = options;
    // What was found during the outage is no news any more.
    events.on('deactivated', (outage) => {
      const concerns = this.#watches.some(({ breaker }) => breaker.name === outage.breaker);
      if (concerns && this.#cancel) this.#next(0);
    });
    health.onSuspicion(() => this.#suspect());
  }

  /** Begins the checks in intervals. */
  start(): void {
    const { interval, random } = this.#options;
    if (interval > 0) this.#next(interval * firstWithin * random());
  }

  stop(): void {
    this.#cancel?.();
    this.#cancel = undefined;
  }

  /** Checks on demand: one unhealthy answer trips the breaker that it is about; half-open, it is a try. */
  ask(): Promise<void> {
    this.#asked ??= runOutside(() => this.#ask()).finally(() =>
      this.#options.clock.after(reusedFor, () => {
        this.#asked = undefined;
      }),
    );
    return this.#asked;
  }

  async #ask(): Promise<void> {
    await Promise.all(this.#watches.map((watch) => watch.ask()));
  }

  #next(wait: number): void {
    this.stop();
    this.#cancel = this.#options.clock.after(wait, () => {
      const { interval, random, health } = this.#options;
      this.#next(interval * (0.9 + 0.2 * random()));
      for (const component of health.own) void component.check();
      this.#observe();
    });
  }

  /** A call failed: a check tells sooner than the next interval whether that was the upstream. */
  #suspect(): void {
    // Without a timer nothing is checked in the background.
    if (!this.#cancel || this.#watches.every(({ breaker }) => breaker.active)) return;
    if (this.#options.clock.elapsed() - this.#observedAt < reusedFor) return;
    runOutside(() => this.#observe());
  }

  #observe(): void {
    this.#observedAt = this.#options.clock.elapsed();
    for (const watch of this.#watches) void watch.observe();
  }
}

/** One watch for each breaker that a check speaks for, and for the manager's own. */
function watchesOf({ health, breakers, events }: MonitorOptions): readonly BreakerWatch[] {
  const named = health.checks.map((component) => {
    const { name, breaker } = component.checker;
    return { component, breaker: breakers.of(`the health check '${name}'`, breaker) };
  });
  const all = new Set([breakers.own, ...named.map(({ breaker }) => breaker)]);
  return [...all].map((breaker) => {
    const components = named.filter((each) => each.breaker === breaker);
    return new BreakerWatch(
      breaker,
      components.map(({ component }) => component),
      events,
    );
  });
}
