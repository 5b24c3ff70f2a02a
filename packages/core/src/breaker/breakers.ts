/** A manager's breakers by name: its own, and those that some of its operations share. */

import type { Clock } from '../clock.ts';
import type { Emitter, FallbackEvents } from '../events.ts';
import type { FallbackMode } from '../mode.ts';
import { Breaker, type BreakerOptions } from './breaker.ts';

interface Surroundings {
  /** The manager's name, which its own breaker bears. */
  readonly name: string;
  readonly breaker: Required<BreakerOptions>;
  readonly mode: FallbackMode;
  readonly clock: Clock;
  readonly random: () => number;
  readonly events: Emitter<FallbackEvents>;
}

/** Every breaker owns its outage; operations that name none share the manager's own. */
export class Breakers implements Iterable<Breaker> {
  /** The manager's own. */
  readonly own: Breaker;
  readonly #around: Surroundings;
  readonly #byName = new Map<string, Breaker>();
  readonly #listeners: ((breaker: Breaker) => void)[] = [];

  constructor(around: Surroundings) {
    this.#around = around;
    this.own = this.get();
  }

  /** The breaker of that name, made when it is not there; without a name the manager's own. */
  get(name: string = this.#around.name, options: BreakerOptions = {}): Breaker {
    const known = this.#byName.get(name);
    if (known) return known;
    const breaker = new Breaker({ ...this.#around.breaker, ...options }, { ...this.#around, name });
    this.#byName.set(name, breaker);
    for (const listener of this.#listeners) listener(breaker);
    return breaker;
  }

  find(name: string): Breaker | undefined {
    return this.#byName.get(name);
  }

  /** Tells of each breaker: of those that are there now, and of those that come. */
  onEach(listener: (breaker: Breaker) => void): void {
    this.#listeners.push(listener);
    for (const breaker of this) listener(breaker);
  }

  [Symbol.iterator](): Iterator<Breaker> {
    return this.#byName.values();
  }
}
