/** How long to wait for acknowledged writes: the upstream works them off in order, so each that is seen tells of others. */

import type { OperationRecord } from './operation-record.ts';

/** Now, by both clocks, in ms. */
export interface Moment {
  /** Since the epoch: what records are dated by. Somebody may set that clock, also back. */
  readonly wall: number;
  /** Of this process: what is waited by. */
  readonly elapsed: number;
}

/** A write that is waited for. Times are of this process. */
interface Awaited {
  readonly sentAt: number;
  readonly acceptedAt: number;
  readonly enqueuedAt: number;
  /** Since when this process knows that it was acknowledged. */
  readonly knownAt: number;
  /** Whether this process has sent it: only then its order among others is certain. */
  readonly own: boolean;
  /** When it was first looked for in vain. */
  missedAt?: number;
  /** When it was first known that a later one was seen before it. */
  overtakenAt?: number;
}

/** What the confirmations of one kind of write have shown. */
export class Patience {
  readonly #awaited = new Map<string, Awaited>();
  /** When something was last seen. */
  #lastAt: number;
  /** When the newest of what was seen had been sent; and of those that this process has sent. */
  #newestAt: number;
  #newestOwnAt = Number.NEGATIVE_INFINITY;
  /** Those that waited too long and were not overtaken by then, with when they had been sent. */
  readonly #late = new Map<string, number>();

  /** @param before what an earlier process has seen, by the wall clock */
  constructor(before: { readonly last: number; readonly newest: number }, now: Moment) {
    this.#lastAt = since(before.last, now);
    this.#newestAt = since(before.newest, now);
  }

  /** This process has sent a write, and it was acknowledged just now. */
  accepted({ id, sentAt = 0, enqueuedAt }: OperationRecord, now: Moment): void {
    // A clock that was set back meanwhile tells nothing of the order.
    const own = sentAt <= now.wall;
    const knownAt = now.elapsed;
    const times = { sentAt: since(sentAt, now), enqueuedAt: since(enqueuedAt, now) };
    this.#awaited.set(id, { ...times, acceptedAt: knownAt, knownAt, own });
  }

  /** A write that an earlier process sent, or another, is waited for from now on. */
  takenUp(record: OperationRecord, now: Moment): void {
    const { id, enqueuedAt, acceptedAt = 0, sentAt = acceptedAt } = record;
    if (this.#awaited.has(id)) return;
    this.#awaited.set(id, {
      sentAt: since(sentAt, now),
      acceptedAt: since(acceptedAt, now),
      enqueuedAt: since(enqueuedAt, now),
      knownAt: now.elapsed,
      own: false,
    });
  }

  /** A write was seen. */
  confirmed({ id, sentAt = 0 }: OperationRecord, now: Moment): void {
    const awaited = this.#awaited.get(id);
    const sent = awaited?.sentAt ?? since(sentAt, now);
    this.#lastAt = now.elapsed;
    this.#newestAt = Math.max(this.#newestAt, sent);
    if (awaited?.own) this.#newestOwnAt = Math.max(this.#newestOwnAt, sent);
    this.forget(id);
    this.#late.delete(id);
  }

  /** A write is waited for no longer. */
  forget(id: string): void {
    this.#awaited.delete(id);
  }

  /** Whether one that was sent after this was acknowledged has been seen: the upstream is past it. */
  isOvertaken({ id }: OperationRecord): boolean {
    const awaited = this.#awaited.get(id);
    // The wall clock, from which it is known when one was sent, shows whole milliseconds.
    return awaited !== undefined && this.#newestOwnAt > awaited.knownAt + 1;
  }

  /**
   * How long a write that was just looked for in vain has waited, in ms. It begins anew whenever any is
   * seen that may stand before it; once it is overtaken no other makes a difference.
   */
  waitedMs(record: OperationRecord, { elapsed }: Moment): number {
    const awaited = this.#awaited.get(record.id);
    if (!awaited) return 0;
    awaited.missedAt ??= elapsed;
    if (!this.isOvertaken(record)) return elapsed - Math.max(awaited.acceptedAt, this.#lastAt);
    awaited.overtakenAt ??= elapsed;
    return elapsed - awaited.overtakenAt;
  }

  /** How old a write is, in ms: nobody ages it by setting the clock. */
  ageMs({ id }: OperationRecord, { elapsed }: Moment): number {
    return elapsed - (this.#awaited.get(id)?.enqueuedAt ?? elapsed);
  }

  /** For how long a write has been looked for in vain, in ms: after a downtime one look proves little. */
  missedMs({ id }: OperationRecord, { elapsed }: Moment): number {
    const { own = false, missedAt = elapsed } = this.#awaited.get(id) ?? {};
    return own ? Number.POSITIVE_INFINITY : elapsed - missedAt;
  }

  /** A write has waited too long. */
  exhausted(record: OperationRecord): void {
    const awaited = this.#awaited.get(record.id);
    if (awaited && !this.isOvertaken(record)) this.#late.set(record.id, awaited.sentAt);
  }

  /**
   * Whether nothing that was acknowledged is seen any more.
   *
   * @param stands whether a late one is still to be done: one that was taken out tells nothing
   */
  stalled(stands: (id: string) => boolean): boolean {
    for (const [id, sentAt] of this.#late) {
      if (sentAt > this.#newestAt && stands(id)) return true;
      this.#late.delete(id);
    }
    return false;
  }
}

/** A time of the wall clock as one of this process; what lies ahead of now is now. */
function since(time: number, { wall, elapsed }: Moment): number {
  return elapsed - Math.max(0, wall - time);
}
