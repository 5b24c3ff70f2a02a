/** A manager's breakers, for people. */

import type { Emitter, FallbackEvents } from '../events.ts';
import type { Failure } from '../failure.ts';
import { checkOptions, text } from '../option-check.ts';
import type { Breaker } from './breaker.ts';
import { BreakerHandle } from './breaker-handle.ts';
import type { BreakerOptions } from './breaker-options.ts';
import type { BreakerStatus } from './breaker-state.ts';
import type { Breakers } from './breakers.ts';

/** All breakers of a manager, together. */
export interface BreakerSurface extends Iterable<BreakerHandle> {
  /** How each is, by name. */
  status(): Readonly<Record<string, BreakerStatus>>;
  /** Closes all by hand, also those that were set apart, and forgets what their calls have shown. */
  reset(): Promise<void>;
  /**
   * Forgets one that no operation names; its outage is over. False when there is none of that name.
   *
   * @throws {Error} when it is the manager's own, or an operation's
   */
  remove(name: string): boolean;
}

interface Surroundings {
  readonly breakers: Breakers;
  readonly events: Emitter<FallbackEvents>;
  readonly classify: (error: unknown) => Failure;
  /** Resolves when what a person decided is stored. */
  readonly stored: () => Promise<void>;
}

/** Makes the surface, and how to get one breaker: the same handle each time. */
export function breakerSurface({ breakers, ...around }: Surroundings): {
  readonly surface: BreakerSurface;
  readonly get: (name?: string, options?: BreakerOptions) => BreakerHandle;
} {
  const handles = new WeakMap<Breaker, BreakerHandle>();
  const handleOf = (breaker: Breaker): BreakerHandle => {
    const handle = handles.get(breaker) ?? new BreakerHandle({ breaker, ...around });
    handles.set(breaker, handle);
    return handle;
  };

  return {
    get(name, options) {
      checkOptions('breaker', { name }, { name: text });
      return handleOf(breakers.get(name, options));
    },
    surface: {
      status: () =>
        Object.fromEntries([...breakers].map((breaker) => [breaker.name, breaker.status()])),
      async reset() {
        for (const breaker of breakers) breaker.reset();
        await around.stored();
      },
      remove: (name) => breakers.remove(name),
      *[Symbol.iterator]() {
        for (const breaker of breakers) yield handleOf(breaker);
      },
    },
  };
}
