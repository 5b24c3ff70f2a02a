/** The outages of one breaker, one at a time: told when one begins, and when it is over. */

import { v7 as uuid } from 'uuid';
import type { Clock } from '../clock.ts';
import type { Emitter, FallbackEvents } from '../events.ts';
import type { FallbackMode } from '../mode.ts';
import type { Outage } from './breaker-state.ts';

interface Surroundings {
  readonly name: string;
  readonly clock: Clock;
  readonly events: Emitter<FallbackEvents>;
}

/** Keeps the present outage. What there is to tell is told by whoever asked, at the right time. */
export class Outages {
  readonly #around: Surroundings;
  #current: Outage | undefined;

  constructor(around: Surroundings) {
    this.#around = around;
  }

  get current(): Outage | undefined {
    return this.#current;
  }

  /** One begins, or one of an earlier process goes on; unless one runs. Answers how to tell it. */
  begin(outage: Omit<Outage, 'id'> & { readonly id?: string }, mode: FallbackMode): () => void {
    if (this.#current) return () => {};
    const { id = uuid(), since, trigger, reason } = outage;
    this.#current = { id, since, trigger, reason };
    const told = this.#told(this.#current, mode);
    return () => this.#around.events.emit('activated', told);
  }

  /** It is over. Answers how to tell it. */
  end(mode: FallbackMode): () => void {
    const outage = this.#current;
    this.#current = undefined;
    if (!outage) return () => {};
    const { clock, events } = this.#around;
    const told = { ...this.#told(outage, mode), lastedMs: Math.max(0, clock.now() - outage.since) };
    return () => events.emit('deactivated', told);
  }

  #told({ id, since, trigger, reason }: Outage, mode: FallbackMode): FallbackEvents['activated'] {
    return { breaker: this.#around.name, mode, trigger, reason, outage: id, since };
  }
}
