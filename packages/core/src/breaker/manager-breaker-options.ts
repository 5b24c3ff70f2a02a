/** How the breakers of a manager decide. */

import { checkOptions, either, flag } from '../option-check.ts';
import { type BreakerOptions, type OptionsSource, settings } from './breaker-options.ts';
import { adapting, type HealthLevels, type HealthSource } from './health-levels.ts';

/** Options of a manager's breakers. */
export interface ManagerBreakerOptions extends BreakerOptions {
  /**
   * Whether they are the stricter, the worse the health that the manager's checks show; or how strict at
   * each. What else is given here holds at every health, unless a level says otherwise. @default false
   */
  readonly adaptive?: boolean | HealthLevels;
}

/** How each of a manager's breakers decides, where it was told nothing of its own. */
export interface BreakerPlan {
  /** Where the options of a breaker come from, with what it was told of its own. */
  source(options: BreakerOptions | undefined, health: HealthSource): OptionsSource;
}

/**
 * Checks the options of a manager's breakers.
 *
 * @throws {TypeError} naming the option, what was expected and what came
 */
export function breakerPlan({ adaptive, ...base }: ManagerBreakerOptions = {}): BreakerPlan {
  checkOptions('`breaker`', { adaptive }, { adaptive: either(flag, levels) });
  const own = adaptive === true ? {} : adaptive;
  const plan: BreakerPlan = {
    source(options, health) {
      const { asked } = settings(options, base).current;
      return own ? adapting(health, own, asked) : settings(asked);
    },
  };
  // What is wrong is refused when the manager is constructed.
  settings(base);
  plan.source(undefined, () => 'unknown');
  return plan;
}

function levels(value: unknown): string | undefined {
  return typeof value === 'object' && value !== null ? undefined : 'levels by health';
}
