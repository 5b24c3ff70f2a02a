/** The outages of one breaker, one at a time: told when one begins, and when it is over. */

import type { Clock } from '../clock.ts';
import type { Counsel } from '../council/council.ts';
import type { Emitter, FallbackEvents } from '../events.ts';
import { newId } from '../ids.ts';
import type { FallbackMode } from '../mode.ts';
import type { Outage } from './breaker-state.ts';

interface Surroundings {
  readonly name: string;
  readonly clock: Clock;
  readonly events: Emitter<FallbackEvents>;
  /** Of other instances. */
  readonly council: Counsel;
}

/** Tells something, now or in a moment. */
export type News = () => Promise<void> | void;

/** What is known of an outage that begins. */
export interface Beginning extends Omit<Outage, 'id'> {
  /** Given where it began before. */
  readonly id?: string;
  /** Another instance has begun it. */
  readonly joined?: true;
}

/** Keeps the present outage. What there is to tell is told by whoever asked, at the right time. */
export class Outages {
  readonly #around: Surroundings;
  /** Its id may become another one, until it is told. */
  #current: { -readonly [Member in keyof Outage]: Outage[Member] } | undefined;

  constructor(around: Surroundings) {
    this.#around = around;
  }

  get current(): Outage | undefined {
    return this.#current;
  }

  /**
   * One begins, or one of an earlier process goes on; unless one runs. Answers how to tell it; where others
   * may know it, that takes until it is known whose it is.
   */
  begin(outage: Beginning, mode: FallbackMode): News {
    if (this.#current) return () => {};
    const { id = newId(), since, trigger, reason, joined = false } = outage;
    const begun = { id, since, trigger, reason };
    this.#current = begun;
    const { name, council, events } = this.#around;
    const naming = outage.id === undefined ? council.named(name, { ...begun }) : undefined;
    const tell = (isTheirs: boolean) => {
      const told = this.#told(begun, mode);
      events.emit('activated', isTheirs ? { ...told, joined: true } : told);
    };
    if (!naming) return () => tell(joined);
    return () =>
      naming.then((known) => {
        if (known) begun.id = known.id;
        tell(known !== undefined);
      });
  }

  /** It is over. Answers how to tell it. */
  end(mode: FallbackMode): News {
    const outage = this.#current;
    this.#current = undefined;
    if (!outage) return () => {};
    const { clock, events } = this.#around;
    const lastedMs = Math.max(0, clock.now() - outage.since);
    return () => events.emit('deactivated', { ...this.#told(outage, mode), lastedMs });
  }

  #told({ id, since, trigger, reason }: Outage, mode: FallbackMode): FallbackEvents['activated'] {
    return { breaker: this.#around.name, mode, trigger, reason, outage: id, since };
  }
}
