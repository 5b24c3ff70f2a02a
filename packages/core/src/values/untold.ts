/** Changes that others do not know of yet; of several of one thing only the last is told. */

import type { ValueChange } from './shared-values.ts';

/** When so many wait, it is told that all answers are gone: that is true of each of them. */
const most = 10_000;
/** Told at a time. */
const atOnce = 200;

/** In the order in which they are to be told. */
export class Untold {
  #changes = new Map<string, ValueChange>();
  readonly #unnoted = new Set<string>();

  get size(): number {
    return this.#changes.size;
  }

  /** Adds one. Returns those that need not be told any more. */
  add(change: ValueChange): readonly ValueChange[] {
    const name = nameOf(change);
    this.#changes.delete(name);
    this.#changes.set(name, change);
    this.#unnoted.add(name);
    if (this.#changes.size <= most || change.kind === 'clear') return [];
    const all = [...this.#changes.values()].filter(({ kind }) => kind !== 'clear');
    this.#unnoted.clear();
    this.#unnoted.add('clear');
    this.#changes = new Map([['clear', { kind: 'clear' }]]);
    return all;
  }

  /** Those that were added since this was asked last. */
  unnoted(): readonly ValueChange[] {
    const some = [...this.#unnoted].flatMap((name) => this.#changes.get(name) ?? []);
    this.#unnoted.clear();
    return some;
  }

  next(): readonly ValueChange[] {
    return [...this.#changes.values()].slice(0, atOnce);
  }

  /** These are known now; what was changed again meanwhile is not. Returns those that need not be told again. */
  told(changes: readonly ValueChange[]): readonly ValueChange[] {
    return changes.filter((change) => {
      const name = nameOf(change);
      if (this.#changes.get(name) !== change) return false;
      this.#unnoted.delete(name);
      return this.#changes.delete(name);
    });
  }
}

/** Of several changes with one name only the last is told. */
export function nameOf(change: ValueChange): string {
  if (change.kind === 'forget') return `key ${change.key}`;
  return change.kind === 'clear' ? 'clear' : `${change.kind} ${change.entity}`;
}
