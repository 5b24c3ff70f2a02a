/** Notes in the journal of what is with the upstream: only of what stays there for a moment. */

import type { Clock } from '../clock.ts';
import type { Undo } from '../events.ts';
import type { Entry } from './lane.ts';

/** What comes back sooner needs no note, which would cost as much as all else that is written of it; in ms. */
const noteAfter = 10;

/** Notes each that has been in flight for so long, or for up to twice as long: one timer serves all. */
export class FlightNotes {
  readonly #clock: Clock;
  readonly #write: (entries: readonly Entry[]) => void;
  /** Those that take off, and those that were in flight at the last look. */
  #young = new Set<Entry>();
  #old = new Set<Entry>();
  #cancel: Undo | undefined;

  constructor(clock: Clock, write: (entries: readonly Entry[]) => void) {
    this.#clock = clock;
    this.#write = write;
  }

  add(entry: Entry): void {
    this.#young.add(entry);
    this.#cancel ??= this.#clock.after(noteAfter, this.#look);
  }

  /** It has landed, whatever came of it: a note must not be written after that. */
  delete(entry: Entry): void {
    if (!this.#young.delete(entry)) this.#old.delete(entry);
  }

  /** Notes all that are in flight now. */
  flush(): void {
    this.#cancel?.();
    this.#cancel = undefined;
    const all = [...this.#old, ...this.#young];
    this.#old.clear();
    this.#young.clear();
    if (all.length > 0) this.#write(all);
  }

  readonly #look = (): void => {
    const due = this.#old;
    this.#old = this.#young;
    this.#young = new Set();
    this.#cancel = this.#old.size > 0 ? this.#clock.after(noteAfter, this.#look) : undefined;
    if (due.size > 0) this.#write([...due]);
  };
}
