/** Checks the upstream from time to time, and when its breaker wants to know. */

import type { Breaker } from '../breaker/breaker.ts';
import type { Permit } from '../breaker/permit.ts';
import { type Clock, runOutside } from '../clock.ts';
import type { Emitter, FallbackEvents, Undo } from '../events.ts';
import { createDeadline, type Deadline } from '../policy/deadline.ts';
import type { HealthChecker, HealthStatus } from './checker.ts';

/** How health is checked. */
export interface HealthOptions {
  readonly checks?: readonly HealthChecker[];
  /** Time between checks while the breaker is closed, in ms, give or take 10 %; 0 for none. @default 30,000 */
  readonly interval?: number;
  /** Deadline of one check, in ms. @default 5,000 */
  readonly timeoutMs?: number;
}

/** How a component was when it was last checked. */
export interface ComponentHealth {
  readonly name: string;
  readonly status: HealthStatus;
  /** Wall-clock ms; absent before the first check. */
  readonly checkedAt?: number;
  readonly tookMs?: number;
}

interface MonitorOptions {
  readonly health: Required<HealthOptions>;
  readonly breaker: Breaker;
  readonly clock: Clock;
  readonly random: () => number;
  readonly events: Emitter<FallbackEvents>;
}

interface Checked {
  readonly checker: HealthChecker;
  readonly status: HealthStatus;
}

/** A check on demand serves all who ask within this time after it, in ms. */
const reusedFor = 1_000;
/** Unhealthy checks in a row that trip the breaker. */
const unhealthyInARow = 3;

/** Runs the checks: in intervals while closed, as a prober while half-open, never while open. */
export class HealthMonitor {
  readonly #options: MonitorOptions;
  readonly #deadline: Deadline;
  readonly #components = new Map<string, ComponentHealth>();
  #unhealthy = 0;
  #observing = false;
  #asked: Promise<void> | undefined;
  #cancel: Undo | undefined;

  constructor(options: MonitorOptions) {
    this.#options = options;
    this.#deadline = createDeadline(options.health.timeoutMs, options.clock);
    for (const { name } of options.health.checks)
      this.#components.set(name, { name, status: 'unknown' });
    options.events.on('activated', () => {
      this.#unhealthy = 0;
    });
    options.breaker.addProber('check', {
      wants: () => this.#applicable.some(({ proves }) => proves ?? true),
      probe: () => {
        const permit = options.breaker.admit('check');
        if (permit) runOutside(() => void this.#probe(permit));
      },
    });
  }

  /** Begins the checks in intervals. */
  start(): void {
    const { interval, checks } = this.#options.health;
    if (interval === 0 || checks.length === 0) return;
    const wait = interval * (0.9 + 0.2 * this.#options.random());
    this.#cancel = this.#options.clock.after(wait, () => {
      this.start();
      if (!this.#options.breaker.active) void this.#observe();
    });
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

  status(): readonly ComponentHealth[] {
    return [...this.#components.values()];
  }

  get #applicable(): readonly HealthChecker[] {
    return this.#options.health.checks.filter(({ applies }) => {
      try {
        return applies?.() ?? true;
      } catch {
        return false;
      }
    });
  }

  async #ask(): Promise<void> {
    const { breaker } = this.#options;
    if (breaker.state.kind === 'closed') {
      const results = await this.#checkAll();
      if (results.some(({ status }) => status === 'unhealthy')) breaker.trip('health');
      return;
    }
    const permit = breaker.admit('check');
    if (permit) await this.#probe(permit);
  }

  /** Asks whether a half-open upstream works. */
  async #probe(permit: Permit): Promise<void> {
    try {
      const results = await this.#checkAll();
      const proved = ({ checker, status }: Checked) =>
        status === 'healthy' && (checker.proves ?? true);
      if (results.some(({ status }) => status === 'unhealthy')) permit.fail('health');
      else if (results.some(proved)) permit.succeed();
    } finally {
      permit.release();
    }
  }

  async #observe(): Promise<void> {
    if (this.#observing) return;
    this.#observing = true;
    const results = await this.#checkAll();
    this.#observing = false;
    const unhealthy = results.some(({ status }) => status === 'unhealthy');
    this.#unhealthy = unhealthy ? this.#unhealthy + 1 : 0;
    if (this.#unhealthy < unhealthyInARow) return;
    this.#unhealthy = 0;
    this.#options.breaker.trip('health');
  }

  #checkAll(): Promise<readonly Checked[]> {
    return Promise.all(
      this.#applicable.map(async (checker) => ({ checker, status: await this.#check(checker) })),
    );
  }

  async #check({ name, check }: HealthChecker): Promise<HealthStatus> {
    const { clock, events } = this.#options;
    const started = clock.elapsed();
    const status = await this.#deadline(
      async (context) => (await check(context)) ?? 'healthy',
    ).catch(() => 'unhealthy' as const);
    const tookMs = clock.elapsed() - started;
    this.#components.set(name, { name, status, checkedAt: clock.now(), tookMs });
    events.emit('healthChecked', { component: name, status, durationMs: tookMs });
    return status;
  }
}
