/** Changes that others do not know of yet; of several of one thing only the last is told. */

import type { ValueChange } from './shared-values.ts';

/** When so many wait, it is told that all answers are gone: that is true of each of them. */
const most = 10_000;
/** Told at a time. */
const atOnce = 200;

/** In the order in which they are to be told. */
export class Untold {
  #changes = new Map<string, ValueChange>();

  get size(): number {
    return this.#changes.size;
  }

  add(change: ValueChange): void {
    const name = nameOf(change);
    this.#changes.delete(name);
    this.#changes.set(name, change);
    if (this.#changes.size <= most || change.kind === 'clear') return;
    this.#changes = new Map([['clear', { kind: 'clear' }]]);
  }

  next(): readonly ValueChange[] {
    return [...this.#changes.values()].slice(0, atOnce);
  }

  /** These are known now; what was changed again meanwhile is not. */
  told(changes: readonly ValueChange[]): void {
    for (const change of changes) {
      const name = nameOf(change);
      if (this.#changes.get(name) === change) this.#changes.delete(name);
    }
  }
}

function nameOf(change: ValueChange): string {
  if (change.kind === 'forget') return `key ${change.key}`;
  return change.kind === 'clear' ? 'clear' : `${change.kind} ${change.entity}`;
}
