/** Guards of the default manager's breakers. */

import { getCircuitBreaker } from '../managers.ts';
import { type CircuitBreakerGuard, createCircuitBreakerGuard } from './guard.ts';

/**
 * Runs the calls of a function or a method through a breaker: `circuitBreaker('search')(fn)`, or
 * `@circuitBreaker('search')` before a method that answers with a promise. A name is one of the default
 * manager's; without one it is the manager's own.
 */
export const circuitBreaker: CircuitBreakerGuard = createCircuitBreakerGuard(getCircuitBreaker);
