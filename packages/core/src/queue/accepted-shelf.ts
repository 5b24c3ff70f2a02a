/** The shelf of what the upstream has acknowledged, with those that have not been seen there for too long. */

import type { Entry } from './lane.ts';
import { Shelf } from './shelf.ts';

/** Acknowledged operations, in the order of that. */
export class AcceptedShelf extends Shelf {
  /** Which of them are unconfirmed. */
  readonly unconfirmed: Set<string> = new Set();
  /** Those of each operation that are not. */
  readonly #inTime = new Map<string, Set<Entry>>();

  override add(entry: Entry): void {
    super.add(entry);
    const { id, operation, unconfirmedAt } = entry.record;
    if (unconfirmedAt !== undefined) this.unconfirmed.add(id);
    else this.#inTime.set(operation, (this.#inTime.get(operation) ?? new Set()).add(entry));
  }

  override remove(entry: Entry): void {
    const { id, operation } = entry.record;
    if (this.entries.get(id) !== entry) return;
    super.remove(entry);
    this.unconfirmed.delete(id);
    this.#inTime.get(operation)?.delete(entry);
  }

  /** Its time is over. */
  late(entry: Entry): void {
    const { id, operation } = entry.record;
    this.unconfirmed.add(id);
    this.#inTime.get(operation)?.delete(entry);
  }

  /** Those of an operation that are waited for still. */
  inTime(operation: string): Iterable<Entry> {
    return this.#inTime.get(operation) ?? [];
  }
}
