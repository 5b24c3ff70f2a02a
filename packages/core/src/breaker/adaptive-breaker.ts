/** A breaker that is the stricter, the worse the health. */

import type { HealthStatus } from '../health/checker.ts';
import { type Check, checkOptions } from '../option-check.ts';
import { BreakerHandle } from './breaker-handle.ts';
import {
  type BreakerOptions,
  type OptionsSource,
  type ResolvedBreakerOptions,
  resolveBreaker,
} from './breaker-options.ts';
import { type CircuitBreakerOptions, split, standAlone } from './circuit-breaker.ts';

/** Whoever knows how the upstream is: `manager.health`, or a function. */
export type HealthSource = { readonly upstream: HealthStatus } | (() => HealthStatus);

/** How the breaker decides at each health; what is unknown counts as healthy. */
export interface HealthLevels {
  /** @default { failureThreshold: 5, openFor: 60,000 } */
  readonly healthy?: BreakerOptions;
  /** @default { failureThreshold: 3, openFor: 90,000 } */
  readonly degraded?: BreakerOptions;
  /** @default { failureThreshold: 1, openFor: 120,000 } */
  readonly unhealthy?: BreakerOptions;
}

/** Options of a breaker that adapts: those for all win over the defaults of the levels, and a level's own over them. */
export interface AdaptiveBreakerOptions extends CircuitBreakerOptions {
  /** Asked whenever something goes wrong; nobody is listened to. */
  readonly health: HealthSource;
  readonly levels?: HealthLevels;
}

type Level = keyof HealthLevels;

const defaults: Readonly<Record<Level, BreakerOptions>> = {
  healthy: { failureThreshold: 5, openFor: 60_000 },
  degraded: { failureThreshold: 3, openFor: 90_000 },
  unhealthy: { failureThreshold: 1, openFor: 120_000 },
};

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

/** Options by the health of the moment. A source that throws knows nothing. */
function adapting(
  health: HealthSource,
  levels: HealthLevels = {},
  base: BreakerOptions = {},
): OptionsSource {
  checkOptions('`levels`', levels, { healthy: group, degraded: group, unhealthy: group });
  let asked = resolveBreaker(base).asked;
  let resolved = allOf(asked);
  return {
    get current() {
      return resolved[levelOf(health)];
    },
    change(options) {
      asked = resolveBreaker(options, asked).asked;
      resolved = allOf(asked);
    },
  };

  function allOf(base: BreakerOptions): Readonly<Record<Level, ResolvedBreakerOptions>> {
    const at = (level: Level) => resolveBreaker(levels[level], { ...defaults[level], ...base });
    return { healthy: at('healthy'), degraded: at('degraded'), unhealthy: at('unhealthy') };
  }
}

function levelOf(health: HealthSource): Level {
  try {
    const status = typeof health === 'function' ? health() : health.upstream;
    return status === 'degraded' || status === 'unhealthy' ? status : 'healthy';
  } catch {
    return 'healthy';
  }
}

const healthSource: Check = (value) =>
  typeof value === 'function' ||
  (typeof value === 'object' && value !== null && 'upstream' in value)
    ? undefined
    : 'a function, or an object with `upstream`';
const group: Check = (value) =>
  typeof value === 'object' && value !== null ? undefined : 'an object of options';
