/** Checks from time to time, when a call fails, and when the breaker wants to know. */

import type { Breaker } from '../breaker/breaker.ts';
import type { Permit } from '../breaker/permit.ts';
import { type Clock, runOutside } from '../clock.ts';
import type { Emitter, FallbackEvents, Undo } from '../events.ts';
import type { Checked, Component } from './component.ts';
import type { Health } from './health.ts';

interface MonitorOptions {
  readonly health: Health;
  /** Time between checks, in ms; 0 for none in the background. */
  readonly interval: number;
  readonly breaker: Breaker;
  readonly clock: Clock;
  readonly random: () => number;
  readonly events: Emitter<FallbackEvents>;
}

/** A check on demand serves all who ask within this time after it, in ms. */
const reusedFor = 1_000;
/** Unhealthy checks of a critical component in a row that trip the breaker. */
const unhealthyInARow = 3;
/** The first check comes within this share of the interval: many that start at once do not ask at once. */
const firstWithin = 0.1;

/**
 * Runs the checks of the upstream: in intervals and after failed calls while the breaker is closed, as
 * a prober while it is half-open, never while it is open. The kit's own parts are checked all the time.
 */
export class HealthMonitor {
  readonly #options: MonitorOptions;
  /** Unhealthy checks in a row since the breaker closed, of each critical component. */
  readonly #unhealthy = new Map<Component, number>();
  #observing = false;
  #observedAt = Number.NEGATIVE_INFINITY;
  #asked: Promise<void> | undefined;
  #cancel: Undo | undefined;

  constructor(options: MonitorOptions) {
    this.#options = options;
    const { breaker, events } = options;
    events.on('activated', (outage) => {
      if (outage.breaker === breaker.name) this.#unhealthy.clear();
    });
    // What was found during the outage is no news any more.
    events.on('deactivated', (outage) => {
      if (outage.breaker === breaker.name && this.#cancel) this.#next(0);
    });
    events.on('attempt', ({ result }) => {
      if (result === 'unavailable' || result === 'unknown') this.#suspect();
    });
    breaker.addProber('check', {
      wants: () => this.#applicable.some(({ proves }) => proves),
      probe: () => {
        const permit = breaker.admit('check');
        if (permit) runOutside(() => void this.#probe(permit));
      },
    });
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

  /** Checks on demand: one unhealthy answer trips the breaker; half-open, it is a try. */
  ask(): Promise<void> {
    this.#asked ??= runOutside(() => this.#ask()).finally(() =>
      this.#options.clock.after(reusedFor, () => {
        this.#asked = undefined;
      }),
    );
    return this.#asked;
  }

  get #applicable(): readonly Component[] {
    return this.#options.health.checks.filter(({ applies }) => applies);
  }

  #next(wait: number): void {
    this.stop();
    this.#cancel = this.#options.clock.after(wait, () => {
      const { interval, random, health, breaker } = this.#options;
      this.#next(interval * (0.9 + 0.2 * random()));
      for (const component of health.own) void component.check();
      if (!breaker.active) void this.#observe();
    });
  }

  /** A call failed: a check tells sooner than the next interval whether that was the upstream. */
  #suspect(): void {
    const { clock, breaker } = this.#options;
    // Without a timer nothing is checked in the background.
    if (!this.#cancel || breaker.active) return;
    if (clock.elapsed() - this.#observedAt < reusedFor) return;
    runOutside(() => void this.#observe());
  }

  async #ask(): Promise<void> {
    const { breaker } = this.#options;
    if (breaker.state.kind === 'closed') {
      const down = (await seen(this.#applicable)).find(isDown);
      if (down) breaker.trip(down.component.checker.name);
      return;
    }
    const permit = breaker.admit('check');
    if (permit) await this.#probe(permit);
  }

  /** Asks whether a half-open upstream works. */
  async #probe(permit: Permit): Promise<void> {
    const components = this.#applicable;
    for (const component of components) void component.check();
    try {
      // Those that are not critical are checked, too, but nobody waits for them.
      const results = await seen(components.filter(({ critical }) => critical));
      const down = results.find(isDown);
      if (down) permit.fail(down.component.checker.name);
      else if (results.some(({ component, works }) => works && component.proves)) permit.succeed();
    } finally {
      permit.release();
    }
  }

  async #observe(): Promise<void> {
    const { clock, breaker } = this.#options;
    if (this.#observing) return;
    this.#observing = true;
    this.#observedAt = clock.elapsed();
    for (const one of await seen(this.#applicable)) {
      const before = this.#unhealthy.get(one.component) ?? 0;
      this.#unhealthy.set(one.component, isDown(one) ? before + 1 : 0);
    }
    this.#observing = false;
    const down = [...this.#unhealthy].find(([, inARow]) => inARow >= unhealthyInARow);
    if (down) breaker.trip(down[0].checker.name);
  }
}

interface Seen extends Checked {
  readonly component: Component;
}

function seen(components: readonly Component[]): Promise<readonly Seen[]> {
  return Promise.all(
    components.map(async (component) => ({ component, ...(await component.check()) })),
  );
}

/** Whether the upstream is down, as this component shows it. */
function isDown({ component, status }: Seen): boolean {
  return component.critical && status === 'unhealthy';
}
