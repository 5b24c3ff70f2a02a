/** What a handler learns about fallback: `req.fallback`, `ctx.fallback`. */

import type { FallbackManager, FallbackMode, RequestScope, Served } from '@graphiti-fallback/core';

/** Fallback as one request sees it. */
export interface FallbackHandle {
  /** Whether fallback is active now. */
  readonly active: boolean;
  /** What happens now: `none` when live. */
  readonly mode: FallbackMode | 'none';
  /** What this request was served from so far. */
  readonly served: readonly Served[];
  readonly manager: FallbackManager;
}

/** Makes the handle of one request. */
export function fallbackHandle(manager: FallbackManager, scope: RequestScope): FallbackHandle {
  return {
    get active() {
      return manager.active;
    },
    get mode() {
      return manager.mode;
    },
    get served() {
      return scope.served;
    },
    manager,
  };
}
