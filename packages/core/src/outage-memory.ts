/** The outage of a breaker, kept over restarts of the process. */

import type { Breaker, Outage } from './breaker/breaker.ts';
import type { Clock } from './clock.ts';
import type { Emitter, FallbackEvents } from './events.ts';
import type { Change, Journal } from './journal.ts';
import type { Json } from './json.ts';
import type { LaneQueue } from './queue/lane-queue.ts';

/** When an outage that could not be stored is stored again, in ms. */
const againAfter = 1_000;
/** What is in the store is not known. */
const unknown = 'unknown';

/** Stores the outage where something is on disk anyway: nothing is touched for its sake alone. */
export class OutageMemory {
  readonly #journal: Journal;
  readonly #breaker: Breaker;
  readonly #queue: LaneQueue;
  readonly #clock: Clock;
  readonly #events: Emitter<FallbackEvents>;
  /** Id of the outage that is in the store. */
  #stored: string | undefined;
  #awake = false;

  constructor(
    journal: Journal,
    breaker: Breaker,
    queue: LaneQueue,
    clock: Clock,
    events: Emitter<FallbackEvents>,
  ) {
    this.#journal = journal;
    this.#breaker = breaker;
    this.#queue = queue;
    this.#clock = clock;
    this.#events = events;
    events.on('stateChange', () => this.#remember());
    events.on('queue', ({ event }) => {
      if (event === 'enqueued') this.#remember();
    });
  }

  /** An outage goes on over a restart; queued writes without one are tried with care. */
  resume(): void {
    const states = new Map(this.#journal.entries('state'));
    const stored: unknown = states.get(this.#key);
    const outage = isOutage(stored) ? stored : undefined;
    this.#stored = outage?.id;
    if (outage || this.#queue.counts().states.ready > 0) this.#breaker.resume(outage);
    this.#awake = true;
  }

  close(): void {
    this.#awake = false;
  }

  get #key(): string {
    return `breaker:${this.#breaker.name}`;
  }

  #remember(): void {
    const { outage } = this.#breaker;
    if (!this.#awake || this.#stored === outage?.id || (outage && this.#queue.size === 0)) return;
    this.#stored = outage?.id;
    const key = this.#key;
    const change: Change = outage
      ? { bucket: 'state', key, put: outage as unknown as Json }
      : { bucket: 'state', key, delete: true };
    this.#journal.commit([change], { lazy: true }).catch((error: unknown) => {
      this.#stored = unknown;
      this.#clock.after(againAfter, () => this.#remember());
      this.#events.emit('storeFailed', { store: this.#journal.kind, verb: 'state', error });
    });
  }
}

/** Somebody's hand, or another version, may have been in the store. */
function isOutage(stored: unknown): stored is Outage {
  if (typeof stored !== 'object' || stored === null) return false;
  const { id, since, trigger, reason } = stored as Partial<Outage>;
  return (
    [id, trigger, reason].every((text) => typeof text === 'string') && typeof since === 'number'
  );
}
