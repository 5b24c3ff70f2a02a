/** Which manager a wrapped function belongs to: it may be there later than the function. */

import type { FallbackManager } from '../manager.ts';
import { findFallbackManager, getFallbackManager, onRegistered } from '../managers.ts';

/** How the default manager is found. */
export interface DefaultManager {
  /** Where it is there. */
  find(): FallbackManager | undefined;
  /** Makes it where that is possible. @throws when it is not */
  get(): FallbackManager;
}

/** Where a wrapped function's manager comes from. */
export interface ManagerChoice {
  /** The manager that is there. */
  find(): FallbackManager | undefined;
  /** The manager for a call. @throws when there is none, or it is not clear which */
  get(): FallbackManager;
  /** Calls the listener once, with the manager that is there or the first one that comes. */
  first(listener: (manager: FallbackManager) => void): void;
}

/** A manager, a name, or the default. */
export function managerChoice(
  given: FallbackManager | string | undefined,
  fallback: DefaultManager,
): ManagerChoice {
  const { find, get } = sourceOf(given, fallback);
  let last: FallbackManager | undefined;
  return {
    find,
    get() {
      // A manager that was closed still takes calls, straight to the upstream.
      last = find() ?? (last?.status().closed ? last : get());
      return last;
    },
    first(listener) {
      const stop = onRegistered(look);
      look();

      function look(): void {
        const found = find();
        if (!found) return;
        stop();
        last = found;
        listener(found);
      }
    },
  };
}

function sourceOf(
  given: FallbackManager | string | undefined,
  fallback: DefaultManager,
): DefaultManager {
  if (given === undefined) return fallback;
  if (typeof given === 'object') return { find: () => given, get: () => given };
  return { find: () => findFallbackManager(given), get: () => getFallbackManager(given) };
}

/** The only manager there is. */
export const onlyManager: DefaultManager = {
  find() {
    try {
      return getFallbackManager();
    } catch {
      return undefined;
    }
  },
  get: getFallbackManager,
};
