/** A store is one manager's: with two on it, one's writes would be replayed to the other's upstream. */

import type { Undo } from './events.ts';
import type { Journal } from './journal.ts';

const owners = new WeakMap<Journal, string>();

/**
 * Takes stores for a manager, and returns how to give them back.
 *
 * @throws {TypeError} when another manager has one
 */
export function claimStores(name: string, ...stores: readonly Journal[]): Undo {
  const all = stores.flatMap(partsOf);
  const taken = all.find((store) => owners.has(store));
  if (taken)
    throw new TypeError(
      `Expected a \`store\` of its own for '${name}', got the one of '${owners.get(taken)}', which is not closed; two stores may have one directory`,
    );
  for (const store of all) owners.set(store, name);
  return () => {
    for (const store of all) owners.delete(store);
  };
}

/** A store, and those that it works with. */
function partsOf(store: Journal): readonly Journal[] {
  return [store, ...(store.parts ?? []).flatMap(partsOf)];
}
