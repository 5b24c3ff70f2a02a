/** What became of operations that left the queue, for those who hold their receipts. */

import type { Clock } from '../clock.ts';
import type { Change, Journal } from '../journal.ts';
import type { Json } from '../json.ts';
import type { OperationRecord } from './operation-record.ts';

/**
 * How an operation left the queue: applied upstream, seen there after it was acknowledged, taken out by a person, dropped because there was no
 * room, or replaced by a later one of its entity.
 */
export type Ending = (typeof endings)[number];

const endings = ['done', 'confirmed', 'purged', 'dropped', 'coalesced'] as const;

/** An operation that left the queue. Times are wall-clock ms. */
export interface EndedOperation {
  readonly operation: string;
  readonly state: Ending;
  readonly createdAt: number;
  readonly enqueuedAt: number;
  readonly endedAt: number;
}

/** How long an ended operation is remembered, in ms, and how many are. */
const keptFor = 24 * 3_600_000;
const mostKept = 10_000;
const prefix = 'ended:';

/** Ended operations by id, oldest ending first. */
export class History {
  readonly #journal: Journal;
  readonly #clock: Clock;
  readonly #ended = new Map<string, EndedOperation>();

  constructor(journal: Journal, clock: Clock) {
    this.#journal = journal;
    this.#clock = clock;
  }

  /** Takes in what an earlier process remembered. */
  load(): void {
    for (const [key, stored] of this.#journal.entries('state'))
      if (key.startsWith(prefix) && isEnded(stored))
        this.#ended.set(key.slice(prefix.length), stored as unknown as EndedOperation);
  }

  get(id: string): EndedOperation | undefined {
    const ended = this.#ended.get(id);
    return ended && ended.endedAt > this.#clock.now() - keptFor ? ended : undefined;
  }

  /** When an operation was last confirmed, and the latest time at which a confirmed one was queued; wall-clock ms. */
  confirmations(operation: string): { readonly last: number; readonly newest: number } {
    let [last, newest] = [Number.NEGATIVE_INFINITY, Number.NEGATIVE_INFINITY];
    for (const ended of this.#ended.values()) {
      if (ended.state !== 'confirmed' || ended.operation !== operation) continue;
      last = Math.max(last, ended.endedAt);
      newest = Math.max(newest, ended.enqueuedAt);
    }
    return { last, newest };
  }

  /** Remembers an ending, and gives the changes that make the journal remember it. */
  add({ id, operation, createdAt, enqueuedAt }: OperationRecord, state: Ending): Change[] {
    const ended = { operation, state, createdAt, enqueuedAt, endedAt: this.#clock.now() };
    this.#ended.set(id, ended);
    return [
      { bucket: 'state', key: `${prefix}${id}`, put: ended as unknown as Json },
      ...this.#forget(),
    ];
  }

  #forget(): Change[] {
    const forgotten: Change[] = [];
    const oldest = this.#clock.now() - keptFor;
    for (const [id, { endedAt }] of this.#ended) {
      if (endedAt > oldest && this.#ended.size <= mostKept) break;
      this.#ended.delete(id);
      forgotten.push({ bucket: 'state', key: `${prefix}${id}`, delete: true });
    }
    return forgotten;
  }
}

/** Somebody's hand, or another version, may have been in the store. */
function isEnded(stored: unknown): boolean {
  if (typeof stored !== 'object' || stored === null) return false;
  const { operation, state, createdAt, enqueuedAt, endedAt } = stored as Partial<EndedOperation>;
  return (
    typeof operation === 'string' &&
    endings.some((ending) => ending === state) &&
    [createdAt, enqueuedAt, endedAt].every((time) => typeof time === 'number')
  );
}
