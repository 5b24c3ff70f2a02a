/** How long to wait for acknowledged writes: the upstream works them off in order, so each that is seen tells of others. */

import type { OperationRecord } from './operation-record.ts';

/** What the confirmations of one kind of write have shown. Times are wall-clock ms. */
export class Patience {
  /** When something was last seen. */
  #lastAt: number;
  /** When the newest of what was seen had been sent. */
  #newestSentAt: number;
  /** When it was first known of a write that a later one was seen before it. */
  readonly #overtakenAt = new Map<string, number>();
  /** When the newest of those that waited too long had been sent, unless it was overtaken by then. */
  #stalledAt = Number.NEGATIVE_INFINITY;

  /** @param before what an earlier process has seen */
  constructor(before: { readonly last: number; readonly newest: number }) {
    this.#lastAt = before.last;
    this.#newestSentAt = before.newest;
  }

  /** A write was seen. */
  confirmed({ id, sentAt = 0 }: OperationRecord, now: number): void {
    this.#lastAt = now;
    this.#newestSentAt = Math.max(this.#newestSentAt, sentAt);
    this.#overtakenAt.delete(id);
  }

  /** A write is waited for no longer. */
  forget(id: string): void {
    this.#overtakenAt.delete(id);
  }

  /** Whether one that was sent after this was acknowledged has been seen: the upstream is past it. */
  isOvertaken({ acceptedAt = 0 }: OperationRecord): boolean {
    return this.#newestSentAt > acceptedAt;
  }

  /**
   * How long a write has waited, in ms. It begins anew whenever any is seen that may stand before it; once
   * it is overtaken no other makes a difference.
   */
  waitedMs(record: OperationRecord, now: number): number {
    const { id, acceptedAt = now } = record;
    if (!this.isOvertaken(record)) return now - Math.max(acceptedAt, this.#lastAt);
    const overtakenAt = this.#overtakenAt.get(id) ?? now;
    this.#overtakenAt.set(id, overtakenAt);
    return now - overtakenAt;
  }

  /** A write has waited too long. */
  exhausted(record: OperationRecord): void {
    if (this.isOvertaken(record)) return;
    this.#stalledAt = Math.max(this.#stalledAt, record.sentAt ?? record.acceptedAt ?? 0);
  }

  /** Whether nothing that was acknowledged is seen any more. */
  get stalled(): boolean {
    return this.#stalledAt > this.#newestSentAt;
  }
}
