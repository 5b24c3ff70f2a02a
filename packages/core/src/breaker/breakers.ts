/** A manager's breakers by name: its own, and those that some of its operations share. */

import type { Clock } from '../clock.ts';
import type { Council } from '../council/council.ts';
import type { Emitter, FallbackEvents, Undo } from '../events.ts';
import type { FallbackMode } from '../mode.ts';
import { Breaker, type BreakerCalls } from './breaker.ts';
import type { BreakerOptions } from './breaker-options.ts';
import type { HealthSource } from './health-levels.ts';
import type { BreakerPlan } from './manager-breaker-options.ts';

interface Surroundings {
  /** The manager's name, which its own breaker bears. */
  readonly name: string;
  /** How a breaker decides unless it was told otherwise. */
  readonly breaker: BreakerPlan;
  readonly health: HealthSource;
  readonly mode: FallbackMode;
  readonly clock: Clock;
  readonly random: () => number;
  readonly events: Emitter<FallbackEvents>;
  /** With other instances. */
  readonly council: Council;
}

/** Hears of a breaker that is there; may answer what to do when it is removed. */
type BreakerListener = (breaker: Breaker) => Undo | undefined;

/** Every breaker owns its outage; operations that name none share the manager's own. */
export class Breakers implements Iterable<Breaker> {
  /** The manager's own. */
  readonly own: Breaker;
  readonly #around: Surroundings;
  readonly #byName = new Map<string, Breaker>();
  /** Counts by name; those of a removed breaker stay, since what was counted must not shrink. */
  readonly #calls = new Map<string, BreakerCalls>();
  /** Operations behind each. */
  readonly #users = new Map<Breaker, string[]>();
  readonly #listeners: BreakerListener[] = [];
  readonly #leaving = new Map<Breaker, Undo[]>();

  constructor(around: Surroundings) {
    this.#around = around;
    this.own = this.get();
  }

  /**
   * The breaker of that name, made when it is not there; without a name the manager's own. Options
   * change one that is there, without losing its state.
   *
   * @throws {TypeError} when an option is wrong
   */
  get(name: string = this.#around.name, options?: BreakerOptions): Breaker {
    const known = this.#byName.get(name);
    if (known) {
      if (options) known.configure(options);
      return known;
    }
    const { breaker: plan, health } = this.#around;
    const calls = this.#calls.get(name) ?? { success: 0, failure: 0, refused: 0 };
    const breaker = new Breaker(plan.source(options, health), {
      ...this.#around,
      name,
      calls,
    });
    this.#byName.set(name, breaker);
    this.#calls.set(name, calls);
    for (const listener of this.#listeners) this.#tell(listener, breaker);
    return breaker;
  }

  /** The breaker of an operation that is declared: it cannot be removed any more. */
  of(operation: string, name?: string): Breaker {
    const breaker = this.get(name);
    this.#users.set(breaker, [...(this.#users.get(breaker) ?? []), operation]);
    return breaker;
  }

  find(name: string): Breaker | undefined {
    return this.#byName.get(name);
  }

  /**
   * Forgets a breaker; its outage is over. False when there is none of that name.
   *
   * @throws {Error} when it is the manager's own, or an operation's
   */
  remove(name: string): boolean {
    const breaker = this.#byName.get(name);
    if (!breaker) return false;
    const users = breaker === this.own ? ['the manager'] : (this.#users.get(breaker) ?? []);
    if (users.length > 0)
      throw new Error(
        `Expected the breaker '${name}' to be nobody's, it is that of ${users.join(', ')}`,
      );
    breaker.reset();
    breaker.close();
    for (const leave of this.#leaving.get(breaker) ?? []) leave();
    this.#leaving.delete(breaker);
    this.#byName.delete(name);
    return true;
  }

  /** What was counted under names that are no more. */
  get removed(): readonly { readonly name: string; readonly calls: BreakerCalls }[] {
    return [...this.#calls].flatMap(([name, calls]) =>
      this.#byName.has(name) ? [] : { name, calls },
    );
  }

  /** Tells of each breaker: of those that are there now, and of those that come. */
  onEach(listener: BreakerListener): void {
    this.#listeners.push(listener);
    for (const breaker of this) this.#tell(listener, breaker);
  }

  [Symbol.iterator](): Iterator<Breaker> {
    return this.#byName.values();
  }

  #tell(listener: BreakerListener, breaker: Breaker): void {
    const leave = listener(breaker);
    if (leave) this.#leaving.set(breaker, [...(this.#leaving.get(breaker) ?? []), leave]);
  }
}
