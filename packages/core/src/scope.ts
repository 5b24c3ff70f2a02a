/** What one request was served from: the adapters turn it into headers. */

import { AsyncLocalStorage } from 'node:async_hooks';
import type { FallbackMode } from './mode.ts';
import { type FallbackReason, type Outcome, usesFallback } from './outcome.ts';

/** One operation of a request, as it ended. */
export interface Served {
  readonly operation: string;
  readonly kind: 'read' | 'write';
  readonly outcome: Outcome;
  readonly reason?: FallbackReason;
  /** The mode that held behind its breaker; absent where that was closed. */
  readonly mode?: FallbackMode;
  /** Age of the answer, in ms, where it came from the cache. */
  readonly ageMs?: number;
  /** How long the answer had been stale, in ms. */
  readonly staleForMs?: number;
  /** Id of the operation that was kept, where the write was queued or stored. */
  readonly queued?: string;
}

/** The record of one request. */
export class RequestScope {
  readonly #served: Served[] = [];

  get served(): readonly Served[] {
    return this.#served;
  }

  /** Whether anything was served from fallback: stale, from a local entity, queued or stored. */
  get fallbackUsed(): boolean {
    return this.#served.some(({ outcome }) => usesFallback(outcome));
  }

  record(served: Served): void {
    this.#served.push(served);
  }

  /** Runs something so that its operations are recorded here. */
  run<T>(call: () => T): T {
    return scopes.getStore() === this ? call() : scopes.run(this, call);
  }
}

const scopes = new AsyncLocalStorage<RequestScope>();

/** The scope of the request that is being served, where an adapter opened one. */
export function currentScope(): RequestScope | undefined {
  return scopes.getStore();
}
