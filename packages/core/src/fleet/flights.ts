/** Operations of a shared queue that this instance has with the upstream, and what is doubted of them meanwhile. */

import type { Doubt, MovableQueue } from '../queue/lane-queue.ts';
import type { OperationRecord } from '../queue/operation-record.ts';

interface Surroundings {
  /** Keeps what the upstream has acknowledged. */
  readonly local: MovableQueue;
  /** Whether a live write of this id is on its way. */
  readonly isBeingSent: (id: string) => boolean;
}

/** A doubt of some that were on their way when it began. */
interface EarlyDoubt {
  readonly ids: Set<string>;
  /** Those that were acknowledged since are doubted where they are kept. */
  readonly later: Doubt[];
}

/** What is with the drain, and early doubts. */
export class Flights {
  readonly #around: Surroundings;
  readonly #drained = new Map<string, OperationRecord>();
  readonly #doubts = new Set<EarlyDoubt>();

  constructor(around: Surroundings) {
    this.#around = around;
  }

  /** How many are with the drain. */
  get drained(): number {
    return this.#drained.size;
  }

  has(id: string): boolean {
    return this.#drained.has(id) || this.#around.isBeingSent(id);
  }

  /** Those with the drain. */
  records(): Iterable<OperationRecord> {
    return this.#drained.values();
  }

  begin(record: OperationRecord): void {
    this.#drained.set(record.id, record);
  }

  end(id: string): void {
    this.#drained.delete(id);
    for (const doubt of this.#doubts) {
      doubt.ids.delete(id);
      if (doubt.ids.size === 0) this.#doubts.delete(doubt);
    }
  }

  /** The upstream has acknowledged it: it is kept here, doubted by whoever doubted it on its way. */
  async acknowledged(record: OperationRecord, sentAt: number): Promise<void> {
    const { local } = this.#around;
    const taken = local.takeAccepted(record, sentAt);
    for (const { ids, later } of this.#doubts) {
      if (ids.has(record.id)) later.push(local.doubt([record.id]));
    }
    this.end(record.id);
    await taken;
  }

  doubt(ids: readonly string[]): Doubt {
    const kept = this.#around.local.doubt(ids);
    const early: EarlyDoubt = { ids: new Set(ids.filter((id) => this.has(id))), later: [] };
    if (early.ids.size > 0) this.#doubts.add(early);
    return {
      stored: kept.stored,
      withdraw: async () => {
        this.#doubts.delete(early);
        await Promise.all([kept, ...early.later].map((each) => each.withdraw()));
      },
    };
  }
}
