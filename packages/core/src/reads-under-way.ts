/** Reads under way: what happens after one began, its late answer must not undo. */

import type { Entity } from './entity.ts';
import { entityKey } from './entity.ts';
import { type Linked, LinkedList } from './linked-list.ts';

/** Happenings of each kind that are remembered for reads under way. */
const maxRemembered = 10_000;

/** A read under way. */
export interface Reader {
  readonly began: number;
  end(): void;
}

/** What a late answer is worth: as it came, stale from the start, or nothing. */
export type Worth = 'fresh' | 'stale' | 'nothing';

/** Counts what happens, while anybody reads, in moments of its own: clocks may be set back. */
export class ReadsUnderWay {
  readonly #readers = new LinkedList<ReadUnderWay>();
  /** By name, in the order in which they happened. */
  readonly #expired = new Map<string, number>();
  readonly #removed = new Map<string, number>();
  readonly #settled = new Map<string, number>();
  #moment = 0;
  /** What happened until then is not known one by one: whoever began before knows nothing for certain. */
  #blurred = 0;

  /** Begins a read; it must be ended. */
  begin(): Reader {
    const reader = new ReadUnderWay(++this.#moment, this.#ended);
    this.#readers.add(reader);
    return reader;
  }

  readonly #ended = (reader: ReadUnderWay): void => {
    this.#readers.delete(reader);
    if (this.#expired.size + this.#removed.size + this.#settled.size === 0) return;
    // Readers are in order of their beginning; what happened before the oldest one concerns nobody.
    const oldest = this.#readers.first?.began ?? Number.POSITIVE_INFINITY;
    for (const happened of [this.#expired, this.#removed, this.#settled])
      dropBefore(happened, oldest);
  };

  /** The entity changed. */
  expired(entity: Entity): void {
    this.#note(this.#expired, entityKey(entity));
  }

  /** The entity is gone. */
  removed(entity: Entity): void {
    this.#note(this.#removed, entityKey(entity));
  }

  /** The answer of a key was taken away, or put in place by somebody who knows. */
  settled(key: string): void {
    this.#note(this.#settled, key);
  }

  /** Everything may be different now. */
  cleared(): void {
    this.#blurred = ++this.#moment;
  }

  /** What the answer of a read is worth by now; its entities by {@link entityKey}. */
  worth({ began }: Reader, key: string, entities: readonly string[]): Worth {
    if (this.#blurred > began) return 'nothing';
    if (this.#expired.size + this.#removed.size + this.#settled.size === 0) return 'fresh';
    const since = (happened: Map<string, number>) => (name: string) =>
      (happened.get(name) ?? 0) > began;
    if (since(this.#settled)(key) || entities.some(since(this.#removed))) return 'nothing';
    return entities.some(since(this.#expired)) ? 'stale' : 'fresh';
  }

  #note(happened: Map<string, number>, name: string): void {
    if (!this.#readers.first) return;
    // Keeps the order in which things happen: a later one goes to the end.
    happened.delete(name);
    happened.set(name, ++this.#moment);
    if (happened.size <= maxRemembered) return;
    const [oldest] = happened;
    if (!oldest) return;
    happened.delete(oldest[0]);
    this.#blurred = Math.max(this.#blurred, oldest[1]);
  }
}

class ReadUnderWay implements Reader, Linked<ReadUnderWay> {
  previous: ReadUnderWay | undefined = undefined;
  next: ReadUnderWay | undefined = undefined;
  listed = false;
  readonly began: number;
  readonly #ended: (reader: ReadUnderWay) => void;

  constructor(began: number, ended: (reader: ReadUnderWay) => void) {
    this.began = began;
    this.#ended = ended;
  }

  end(): void {
    this.#ended(this);
  }
}

/** Entries are in order: the first that is new enough ends it. */
function dropBefore(happened: Map<string, number>, moment: number): void {
  for (const [name, at] of happened) {
    if (at >= moment) return;
    happened.delete(name);
  }
}
