/** Heads of the shared queue that are claimed for the drain before it asks: it looks, and does not wait. */

import type { Clock } from '../clock.ts';
import type { OperationRecord } from '../queue/operation-record.ts';
import {
  isSharedQueueUnavailable,
  type SharedClaim,
  type SharedQueue,
} from '../queue/shared-queue.ts';

/** A head that is at hand. */
export interface Buffered {
  readonly record: OperationRecord;
  readonly claim: SharedClaim;
  readonly since: number;
}

interface Surroundings {
  readonly shared: SharedQueue;
  readonly clock: Clock;
  /** The longest deadline of a call, in ms. */
  readonly longestCall: () => number;
  /** How many are with the drain. */
  readonly running: () => number;
  /** Reads a claim; nothing where this version cannot send it: then it is settled here. */
  readonly read: (claim: SharedClaim) => OperationRecord | undefined;
  /** Gives one back that nobody wants. */
  readonly release: (claim: SharedClaim) => void;
  /** More are at hand. */
  readonly onClaims: () => void;
  /** The shared queue had none, or fewer than wanted. */
  readonly onDry: () => void;
  readonly onFailure: (error: unknown) => void;
}

/** What nobody took for so long is given back, in ms: others may send it. */
const longestWait = 2_000;
/** As many as are with the drain are kept at hand, up to this: whoever ends makes room for one that is there. */
const mostAtHand = 32;
/** A want is forgotten after this time, in ms. */
const wantedFor = 1_000;

/** Claims at hand, oldest first. */
export class ClaimBuffer {
  readonly #around: Surroundings;
  #claims: Buffered[] = [];
  /** How many are wanted of the operations of one breaker. */
  readonly #wanted = new Map<ReadonlySet<string>, { count: number; at: number }>();
  /** Nothing more was there when it was last asked, and nothing has been heard since. */
  #dry = false;
  /** Of these operations there was none: what is due may be anybody's. */
  readonly #none = new Set<ReadonlySet<string>>();
  #fetching = false;
  #closed = false;

  constructor(around: Surroundings) {
    this.#around = around;
  }

  /** How many of these operations are at hand. */
  count(operations: ReadonlySet<string>): number {
    return this.#claims.filter(({ record }) => operations.has(record.operation)).length;
  }

  get size(): number {
    return this.#claims.length;
  }

  /** There is use for so many of these operations. */
  want(operations: ReadonlySet<string>, count: number): void {
    this.#wanted.set(operations, { count, at: this.#around.clock.elapsed() });
    // Little by little would cost a round trip each.
    const few = Math.max(count, this.#goal(count) / 2);
    if (this.count(operations) < few) void this.#fetch();
  }

  /** Operations of which the next head of a lane may be claimed, with this one. */
  nextAfter(operation: string): readonly string[] {
    if (this.#closed) return [];
    const now = this.#around.clock.elapsed();
    for (const [operations, { count, at }] of this.#wanted)
      if (operations.has(operation) && now - at < wantedFor)
        return this.count(operations) < this.#goal(count) ? [...operations] : [];
    return [];
  }

  /** One that came with a settlement. */
  add(claim: SharedClaim): void {
    const record = this.#around.read(claim);
    if (!record) return;
    if (this.#closed) this.#around.release(claim);
    else this.#claims.push({ record, claim, since: this.#around.clock.elapsed() });
  }

  /** Takes those that are wanted; the others stay. */
  take(max: number, wants: (buffered: Buffered) => boolean): readonly Buffered[] {
    const taken: Buffered[] = [];
    const left: Buffered[] = [];
    for (const each of this.#claims) {
      if (taken.length < max && wants(each)) taken.push(each);
      else left.push(each);
    }
    this.#claims = left;
    return taken;
  }

  /** Something may be there that was not. */
  hint(): void {
    this.#dry = false;
    this.#none.clear();
  }

  /** Whether the shared queue may have heads of these operations, as far as it was asked. */
  mayHave(operations: ReadonlySet<string>): boolean {
    return operations.size > 0 && !this.#none.has(operations);
  }

  /** Gives back what waited too long. */
  tidy(): void {
    const oldest = this.#around.clock.elapsed() - longestWait;
    const late = this.#claims.filter(({ since }) => since < oldest);
    this.#claims = this.#claims.filter(({ since }) => since >= oldest);
    for (const { claim } of late) this.#around.release(claim);
  }

  /** No more; what is at hand goes back with the session. */
  close(): void {
    this.#closed = true;
    this.#claims = [];
  }

  #goal(count: number): number {
    return count + Math.max(0, Math.min(this.#around.running(), mostAtHand));
  }

  async #fetch(): Promise<void> {
    if (this.#fetching || this.#dry || this.#closed || !this.#around.shared.available) return;
    this.#fetching = true;
    let came = 0;
    const now = this.#around.clock.elapsed();
    try {
      for (const [operations, { count, at }] of this.#wanted) {
        const max = Math.ceil(this.#goal(count) - this.count(operations));
        if (max > 0 && now - at < wantedFor) came += await this.#claim(operations, max);
      }
    } catch (error) {
      if (!isSharedQueueUnavailable(error)) this.#around.onFailure(error);
      this.#dry = true;
    } finally {
      this.#fetching = false;
    }
    if (came > 0) this.#around.onClaims();
    if (this.#dry) this.#around.onDry();
  }

  async #claim(operations: ReadonlySet<string>, max: number): Promise<number> {
    const { shared, longestCall } = this.#around;
    const request = { max, operations: [...operations], forMs: longestCall() };
    const claims = await shared.claim(request);
    if (claims.length < max) this.#dry = true;
    if (claims.length === 0) this.#none.add(operations);
    for (const claim of claims) this.add(claim);
    return claims.length;
  }
}
