/** One lane: its queued operations in order, who holds it, and who waits for it. */

import type { Coalescing } from './coalescing.ts';
import type { Appended, Entered } from './lane-queue.ts';
import type { NewOperation, OperationRecord } from './operation-record.ts';

/** A queued operation in memory. */
export interface Entry {
  record: OperationRecord;
  readonly bytes: number;
  /** In memory only: nothing of it goes to the journal, and it ends with the process. */
  readonly volatile: boolean;
  /** False until it is as durable as its receipt will say: nothing is sent before that. */
  committed: boolean;
  /** Present while a later write of its entity may replace it: until it is claimed, or the process ends. */
  coalescing?: Coalescing | undefined;
  /** When it is due by the time of this process, and the wall-clock time that this was made of. */
  due?: { readonly nextAt: number; readonly at: number };
  /** Who doubts it, while that may still be withdrawn. */
  doubts?: Set<object> | undefined;
  /** Aborted when it must not be sent any more: somebody is about to take it out. */
  readonly withdrawn?: AbortSignal | undefined;
}

/** A live write that waits for its turn. */
export interface Waiter {
  readonly operation: NewOperation;
  /** Its time is over, or its caller gave up: it wants to be queued rather than to wait on. */
  impatient: boolean;
  readonly resolve: (entered: Entered) => void;
  readonly reject: (error: unknown) => void;
}

/** Who holds a lane: a live write, perhaps stored on the way, or a claim. */
export type Holder =
  | {
      readonly kind: 'live';
      readonly operation: NewOperation;
      appended?: Promise<Appended>;
      /** It was stored before it was sent: nobody is queued behind it only because of that. */
      held?: boolean;
      /** It has come to its end: it must not be stored with others any more. */
      left?: boolean;
      /** While it is stored for itself alone: who waits for that waits no longer. */
      passed?: () => void;
      /** It was let go while it was being stored: takes it out once that is over. */
      remove?: () => Promise<void>;
    }
  | { readonly kind: 'claim'; readonly entry: Entry };

/** A lane in memory. It is kept only while it holds something. */
export class Lane {
  readonly name: string;
  readonly waiters: Set<Waiter> = new Set();
  holder: Holder | undefined;
  /** Live writes are being stored so that others can be queued behind them: those wait for the outcome. */
  spilling: Promise<unknown> | undefined;
  /** What became of one of its operations is not on disk yet: a crash would repeat that one after all. */
  unwritten = false;
  /** Who came meanwhile, in order. */
  gate: Promise<unknown> | undefined;
  #entries: Entry[] = [];
  /** How many entries have each priority; a lane without urgent ones knows only 0. */
  readonly #priorities = new Map<number, number>();
  /** Where the head is: shifting a long list for each head would cost its length. */
  #first = 0;

  constructor(name: string) {
    this.name = name;
  }

  get head(): Entry | undefined {
    return this.#entries[this.#first];
  }

  /** That of its most urgent operation: those before it have to go first. */
  get priority(): number {
    return this.#priorities.size === 0 ? 0 : Math.max(...this.#priorities.keys());
  }

  get size(): number {
    return this.#entries.length - this.#first;
  }

  get busy(): boolean {
    return this.size > 0 || this.holder !== undefined || this.unwritten;
  }

  get empty(): boolean {
    return !this.busy && this.waiters.size === 0 && !this.spilling && !this.gate;
  }

  /** Whether it is with the upstream: what that has acknowledged is not, though its lane may still be held. */
  isInFlight(entry: Entry): boolean {
    const { holder } = this;
    if (!holder || entry.record.acceptedAt !== undefined) return false;
    return holder.kind === 'claim'
      ? holder.entry === entry
      : holder.operation.id === entry.record.id;
  }

  add(entry: Entry): void {
    this.#entries.push(entry);
    this.#count(entry, 1);
  }

  remove(entry: Entry): void {
    if (this.head === entry) this.#first += 1;
    else {
      const index = this.#entries.indexOf(entry, this.#first);
      if (index < 0) return;
      this.#entries.splice(index, 1);
    }
    this.#count(entry, -1);
    if (this.#first < 64 || this.#first * 2 < this.#entries.length) return;
    this.#entries = this.#entries.slice(this.#first);
    this.#first = 0;
  }

  #count({ record: { priority = 0 } }: Entry, by: 1 | -1): void {
    const count = (this.#priorities.get(priority) ?? 0) + by;
    if (count > 0) this.#priorities.set(priority, count);
    else this.#priorities.delete(priority);
  }
}
