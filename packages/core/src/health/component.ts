/** One component that is checked: how it is, since when, and how it was. */

import type { Clock } from '../clock.ts';
import type { Emitter, FallbackEvents } from '../events.ts';
import { Deadline } from '../policy/deadline.ts';
import { inTime } from '../policy/in-time.ts';
import { type HealthChecker, type HealthStatus, healthStatuses } from './checker.ts';

/** What one check came to. */
export interface HealthResult {
  /** Wall-clock ms. */
  readonly at: number;
  readonly status: HealthStatus;
  readonly tookMs: number;
}

/** How a component is. */
export interface ComponentHealth {
  readonly name: string;
  /** The upstream, or the kit's own parts, which say nothing about the upstream. */
  readonly concerns: 'upstream' | 'kit';
  readonly critical: boolean;
  readonly status: HealthStatus;
  /** Since when it is so, wall-clock ms. */
  readonly since: number;
  /** Wall-clock ms; absent before the first check. */
  readonly checkedAt?: number;
  readonly tookMs?: number;
  /** How many checks in a row came to this status. */
  readonly streak: number;
  /** Failed so often in a row that it was told, and not well again. */
  readonly alerting: boolean;
  /** The last results, the oldest first. */
  readonly history: readonly HealthResult[];
}

/** What a check came to, and whether it saw the component do its work. */
export interface Checked {
  readonly status: HealthStatus;
  /** It answered that it is well, however long that took. */
  readonly works: boolean;
}

interface Surroundings {
  readonly concerns: ComponentHealth['concerns'];
  /** Deadline of a check, unless it has its own, in ms. */
  readonly timeoutMs: number;
  /** Above this a healthy answer is degraded, unless it has its own threshold, in ms. */
  readonly degradedAbove: number;
  /** Results that are kept. */
  readonly history: number;
  /** Failures in a row after which it is told. */
  readonly alertAfter: number;
  /** Aborts when nothing is to be checked any more. */
  readonly signal: AbortSignal;
  readonly clock: Clock;
  readonly events: Emitter<FallbackEvents>;
}

/** Runs one checker, one check at a time, and remembers what came of it. */
export class Component {
  readonly checker: HealthChecker;
  readonly concerns: ComponentHealth['concerns'];
  readonly critical: boolean;
  readonly #around: Surroundings;
  readonly #deadline: Deadline;
  readonly #history: HealthResult[] = [];
  #status: HealthStatus = 'unknown';
  #since: number;
  #streak = 0;
  #alerting = false;
  #running: Promise<Checked> | undefined;
  #warned = false;

  constructor(checker: HealthChecker, around: Surroundings) {
    this.checker = checker;
    this.concerns = around.concerns;
    this.critical = checker.critical ?? true;
    this.#around = around;
    this.#deadline = new Deadline(checker.timeoutMs ?? around.timeoutMs, around.clock);
    this.#since = around.clock.now();
  }

  get status(): HealthStatus {
    return this.#status;
  }

  /** Whether the upstream as a whole is down when it is: not where it speaks for some operations only. */
  get vital(): boolean {
    return this.critical && this.checker.breaker === undefined;
  }

  /** Whether a healthy answer proves that the upstream works. */
  get proves(): boolean {
    return this.critical && (this.checker.proves ?? true);
  }

  /** Whether there is anything to check with. */
  get applies(): boolean {
    try {
      return this.checker.applies?.() ?? true;
    } catch {
      return false;
    }
  }

  /** Checks; whoever asks while a check is under way shares it. Never rejects. */
  check(): Promise<Checked> {
    this.#running ??= this.#check().finally(() => {
      this.#running = undefined;
    });
    return this.#running;
  }

  health(): ComponentHealth {
    const last = this.#history.at(-1);
    return {
      name: this.checker.name,
      concerns: this.concerns,
      critical: this.critical,
      status: this.#status,
      since: this.#since,
      ...(last && { checkedAt: last.at, tookMs: last.tookMs }),
      streak: this.#streak,
      alerting: this.#alerting,
      history: [...this.#history],
    };
  }

  async #check(): Promise<Checked> {
    const { clock, signal: ended } = this.#around;
    const started = clock.elapsed();
    const answer = await inTime(
      this.#deadline,
      async ({ signal }) => this.#understood(await this.checker.check({ signal })),
      ended,
    ).catch(() => 'unhealthy' as const);
    // Nothing was learnt, and nobody asks any more.
    if (ended.aborted) return { status: 'unknown', works: false };
    const tookMs = Math.round(clock.elapsed() - started);
    const works = answer === 'healthy';
    const slow = works && tookMs > (this.checker.degradedAbove ?? this.#around.degradedAbove);
    const status = slow ? 'degraded' : answer;
    this.#note({ at: clock.now(), status, tookMs });
    return { status, works };
  }

  /** JavaScript may answer anything: what is no status tells nothing. */
  #understood(answer: unknown): HealthStatus {
    if (answer === undefined) return 'healthy';
    const known = healthStatuses.find((status) => status === answer);
    if (known) return known;
    if (!this.#warned)
      this.#around.events.emit('warning', {
        message: `The health check '${this.checker.name}' answered something that is no status: expected ${healthStatuses.join(', ')} or nothing`,
      });
    this.#warned = true;
    return 'unknown';
  }

  #note(result: HealthResult): void {
    const { history, events } = this.#around;
    const { at, status, tookMs } = result;
    this.#streak = status === this.#status ? this.#streak + 1 : 1;
    if (status !== this.#status) this.#since = at;
    this.#status = status;
    this.#history.push(result);
    if (this.#history.length > history) this.#history.shift();
    events.emit('healthChecked', { component: this.checker.name, status, durationMs: tookMs });
    this.#alert(at);
  }

  /** Told once when it has failed often enough, and once when it is well again. */
  #alert(at: number): void {
    const { alertAfter, events } = this.#around;
    // A check that told nothing interrupts the row, not the alert.
    const failing = this.#status === 'unhealthy';
    const raised = failing && (this.#alerting || this.#streak >= alertAfter);
    if (raised === this.#alerting || this.#status === 'unknown') return;
    this.#alerting = raised;
    const { critical } = this;
    const component = this.checker.name;
    events.emit('healthAlert', { component, critical, raised, since: this.#since, at });
  }
}
