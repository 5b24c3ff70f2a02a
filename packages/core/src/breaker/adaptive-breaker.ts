/** A breaker of one's own that is the stricter, the worse the health. */

import { type Check, checkOptions } from '../option-check.ts';
import { BreakerHandle } from './breaker-handle.ts';
import { type CircuitBreakerOptions, split, standAlone } from './circuit-breaker.ts';
import { adapting, type HealthLevels, type HealthSource } from './health-levels.ts';

/** Options of a breaker that adapts: those for all win over the defaults of the levels, and a level's own over them. */
export interface AdaptiveBreakerOptions extends CircuitBreakerOptions {
  /** Asked whenever something goes wrong; nobody is listened to. */
  readonly health: HealthSource;
  readonly levels?: HealthLevels;
}

/**
 * A circuit breaker whose options follow the health. They change in place: its state, what its calls
 * have shown, and calls on their way stay.
 *
 * @throws {TypeError} when an option is unknown or wrong
 */
export class AdaptiveBreaker extends BreakerHandle {
  constructor({ health, levels, ...options }: AdaptiveBreakerOptions) {
    checkOptions('AdaptiveBreaker', { health, levels }, { health: healthSource, levels: group });
    if (health === undefined)
      throw new TypeError(
        'Expected `health` of AdaptiveBreaker to be a function, or an object with `upstream`, got undefined',
      );
    const { own, decides } = split('AdaptiveBreaker', options);
    super(standAlone(own, adapting(health, levels, decides)));
  }
}

const healthSource: Check = (value) =>
  typeof value === 'function' ||
  (typeof value === 'object' && value !== null && 'upstream' in value)
    ? undefined
    : 'a function, or an object with `upstream`';
const group: Check = (value) =>
  typeof value === 'object' && value !== null ? undefined : 'an object of options';
