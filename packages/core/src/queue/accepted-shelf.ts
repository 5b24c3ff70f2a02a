/** The shelf of what the upstream has acknowledged, with those that have not been seen there for too long. */

import type { Entry } from './lane.ts';
import { Shelf } from './shelf.ts';

/** Acknowledged operations, in the order of that. */
export class AcceptedShelf extends Shelf {
  /** Which of them are unconfirmed. */
  readonly unconfirmed: Set<string> = new Set();
  /** How many of each operation are not. */
  readonly #inTime = new Map<string, number>();

  override add(entry: Entry): void {
    super.add(entry);
    const { id, operation, unconfirmedAt } = entry.record;
    if (unconfirmedAt === undefined) this.#count(operation, 1);
    else this.unconfirmed.add(id);
  }

  override remove(entry: Entry): void {
    const { id, operation } = entry.record;
    if (this.entries.get(id) !== entry) return;
    super.remove(entry);
    if (!this.unconfirmed.delete(id)) this.#count(operation, -1);
  }

  /** Its time is over. */
  late({ record: { id, operation } }: Entry): void {
    if (this.unconfirmed.has(id)) return;
    this.unconfirmed.add(id);
    this.#count(operation, -1);
  }

  /** How many of an operation are waited for still. */
  inTime(operation: string): number {
    return this.#inTime.get(operation) ?? 0;
  }

  #count(operation: string, by: 1 | -1): void {
    this.#inTime.set(operation, this.inTime(operation) + by);
  }
}
