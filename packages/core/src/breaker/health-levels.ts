/** How a breaker decides at each health: the stricter, the worse. */

import type { HealthStatus } from '../health/checker.ts';
import { type Check, checkOptions } from '../option-check.ts';
import {
  type BreakerOptions,
  type OptionsSource,
  type ResolvedBreakerOptions,
  resolveBreaker,
} from './breaker-options.ts';

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

type Level = keyof HealthLevels;

const defaults: Readonly<Record<Level, BreakerOptions>> = {
  healthy: { failureThreshold: 5, openFor: 60_000 },
  degraded: { failureThreshold: 3, openFor: 90_000 },
  unhealthy: { failureThreshold: 1, openFor: 120_000 },
};

/**
 * Options by the health of the moment: those for all win over the defaults of the levels, and a level's
 * own over them. A source that throws knows nothing.
 *
 * @throws {TypeError} when an option of one of them is wrong
 */
export function adapting(
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

const group: Check = (value) =>
  typeof value === 'object' && value !== null ? undefined : 'an object of options';
