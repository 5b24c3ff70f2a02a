/** A block of work that wants to know how the upstream is, before it begins and when it has ended. */

import type { FallbackMode } from './mode.ts';

/** Fallback as a block of work sees it; it ends with `await using`. */
export interface FallbackContext extends AsyncDisposable {
  /** Whether fallback is active now. */
  readonly active: boolean;
  /** What happens now: `none` when live. */
  readonly mode: FallbackMode | 'none';
}

interface Surroundings {
  readonly active: boolean;
  readonly mode: FallbackMode | 'none';
  checkAndActivate(): Promise<boolean>;
  /** Begins to replay what is queued. */
  drain(): void;
}

/** Checks, and gives the block; at its end checks again and starts the drain, without waiting for it. */
export async function enterContext(around: Surroundings): Promise<FallbackContext> {
  await around.checkAndActivate();
  return {
    get active() {
      return around.active;
    },
    get mode() {
      return around.mode;
    },
    async [Symbol.asyncDispose]() {
      await around.checkAndActivate();
      around.drain();
    },
  };
}
