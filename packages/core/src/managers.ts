/** The process's managers by name. */

import type { BreakerHandle } from './breaker/breaker-handle.ts';
import type { BreakerOptions } from './breaker/breaker-options.ts';
import type { Undo } from './events.ts';
import type { FallbackManager } from './manager.ts';

/** By name; of two of one name the later one is found, and the earlier one again when that is closed. */
const managers = new Map<string, readonly FallbackManager[]>();
const listeners = new Set<() => void>();

/** Makes a manager findable until it closes. */
export function register(manager: FallbackManager): void {
  managers.set(manager.name, [...(managers.get(manager.name) ?? []), manager]);
  for (const listener of listeners) listener();
}

/** Calls a listener whenever a manager came. */
export function onRegistered(listener: () => void): Undo {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** Forgets a manager. */
export function unregister(manager: FallbackManager): void {
  const others = managers.get(manager.name)?.filter((each) => each !== manager) ?? [];
  if (others.length > 0) managers.set(manager.name, others);
  else managers.delete(manager.name);
}

/** The manager of that name, where there is one. */
export function findFallbackManager(name: string): FallbackManager | undefined {
  return managers.get(name)?.at(-1);
}

/**
 * The manager of that name; without a name the only one there is.
 *
 * @throws {Error} naming the managers that exist
 */
export function getFallbackManager(name?: string): FallbackManager {
  const [only, ...others] = managers.keys();
  const chosen = name ?? (others.length === 0 ? only : undefined);
  const found = chosen === undefined ? undefined : findFallbackManager(chosen);
  if (found) return found;
  const asked = name === undefined ? 'one fallback manager' : `a fallback manager '${name}'`;
  const names = [...managers.keys()].map((each) => `'${each}'`).join(', ') || 'none';
  throw new Error(`Expected ${asked} in this process; there is: ${names}`);
}

/**
 * A breaker of the only manager there is, as {@link FallbackManager.breaker} gives it.
 *
 * @throws {Error} when there is no manager, or more than one
 */
export function getCircuitBreaker(name?: string, options?: BreakerOptions): BreakerHandle {
  return getFallbackManager().breaker(name, options);
}
