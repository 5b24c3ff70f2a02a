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
  return new RequestFallback(manager, scope);
}

/** A class: an object with getters of its own would have to be put together for each request. */
class RequestFallback implements FallbackHandle {
  readonly manager: FallbackManager;
  readonly #scope: RequestScope;

  constructor(manager: FallbackManager, scope: RequestScope) {
    this.manager = manager;
    this.#scope = scope;
  }

  get active(): boolean {
    return this.manager.active;
  }

  get mode(): FallbackMode | 'none' {
    return this.manager.mode;
  }

  get served(): readonly Served[] {
    return this.#scope.served;
  }
}
