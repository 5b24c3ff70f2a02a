/** The status as anybody may see it: counts and codes, never payloads, keys, lanes, folders or addresses. */

import type { ServerResponse } from 'node:http';
import type {
  BreakerStatus,
  FallbackManager,
  FallbackStatus,
  Isolation,
} from '@graphiti-fallback/core';
import { sendJson } from './own-answer.ts';
import { sendProblem } from './problem.ts';

/** Where the status is served unless said otherwise. */
export const defaultStatusPath = '/health/fallback';

/** The public part of a breaker's status. */
type PublicBreaker = Omit<BreakerStatus, 'isolation'> & {
  readonly isolation?: Omit<Isolation, 'reason'>;
};

/** The public part of a status. */
export type PublicStatus = Omit<FallbackStatus, 'store' | 'cache' | 'breakers'> & {
  readonly breakers: Readonly<Record<string, PublicBreaker>>;
  readonly cache: Omit<FallbackStatus['cache'], 'store'>;
  readonly store: {
    readonly kind: string;
    readonly durability: string;
    readonly writable: boolean;
    readonly problem?: string;
    readonly quarantined: number;
    readonly warnings: number;
    /** Of the cache's own store, where it has one. */
    readonly cache?: {
      readonly kind: string;
      readonly writable: boolean;
      readonly problem?: string;
    };
  };
};

/** Takes from a status what anybody may see. */
export function publicStatus(status: FallbackStatus): PublicStatus {
  const { store, cache, breakers, ...rest } = status;
  const { store: cacheStore, ...cacheCounts } = cache;
  return {
    ...rest,
    breakers: Object.fromEntries(
      Object.entries(breakers).map(([name, breaker]) => [name, publicBreaker(breaker)]),
    ),
    cache: cacheCounts,
    store: {
      kind: store.kind,
      durability: store.durability,
      ...condition(store),
      quarantined: store.report?.quarantined.length ?? 0,
      warnings: store.report?.warnings.length ?? 0,
      ...(cacheStore && { cache: { kind: cacheStore.kind, ...condition(cacheStore) } }),
    },
  };
}

/** Answers a request for the status, once it is known what an earlier process left. Never rejects. */
export async function answerStatus(
  response: ServerResponse,
  manager: FallbackManager,
): Promise<void> {
  try {
    await manager.open();
    sendJson(response, 200, publicStatus(manager.status()));
  } catch {
    sendProblem(response, 500, 'FALLBACK_STATUS_FAILED', 'The status could not be taken');
  }
}

/** Why a person set it apart is said in that person's words. */
function publicBreaker({ isolation, ...breaker }: BreakerStatus): PublicBreaker {
  if (!isolation) return breaker;
  const { since, mode } = isolation;
  return { ...breaker, isolation: { since, mode } };
}

function condition({ writable, problem }: { writable: boolean; problem?: string }): {
  writable: boolean;
  problem?: string;
} {
  return { writable, ...(problem !== undefined && { problem }) };
}
