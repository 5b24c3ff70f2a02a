/** What Graphiti can do, as calls and checks have shown it: asked without a request. */

import type { FallbackManager } from '@graphiti-fallback/core';

/** The breaker of `search` and `getMemory`: a dead embedder must not queue all writes. */
export const searchBreaker = 'graphiti.search';

/** How Graphiti is, the worst that holds. */
export type GraphitiState =
  /** All of it works, as far as is known. */
  | 'live'
  /** Messages are read and taken, but nothing is found: most often the embedder's fault. */
  | 'search_degraded'
  /** Messages are acknowledged, and none of them is seen: most often the ingestion worker is dead. */
  | 'ingest_stalled'
  /** Nothing works: calls are answered from here. */
  | 'down';

/** How Graphiti is, and everything that holds of it. */
export interface GraphitiHealth {
  readonly state: GraphitiState;
  /** Its own breaker lets nothing through. */
  readonly down: boolean;
  /** The breaker of searches lets nothing through. */
  readonly searchDegraded: boolean;
  /** Messages were acknowledged and not seen in time, nor any later one. */
  readonly ingestStalled: boolean;
}

/** Says how Graphiti is. It asks nobody: a check or a call has shown it. */
export type GetHealth = () => GraphitiHealth;

/** Creates the call. */
export function createGetHealth(manager: FallbackManager): GetHealth {
  const search = manager.breaker(searchBreaker);
  return function health() {
    const down = manager.active;
    const searchDegraded = search.active;
    const ingestStalled = manager.queue.stalled;
    return { state: stateOf(), down, searchDegraded, ingestStalled };

    function stateOf(): GraphitiState {
      if (down) return 'down';
      if (ingestStalled) return 'ingest_stalled';
      return searchDegraded ? 'search_degraded' : 'live';
    }
  };
}
