/** How the upstream is, and the kit itself: all components together. */

import type { Clock } from '../clock.ts';
import type { Emitter, FallbackEvents } from '../events.ts';
import type { HealthChecker, HealthStatus } from './checker.ts';
import { Component, type ComponentHealth } from './component.ts';

/** How health is checked. */
export interface HealthOptions {
  /** What of the upstream is checked. @default none */
  readonly checks?: readonly HealthChecker[];
  /** Time between checks while the breaker is closed, in ms, give or take 10 %; 0 for none. @default 30,000 */
  readonly interval?: number;
  /** Deadline of one check, in ms. @default 5,000 */
  readonly timeoutMs?: number;
  /** A healthy answer that took longer than this, in ms, counts as degraded. @default 1,000 */
  readonly degradedAbove?: number;
  /** After so many unhealthy checks of a component in a row `healthAlert` is told. @default 3 */
  readonly alertAfter?: number;
  /** How many results of each component are kept. @default 20 */
  readonly history?: number;
  /**
   * Share of reads, from 0 to 1, that answer from the cache at once while the upstream is degraded or
   * unhealthy. A read with nothing cached, and every write, goes to the upstream all the same. @default 0
   */
  readonly shedding?: number;
}

/** Asks how everything is. */
export interface HealthSurface {
  /** How the upstream is, as its checks show it. */
  readonly upstream: HealthStatus;
  /** Everything that is checked, with its history. */
  system(): SystemHealth;
}

/** How everything is. */
export interface SystemHealth {
  /** Of all components: the worst critical one, degraded where only others are not well. */
  readonly status: HealthStatus;
  /** Since when it is so, wall-clock ms. */
  readonly since: number;
  /** The same of the upstream's components alone: what reads are shed by. */
  readonly upstream: HealthStatus;
  readonly components: readonly ComponentHealth[];
}

interface Surroundings {
  readonly options: Required<HealthOptions>;
  /** Checks of the kit's own parts. */
  readonly own: readonly HealthChecker[];
  readonly clock: Clock;
  readonly events: Emitter<FallbackEvents>;
}

/** Keeps the components, and tells when their sum changes. */
export class Health implements HealthSurface {
  /** What is checked of the upstream. */
  readonly checks: readonly Component[];
  /** What is checked of the kit. */
  readonly own: readonly Component[];
  readonly #ended = new AbortController();
  readonly #suspicions: (() => void)[] = [];
  readonly #events: Emitter<FallbackEvents>;
  readonly #clock: Clock;
  #upstream: HealthStatus = 'unknown';
  #system: HealthStatus = 'unknown';
  #since: number;

  constructor({ options, own, clock, events }: Surroundings) {
    const { signal } = this.#ended;
    const component =
      (concerns: ComponentHealth['concerns']) =>
      (checker: HealthChecker): Component =>
        new Component(checker, { ...options, concerns, signal, clock, events });
    this.checks = options.checks.map(component('upstream'));
    this.own = own.map(component('kit'));
    this.#events = events;
    this.#clock = clock;
    this.#since = clock.now();
    events.on('healthChecked', () => this.#sumUp());
  }

  get upstream(): HealthStatus {
    return this.#upstream;
  }

  system(): SystemHealth {
    return {
      status: this.#system,
      since: this.#since,
      upstream: this.#upstream,
      components: [...this.checks, ...this.own].map((component) => component.health()),
    };
  }

  /** A call failed: a check may tell whether that was the upstream. */
  suspect(): void {
    for (const listener of this.#suspicions) listener();
  }

  onSuspicion(listener: () => void): void {
    this.#suspicions.push(listener);
  }

  /** Ends the checks that are under way: a hanging one must not keep the process alive. */
  close(): void {
    this.#ended.abort();
  }

  #sumUp(): void {
    const at = this.#clock.now();
    const upstream = overall(this.checks.map(asWhole));
    const system = overall([...this.checks, ...this.own].map(asWhole));
    const changes = [
      { of: 'upstream', from: this.#upstream, to: upstream, at },
      { of: 'system', from: this.#system, to: system, at },
    ] as const;
    if (system !== this.#system) this.#since = at;
    this.#upstream = upstream;
    this.#system = system;
    for (const change of changes)
      if (change.from !== change.to) this.#events.emit('healthChanged', change);
  }
}

/** The worst of the critical ones; the others make it degraded at most. What is not known does not count. */
export function overall(
  components: readonly { readonly status: HealthStatus; readonly critical: boolean }[],
): HealthStatus {
  const known = components.filter(({ status }) => status !== 'unknown');
  if (known.length === 0) return 'unknown';
  if (known.some(({ status, critical }) => critical && status === 'unhealthy')) return 'unhealthy';
  return known.every(({ status }) => status === 'healthy') ? 'healthy' : 'degraded';
}

/** What a component means for everything: one that speaks for some operations only is not critical then. */
function asWhole({ status, vital }: Component): { status: HealthStatus; critical: boolean } {
  return { status, critical: vital };
}
