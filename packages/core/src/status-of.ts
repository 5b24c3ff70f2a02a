/** Puts a manager's snapshot together. */

import type { Engine } from './engine.ts';
import type { Journal, JournalStatus } from './journal.ts';
import type { QueueCounts } from './queue/lane-queue.ts';
import type { FallbackStatus } from './status.ts';

interface StatusParts {
  readonly engine: Engine;
  readonly queued: QueueCounts;
  readonly paused: boolean;
  readonly stalled: boolean;
  readonly store: FallbackStatus['store'];
  /** Of the cache, where it has a store of its own. */
  readonly cacheStore: JournalStatus | undefined;
  readonly closed: boolean;
  readonly telemetry: FallbackStatus['telemetry'];
}

/** What a store says of itself; one that cannot even do that must not take the app down. */
export function storeStatus(store: Journal): JournalStatus {
  try {
    return store.status();
  } catch (error) {
    const { kind } = store;
    const problem = error instanceof Error ? error.name : 'unknown';
    return { kind, durability: 'memory', writable: false, problem };
  }
}

/** Reads the parts at one moment. */
export function statusOf({ engine, queued, ...parts }: StatusParts): FallbackStatus {
  const { counters } = engine;
  const { name, mode, clock, breakers, cache, flows, health } = engine;
  const breaker = breakers.own;
  const at = clock.now();
  const { outage, isolation } = breaker;
  const fleet = engine.council.status(engine.queue.leads);
  const rates = [...flows].flatMap(({ rate }) => rate.perSecond ?? []);
  const outcome = (value: string) => counters.total('operations', 1, value);
  const event = (value: string) => counters.total('queueOperations', 1, value);
  const lookup = (value: string) => counters.total('cacheRequests', 1, value);
  const [hits, stale, misses] = [lookup('hit'), lookup('stale'), lookup('miss')];
  return {
    name,
    at,
    active: breaker.active,
    ...(outage && { since: outage.since, reason: outage.reason, trigger: outage.trigger }),
    ...(isolation && { reason: 'manual', trigger: 'manual' }),
    mode: { configured: mode, current: breaker.active ? breaker.mode : 'none' },
    operations: {
      live: outcome('live'),
      cache: outcome('cache'),
      stale: outcome('stale'),
      entity: outcome('entity'),
      applied: outcome('applied'),
      accepted: outcome('accepted'),
      queued: outcome('queued'),
      stored: outcome('stored'),
      rejected: outcome('rejected'),
      failure: outcome('failure'),
    },
    queue: {
      size: queued.size,
      volatile: queued.volatile,
      bytes: queued.bytes,
      states: queued.states,
      lanes: queued.lanes,
      oldestAgeMs: queued.oldestAt === undefined ? 0 : Math.max(0, at - queued.oldestAt),
      enqueued: event('enqueued'),
      replayed: event('replayed'),
      refused: event('refused'),
      accepted: event('accepted'),
      confirmed: event('confirmed'),
      unconfirmed: event('unconfirmed'),
      resent: event('resent'),
      unprotected: event('unprotected'),
      stalled: parts.stalled,
      deadLettered: event('dead_lettered'),
      lost: event('lost'),
      coalesced: event('coalesced'),
      dropped: event('dropped'),
      drainLimit: [...flows].reduce((sum, { ramp }) => sum + ramp.limit, 0),
      ...(rates.length > 0 && { drainRate: Math.min(...rates) }),
      paused: parts.paused,
    },
    cache: {
      ...cache.status(),
      hits,
      stale,
      misses,
      hitRate: hits + stale + misses === 0 ? 0 : (hits + stale) / (hits + stale + misses),
      evictions: counters.total('cacheEvictions'),
      ...(parts.cacheStore && { store: parts.cacheStore }),
    },
    entities: { ...engine.entities.status, evictions: counters.total('entityEvictions') },
    breakers: Object.fromEntries([...breakers].map((each) => [each.name, each.status()])),
    ...(fleet && { fleet }),
    health: health.system(),
    store: parts.store,
    telemetry: parts.telemetry,
    closed: parts.closed,
  };
}
