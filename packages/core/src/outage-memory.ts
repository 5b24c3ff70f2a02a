/** The outages of breakers, kept over restarts of the process. */

import type { Breaker } from './breaker/breaker.ts';
import { type Isolation, type Outage, triggers } from './breaker/breaker-state.ts';
import type { Breakers } from './breaker/breakers.ts';
import type { Clock } from './clock.ts';
import type { Emitter, FallbackEvents, Undo } from './events.ts';
import type { Change, Journal } from './journal.ts';
import type { Json } from './json.ts';
import { fallbackModes } from './mode.ts';
import type { DrainFlows } from './queue/drain-flow.ts';
import type { LaneQueue } from './queue/lane-queue.ts';
import type { TraceCarrier } from './queue/operation-record.ts';
import type { Tracing } from './telemetry/tracing.ts';

/** When an outage that could not be stored is stored again, in ms. */
const againAfter = 1_000;
/** What is in the store is not known. */
const unknown = 'unknown';

/** What it works with. */
interface Surroundings {
  readonly store: Journal;
  readonly queue: LaneQueue;
  readonly flows: DrainFlows;
  readonly clock: Clock;
  readonly events: Emitter<FallbackEvents>;
  /** The outage's trace goes on over a restart, too. */
  readonly outages: Tracing['outages'];
}

/** An outage as it is kept, with how its breaker was set apart by hand, if it was. */
interface Kept extends Outage {
  readonly isolation?: Isolation;
  /** How often the breaker opened in a row: it stays open the longer. */
  readonly openings?: number;
  readonly trace?: TraceCarrier;
}

/**
 * Stores the outage where something is on disk anyway: nothing is touched for its sake alone, but for an
 * isolation, which only a person ends.
 */
class OutageMemory {
  readonly #journal: Journal;
  readonly #breaker: Breaker;
  readonly #queue: LaneQueue;
  readonly #flows: DrainFlows;
  readonly #clock: Clock;
  readonly #events: Emitter<FallbackEvents>;
  readonly #outages: Tracing['outages'];
  /** What is in the store, as text. */
  #stored: string | undefined;
  #storedIsolation = false;
  #last: Promise<void> = Promise.resolve();
  readonly #undo: readonly Undo[];
  #stopWatching: Undo = () => {};
  #awake = false;

