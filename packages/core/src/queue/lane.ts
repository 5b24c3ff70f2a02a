/** One lane: its queued operations in order, who holds it, and who waits for it. */

import type { Appended, Entered } from './lane-queue.ts';
import type { NewOperation, OperationRecord } from './operation-record.ts';

/** A queued operation in memory. */
export interface Entry {
  record: OperationRecord;
  readonly bytes: number;
  /** False until it is as durable as its receipt will say: nothing is sent before that. */
  committed: boolean;
}

/** A live write that waits for its turn. */
export interface Waiter {
  readonly operation: NewOperation;
  readonly resolve: (entered: Entered) => void;
  readonly reject: (error: unknown) => void;
}

/** Who holds a lane: a live write that is not stored, one that was stored on the way, or a claim. */
export type Holder =
  | { readonly kind: 'live'; readonly operation: NewOperation; appended?: Promise<Appended> }
  | { readonly kind: 'claim' };

/** A lane in memory. It is kept only while it holds something. */
export class Lane {
  readonly name: string;
  readonly entries = new Map<string, Entry>();
  readonly waiters = new Set<Waiter>();
  holder: Holder | undefined;
  /** The present wait ends when the breaker closes. */
  untilRecovery = false;

  constructor(name: string) {
    this.name = name;
  }

  get head(): Entry | undefined {
    return this.entries.values().next().value;
  }

  get busy(): boolean {
    return this.entries.size > 0 || this.holder !== undefined;
  }

  get empty(): boolean {
    return !this.busy && this.waiters.size === 0;
  }
}
