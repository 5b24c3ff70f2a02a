/** Functions and methods whose calls run through a breaker. */

import type { BreakerHandle } from './breaker-handle.ts';

/** A function that answers later. */
type Guarded = (...args: never[]) => PromiseLike<unknown>;

/** Wraps a function, or decorates a method. */
export type Guard = <M extends Guarded>(method: M, context?: ClassMethodDecoratorContext) => M;

/** Makes guards of one breaker: one of one's own, or that of the default manager of a name. */
export type CircuitBreakerGuard = (breaker?: BreakerHandle | string) => Guard;

/** Creates `circuitBreaker`; `find` gives breakers by name, and is asked when a guarded function is called. */
export function createCircuitBreakerGuard(
  find: (name?: string) => BreakerHandle,
): CircuitBreakerGuard {
  return function circuitBreaker(breaker) {
    if (!isBreaker(breaker) && breaker !== undefined && typeof breaker !== 'string')
      throw new TypeError(`Expected a breaker, or the name of one, got ${String(breaker)}`);
    const found = () => (isBreaker(breaker) ? breaker : find(breaker));

    return function guard<M extends Guarded>(method: M, context?: ClassMethodDecoratorContext): M {
      if (typeof method !== 'function' || (context && context.kind !== 'method'))
        throw new TypeError(
          `Expected circuitBreaker() to be given a function or a method, got ${context?.kind ?? String(method)}`,
        );
      const guarded = async function (this: unknown, ...args: never[]): Promise<unknown> {
        return found().execute(() => method.apply(this, args));
      };
      Object.defineProperty(guarded, 'name', { value: method.name, configurable: true });
      return guarded as unknown as M;
    };
  };
}

function isBreaker(breaker: unknown): breaker is BreakerHandle {
  return (
    typeof breaker === 'object' &&
    breaker !== null &&
    typeof Reflect.get(breaker, 'execute') === 'function'
  );
}
