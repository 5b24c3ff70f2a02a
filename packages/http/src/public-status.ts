/** The status as anybody may see it: counts and codes, never payloads, keys, lanes, folders or addresses. */

import type {
  BreakerStatus,
  FallbackStatus,
  Isolation,
  JournalStatus,
} from '@graphiti-fallback/core';

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
    /** What is wrong with where cached answers are shared or kept. */
    readonly valuesProblem?: string;
    readonly quarantined: number;
    readonly warnings: number;
    /** Acknowledged changes that were gone when it was opened. */
    readonly missing: number;
    readonly bytes?: number;
    readonly segments?: number;
    /** Processes that are gone whose operations this one replays. */
    readonly adopted?: number;
    readonly checkpoint?: JournalStatus['checkpoint'];
    readonly commits?: JournalStatus['commits'];
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
      ...(store.valuesProblem !== undefined && { valuesProblem: store.valuesProblem }),
      quarantined: store.report?.quarantined.length ?? 0,
      warnings: store.report?.warnings.length ?? 0,
      missing: store.report?.missing ?? 0,
      ...numbersOf(store),
      ...(cacheStore && { cache: { kind: cacheStore.kind, ...condition(cacheStore) } }),
    },
  };
}

/** Why a person set it apart is said in that person's words. */
function publicBreaker({ isolation, ...breaker }: BreakerStatus): PublicBreaker {
  if (!isolation) return breaker;
  const { since, mode } = isolation;
  return { ...breaker, isolation: { since, mode } };
}

/** What a store on disk tells of itself in numbers. */
function numbersOf({ bytes, segments, adopted, checkpoint, commits }: JournalStatus) {
  return {
    ...(bytes !== undefined && { bytes }),
    ...(segments !== undefined && { segments }),
    ...(adopted !== undefined && { adopted }),
    ...(checkpoint && { checkpoint }),
    ...(commits && { commits }),
  };
}

function condition({ writable, problem }: { writable: boolean; problem?: string }): {
  writable: boolean;
  problem?: string;
} {
  return { writable, ...(problem !== undefined && { problem }) };
}