  constructor(breaker: Breaker, { store, queue, flows, clock, events, outages }: Surroundings) {
    this.#breaker = breaker;
    this.#journal = store;
    this.#queue = queue;
    this.#flows = flows;
    this.#clock = clock;
    this.#events = events;
    this.#outages = outages;
    this.#undo = [
      events.on('stateChange', (event) => {
        if (event.breaker === breaker.name) void this.remember();
      }),
      events.on('queue', ({ event }) => {
        if (event === 'enqueued') void this.remember();
      }),
      events.on('activated', (event) => {
        if (event.breaker !== breaker.name) return;
        this.#watchWrites();
        // Others may have found it first: it has their name then.
        void this.remember();
      }),
      events.on('deactivated', (event) => {
        if (event.breaker === breaker.name) this.#stopWatching();
      }),
    ];
  }

  /** What is stored in an outage is a reason to keep that, too; else each call would pay for the listening. */
  #watchWrites(): void {
    this.#stopWatching();
    this.#stopWatching = this.#events.on('operation', ({ outcome }) => {
      if (outcome === 'stored') void this.remember();
    });
  }

  /** An outage goes on over a restart; queued writes without one are tried with care. */
  resume(): void {
    const states = new Map(this.#journal.entries('state'));
    const stored: unknown = states.get(this.#key);
    const kept = isKept(stored) ? stored : undefined;
    this.#stored = kept && JSON.stringify(kept);
    this.#storedIsolation = kept?.isolation !== undefined;
    if (kept) {
      const { isolation, openings, trace, ...outage } = kept;
      this.#outages.restore(this.#breaker.name, trace);
      this.#breaker.resume(outage, isolation, openings);
    } else if (this.#leftWrites) this.#breaker.resume(undefined);
    this.#awake = true;
    // What happened while the store was still opening.
    void this.remember();
  }

  close(): void {
    this.#awake = false;
    this.#stopWatching();
    for (const stop of this.#undo) stop();
  }

  /** Brings the store up to date. Resolves when that was tried; what failed is tried again. */
  remember(): Promise<void> {
    const kept = this.#kept;
    const text = kept && JSON.stringify(kept);
    const untouched = this.#stored === undefined && !this.#keepsWrites;
    if (!this.#awake || this.#stored === text || (untouched && !kept?.isolation)) return this.#last;
    // A person's decision must outlast a crash, its end as much as its beginning.
    const lazy = !kept?.isolation && !this.#storedIsolation;
    this.#stored = text;
    this.#storedIsolation = kept?.isolation !== undefined;
    this.#last = this.#write(kept, lazy);
    return this.#last;
  }

  async #write(kept: Kept | undefined, lazy: boolean): Promise<void> {
    const key = this.#key;
    const change: Change = kept
      ? { bucket: 'state', key, put: kept as unknown as Json }
      : { bucket: 'state', key, delete: true };
    try {
      await this.#journal.commit([change], { lazy });
    } catch (error) {
      this.#stored = unknown;
      this.#clock.after(againAfter, () => void this.remember());
      this.#events.emit('storeFailed', { store: this.#journal.kind, verb: 'state', error });
    }
  }

  get #key(): string {
    return `breaker:${this.#breaker.name}`;
  }

  get #leftWrites(): boolean {
    const flow = this.#flows.find(this.#breaker.name);
    return flow !== undefined && this.#queue.holds(flow.operations);
  }

  get #keepsWrites(): boolean {
    const { size, volatile, local } = this.#queue;
    return size - volatile + local > 0;
  }

  get #kept(): Kept | undefined {
    const { name, outage, isolation, openings } = this.#breaker;
    if (!outage) return undefined;
    const trace = this.#outages.carrierOf(name);
    return {
      ...outage,
      ...(isolation && { isolation }),
      ...(openings > 1 && { openings }),
      ...(trace && { trace }),
    };
  }
}

/** The memories of all breakers: those that come later begin with what is kept of them, too. */
export class OutageMemories {
  readonly #memories = new Set<OutageMemory>();
  #resumed = false;

  constructor(breakers: Breakers, around: Surroundings) {
    breakers.onEach((breaker) => {
      const memory = new OutageMemory(breaker, around);
      this.#memories.add(memory);
      if (this.#resumed) {
        memory.resume();
        const { isolation } = breakers.own;
        // A person set apart all there is.
        if (isolation?.all && !breaker.isolation)
          breaker.isolate(isolation.mode, isolation.reason, true);
      }
      return () => {
        this.#memories.delete(memory);
        memory.close();
      };
    });
  }

  resume(): void {
    this.#resumed = true;
    for (const memory of this.#memories) memory.resume();
  }

  /** Resolves when the store was brought up to date, or that was tried. */
  async remember(): Promise<void> {
    await Promise.all([...this.#memories].map((memory) => memory.remember()));
  }

  close(): void {
    for (const memory of this.#memories) memory.close();
  }
}

/** Somebody's hand, or another version, may have been in the store. */
function isKept(stored: unknown): stored is Kept {
  if (typeof stored !== 'object' || stored === null) return false;
  const { id, since, trigger, reason, isolation, openings = 0 } = stored as Partial<Kept>;
  return (
    [id, reason].every((text) => typeof text === 'string') &&
    triggers.some((known) => known === trigger) &&
    typeof since === 'number' &&
    Number.isInteger(openings) &&
    (isolation === undefined || isIsolation(isolation))
  );
}

function isIsolation(isolation: unknown): boolean {
  if (typeof isolation !== 'object' || isolation === null) return false;
  const { since, mode, reason, all = true } = isolation as Partial<Isolation>;
  return (
    all === true &&
    typeof since === 'number' &&
    typeof reason === 'string' &&
    fallbackModes.some((known) => known === mode)
  );
}
