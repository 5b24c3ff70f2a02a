/** Erasures that nobody knows of whether they have happened: what is read of their groups may tell. */

import type { Episode } from './model.ts';

/** Groups of which it is remembered that they had episodes. */
const mostFilled = 10_000;

/** What reads of groups show. An empty group proves an erasure only where it is known that it was not empty before. */
export class Erasures {
  readonly #filled = new Set<string>();
  readonly #doubted = new Map<string, (group: string) => void>();

  /** Episodes of a group were read. */
  read(group: string, episodes: readonly Episode[]): void {
    const wasFilled = this.#filled.delete(group);
    const happened = this.#doubted.get(group);
    if (episodes.length > 0) {
      this.#filled.add(group);
      for (const oldest of this.#filled) {
        if (this.#filled.size <= mostFilled) break;
        this.#filled.delete(oldest);
      }
      // Emptied later it may have been by something else.
      this.#doubted.delete(group);
    } else if (wasFilled && happened) {
      this.#doubted.delete(group);
      happened(group);
    }
  }

  /** Groups may have been erased; `happened` is called for each that is found to be. */
  doubt(groups: Iterable<string>, happened: (group: string) => void): void {
    for (const group of groups) this.#doubted.set(group, happened);
  }

  /** A group is erased; without an id all of them are. */
  happened(group?: string): void {
    for (const known of group === undefined
      ? [...this.#filled, ...this.#doubted.keys()]
      : [group]) {
      this.#filled.delete(known);
      this.#doubted.delete(known);
    }
  }
}
