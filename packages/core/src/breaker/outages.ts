/** The outages of one breaker, one at a time: told when one begins, and when it is over. */

import { v7 as uuid } from 'uuid';
import type { Clock } from '../clock.ts';
import type { Emitter, FallbackEvents } from '../events.ts';
import type { FallbackMode } from '../mode.ts';
import type { Outage, Trigger } from './breaker-state.ts';

interface Surroundings {
  readonly name: string;
  readonly clock: Clock;
  readonly events: Emitter<FallbackEvents>;
}

/** Keeps the present outage. */
export class Outages {
  readonly #around: Surroundings;
  #current: Outage | undefined;

  constructor(around: Surroundings) {
    this.#around = around;
  }

  get current(): Outage | undefined {
    return this.#current;
  }

  /** One begins, unless one runs. */
  begin(
    trigger: Trigger,
    reason: string,
    mode: FallbackMode,
    since: number = this.#around.clock.now(),
  ): void {
    if (!this.#current) this.resume({ id: uuid(), since, trigger, reason }, mode);
  }

  /** One of an earlier process goes on. */
  resume(outage: Outage, mode: FallbackMode): void {
    this.#current = outage;
    this.#around.events.emit('activated', this.#told(outage, mode));
  }

  /** It is over: to be told by the function that this answers, once everything else is as it will be. */
  end(mode: FallbackMode): () => void {
    const outage = this.#current;
    this.#current = undefined;
    const { clock, events } = this.#around;
    if (!outage) return () => {};
    const lastedMs = clock.now() - outage.since;
    return () => events.emit('deactivated', { ...this.#told(outage, mode), lastedMs });
  }

  #told({ id, since, trigger, reason }: Outage, mode: FallbackMode) {
    return { breaker: this.#around.name, mode, trigger, reason, outage: id, since };
  }
}
