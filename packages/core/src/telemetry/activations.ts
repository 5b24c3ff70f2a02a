/** In which ways fallback can be active: the series that stand at 0 from the start. */

import { type Trigger, triggers } from '../breaker/breaker-state.ts';
import { type FallbackMode, fallbackModes } from '../mode.ts';

/** Pairs of mode and trigger: by itself a breaker brings the configured mode, by hand any. */
export function activations(
  configured: FallbackMode,
): readonly (readonly [FallbackMode, Trigger])[] {
  return triggers.flatMap((trigger) =>
    (trigger === 'manual' ? fallbackModes : [configured]).map((mode) => [mode, trigger] as const),
  );
}
