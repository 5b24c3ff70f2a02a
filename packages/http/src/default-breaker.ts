/** Breakers of the process's default manager, which is made on first use. */

import {
  type BreakerHandle,
  type BreakerOptions,
  type CircuitBreakerGuard,
  createCircuitBreakerGuard,
} from '@graphiti-fallback/core';
import { getFallbackManager } from './default-composition.ts';

/**
 * A breaker of the default manager by name, made when it is not there; without a name the manager's own.
 * Options change one that is there, without losing its state.
 *
 * @throws {TypeError} when the name or an option is wrong
 */
export function getCircuitBreaker(name?: string, options?: BreakerOptions): BreakerHandle {
  return getFallbackManager().breaker(name, options);
}

/**
 * Runs the calls of a function or a method through a breaker: `circuitBreaker('search')(fn)`, or
 * `@circuitBreaker('search')` before a method that answers with a promise. A name is one of the default
 * manager's; without one it is the manager's own.
 */
export const circuitBreaker: CircuitBreakerGuard = createCircuitBreakerGuard(getCircuitBreaker);
