/** Numbers of a queue that many instances share, as this one last heard them, with those of its own. */

import type { Clock } from '../clock.ts';
import type { LaneQueue, QueueCounts } from '../queue/lane-queue.ts';
import type { SharedCounts, SharedQueue } from '../queue/shared-queue.ts';

interface Surroundings {
  readonly shared: SharedQueue;
  readonly local: LaneQueue;
  readonly clock: Clock;
}

/** Who tells the metrics of the shared queue keeps that part for so long, in ms, and asks so often. */
const leadFor = 10_000;
const leadEvery = 3_000;

const nothing: SharedCounts = {
  size: 0,
  bytes: 0,
  lanes: 0,
  inFlight: 0,
  blocked: 0,
  parked: 0,
  dead: 0,
  waiting: 0,
  oldestAt: undefined,
};

/** The numbers, read by looking. */
export class FleetCounts {
  readonly #around: Surroundings;
  #shared = nothing;
  /** Queued by this instance, ever. */
  #queued = 0;
  #reading: Promise<void> | undefined;
  #leads = false;
  #askedAt = Number.NEGATIVE_INFINITY;

  constructor(around: Surroundings) {
    this.#around = around;
  }

  /** As they were last heard, with what this instance did since. */
  get shared(): SharedCounts {
    return this.#shared;
  }

  /** Lanes that may have a head that is due. */
  get due(): number {
    const { lanes, inFlight, blocked, parked, waiting } = this.#shared;
    return Math.max(0, lanes - inFlight - blocked - parked - waiting);
  }

  /** Lanes that do not wait for a person. */
  get going(): number {
    const { lanes, blocked, parked } = this.#shared;
    return Math.max(0, lanes - blocked - parked);
  }

  /** This instance has queued so many, or ended them. */
  added(count: number): void {
    const { size, lanes } = this.#shared;
    this.#queued += Math.max(0, count);
    const now = Math.max(0, size + count);
    // How many lanes these are in is not known here: one at least, as long as there is something.
    this.#shared = { ...this.#shared, size: now, lanes: Math.min(now, Math.max(lanes, 1)) };
  }

  /** Reads them; what cannot be read now stays as it was. */
  read(): Promise<void> {
    this.#reading ??= this.#read().finally(() => {
      this.#reading = undefined;
    });
    return this.#reading;
  }

  get all(): QueueCounts {
    const here = this.#around.local.counts();
    const { size, bytes, inFlight, blocked, parked, dead, lanes, oldestAt } = this.#shared;
    const ready = Math.max(0, size - inFlight - blocked - parked);
    const { states } = here;
    const oldest = [oldestAt, here.oldestAt].filter((at) => at !== undefined);
    return {
      states: {
        ...states,
        ready: states.ready + ready,
        in_flight: states.in_flight + inFlight,
        blocked: states.blocked + blocked,
        parked: states.parked + parked,
        dead: states.dead + dead,
      },
      size: here.size + size,
      volatile: here.volatile,
      bytes: here.bytes + bytes,
      lanes: {
        ready: here.lanes.ready + Math.max(0, lanes - blocked - parked),
        blocked: here.lanes.blocked + blocked + parked,
      },
      oldestAt: oldest.length > 0 ? Math.min(...oldest) : undefined,
    };
  }

  /** Whether this instance has the part to tell of the shared queue. */
  get leads(): boolean {
    return this.#leads;
  }

  /** What this instance tells the metrics: those of the shared queue where it has that part. */
  get told(): QueueCounts {
    return this.#leads ? this.all : this.#around.local.counts();
  }

  async #read(): Promise<void> {
    const { shared, clock } = this.#around;
    if (!shared.available) {
      this.#leads = false;
      return;
    }
    try {
      const before = this.#queued;
      const counts = await shared.counts();
      // What was queued meanwhile may not be in it: rather too many until the next look.
      this.#shared = { ...counts, size: counts.size + this.#queued - before };
      if (clock.elapsed() - this.#askedAt < leadEvery) return;
      this.#askedAt = clock.elapsed();
      this.#leads = await shared.lead('gauges', leadFor);
    } catch {
      this.#leads = false;
    }
  }
}
