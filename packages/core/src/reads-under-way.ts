/** Reads under way: what happens after one began, its late answer must not undo. */

import { isKnownTo, type Moment } from './values/shared-values.ts';

/** Happenings of each kind that are remembered for reads under way. */
const maxRemembered = 10_000;

/** When something happened last, in moments of this process: here, and elsewhere with when that was for all. */
interface Happening {
  here: number;
  elsewhere: number;
  at: Moment | undefined;
}

/** What a late answer is worth: as it came, stale from the start, or nothing. */
export type Worth = 'fresh' | 'stale' | 'nothing';

/** Counts what happens, while anybody reads, in moments of its own: clocks may be set back. */
export class ReadsUnderWay {
  #readers = 0;
  /** By name, in the order in which they happened. */
  readonly #expired = new Map<string, Happening>();
  readonly #removed = new Map<string, Happening>();
  readonly #settled = new Map<string, Happening>();
  /** What is not known one by one: whoever began before knows nothing for certain. */
  readonly #blurred: Happening = { here: 0, elsewhere: 0, at: undefined };
  #moment = 0;

  /** Begins a read, and gives its moment; it must be ended once. */
  begin(): number {
    this.#readers += 1;
    this.#moment += 1;
    return this.#moment;
  }

  end(): void {
    this.#readers -= 1;
    if (this.#readers > 0 || this.#quiet) return;
    // Whoever comes later knows all that happened before.
    for (const happened of [this.#expired, this.#removed, this.#settled]) happened.clear();
  }

  /** The entity changed; as one text, as all entities here. Elsewhere, where its moment for all is given. */
  expired(entity: string, at?: Moment): void {
    this.#note(this.#expired, entity, at);
  }

  /** The entity is gone. */
  removed(entity: string, at?: Moment): void {
    this.#note(this.#removed, entity, at);
  }

  /** The answer of a key was taken away, or put in place by somebody who knows. */
  settled(key: string, at?: Moment): void {
    this.#note(this.#settled, key, at);
  }

  /** Everything may be different now. */
  cleared(at?: Moment): void {
    happens(this.#blurred, ++this.#moment, at);
  }

  /**
   * What the answer of a read that began at a moment is worth by now. What was known of all changes when it
   * began, `since`, it need not fear, however late that is heard here.
   */
  worth(began: number, key: string, entities: readonly string[], since?: Moment): Worth {
    if (isNews(this.#blurred, began, since)) return 'nothing';
    if (this.#quiet) return 'fresh';
    const isOf = (happened: Map<string, Happening>) => (name: string) => {
      const happening = happened.get(name);
      return happening !== undefined && isNews(happening, began, since);
    };
    if (isOf(this.#settled)(key) || entities.some(isOf(this.#removed))) return 'nothing';
    return entities.some(isOf(this.#expired)) ? 'stale' : 'fresh';
  }

  get #quiet(): boolean {
    return this.#expired.size + this.#removed.size + this.#settled.size === 0;
  }

  #note(happened: Map<string, Happening>, name: string, at: Moment | undefined): void {
    if (this.#readers === 0) return;
    const happening = happened.get(name) ?? { here: 0, elsewhere: 0, at: undefined };
    happens(happening, ++this.#moment, at);
    // Keeps the order in which things happen: a later one goes to the end.
    happened.delete(name);
    happened.set(name, happening);
    if (happened.size <= maxRemembered) return;
    const [oldest] = happened;
    if (!oldest) return;
    happened.delete(oldest[0]);
    const { here, elsewhere } = oldest[1];
    this.#blurred.here = Math.max(this.#blurred.here, here, elsewhere);
  }
}

function isNews({ here, elsewhere, at }: Happening, began: number, since?: Moment): boolean {
  return here > began || (elsewhere > began && !isKnownTo(since, at));
}

function happens(happening: Happening, moment: number, at: Moment | undefined): void {
  if (at) {
    happening.elsewhere = moment;
    happening.at = at;
  } else happening.here = moment;
}
