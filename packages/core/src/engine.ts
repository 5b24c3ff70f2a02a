/** What the read path and the write path work with: the parts of one manager, put together. */

import { Breakers } from './breaker/breakers.ts';
import { Cache } from './cache.ts';
import type { Clock } from './clock.ts';
import { type Council, lone } from './council/council.ts';
import { createCouncil } from './council/shared-council.ts';
import type { NamedRead } from './declared-read.ts';
import type { DeclaredWrite } from './declared-write.ts';
import { LocalEntities } from './entities.ts';
import type { Emitter, FallbackEvents } from './events.ts';
import { classify, type Failure, failure, withCode } from './failure.ts';
import { createFleetQueue } from './fleet/fleet-queue.ts';
import { Health } from './health/health.ts';
import { ownCheckers } from './health/own-checkers.ts';
import { type Identified, identityOf } from './identity.ts';
import type { Journal } from './journal.ts';
import type { FallbackMode } from './mode.ts';
import type { Classifier } from './operation.ts';
import type { ResolvedOptions } from './options.ts';
import { Owners } from './owners.ts';
import { createPolicy, type Policy } from './policy/policy.ts';
import { DrainFlows } from './queue/drain-flow.ts';
import { createJournalQueue } from './queue/journal-queue.ts';
import type { LaneQueue } from './queue/lane-queue.ts';
import { createShedding, type Shedding } from './shedding.ts';
import { collector } from './telemetry/collector.ts';
import { Counters } from './telemetry/counters.ts';
import { withStoreCounts } from './telemetry/store-counts.ts';
import { createTracing, type Tracing } from './telemetry/tracing.ts';
import { alone, type Exchange } from './values/exchange.ts';
import { createExchange } from './values/shared-exchange.ts';

/** Where a manager stands between its first call and its end. */
export interface Life {
  readonly opened: boolean;
  readonly closed: boolean;
  /** Reads what an earlier process left; every operation waits for it. */
  open(): Promise<void>;
}

/** The parts of a manager, as operations use them. */
export interface Engine {
  readonly life: Life;
  readonly name: string;
  /** Whose records these are: application and upstream. */
  readonly identity: Identified;
  /** What happens while a breaker is not closed, unless a person says otherwise. */
  readonly mode: FallbackMode;
  readonly defaults: {
    readonly readTimeoutMs: number;
    readonly writeTimeoutMs: number;
    readonly ttl: number;
    readonly staleIfError: number;
    readonly softTimeout: number | false;
    readonly failureTtl: number;
  };
  readonly clock: Clock;
  readonly random: () => number;
  readonly events: Emitter<FallbackEvents>;
  readonly counters: Counters;
  readonly breakers: Breakers;
  /** What all instances find out about them together. */
  readonly council: Council;
  /** Where queued writes and outages are kept. */
  readonly store: Journal;
  /** Where cached answers outlast the process; often the same. */
  readonly cacheStore: Journal;
  readonly policy: Policy;
  readonly cache: Cache;
  readonly entities: LocalEntities;
  /** Where cached answers are shared with other instances. */
  readonly exchange: Exchange;
  readonly queue: LaneQueue;
  /** How what is behind each breaker is replayed. */
  readonly flows: DrainFlows;
  readonly health: Health;
  readonly shedding: Shedding;
  readonly tracing: Tracing;
  readonly collector: ReturnType<typeof collector>;
  readonly classify: (error: unknown) => Failure;
  readonly reads: Map<string, NamedRead>;
  readonly writes: Map<string, DeclaredWrite>;
  /** Which of them take local entities to the upstream. */
  readonly owners: Owners;
}

/** Puts the parts together. */
export function createEngine(
  options: ResolvedOptions,
  events: Emitter<FallbackEvents>,
  life: Life,
): Engine {
  const { name, mode, clock, random, cache, timeouts } = options;
  const tracing = createTracing({ name, clock, events, levels: options.telemetry });
  const told = (journal: Journal, role: 'queue' | 'cache') =>
    withStoreCounts(tracing.journal(journal), {
      store: role,
      clock,
      events,
      onCommit: (ms) => collector().record('storeCommitDuration', name, [role], ms / 1_000),
    });
  const store = told(options.store, 'queue');
  const cacheStore = cache.store === options.store ? store : told(cache.store, 'cache');
  const writes = new Map<string, DeclaredWrite>();
  const read = readerOf(options.classify, events);
  const identity = identityOf({ ...options, manager: name });
  const isDeclared = (operation: string) => writes.get(operation)?.available() ?? false;
  const parts = { identity, bounds: options.queue, clock, random, events };
  const { shared, spills = false } = options.store;
  const local = createJournalQueue({
    ...parts,
    journal: store,
    // What is only moved from here needs no one who can send it.
    isDeclared: shared ? () => true : isDeclared,
  });
  const longestCall = () => Math.max(0, ...[...writes.values()].map(({ timeoutMs }) => timeoutMs));
  const queue = shared
    ? createFleetQueue({
        ...parts,
        kind: store.kind,
        shared,
        spills,
        local,
        isDeclared,
        longestCall,
      })
    : local;
  const isQueued = (operation: string) => {
    const report = queue.get(operation);
    return report !== undefined && report.endedAt === undefined;
  };
  const { values } = cache.store;
  const exchange = values
    ? createExchange({
        values,
        journal: cacheStore,
        clock,
        onFailure: (error) =>
          events.emit('storeFailed', { store: cache.store.kind, verb: 'cache', error }),
      })
    : alone;
  const own = ownCheckers({ stores: [store, cache.store], queue, bounds: options.queue });
  const health = new Health({ options: options.health, own, clock, events });
  const { fleet } = options.store;
  const council = fleet
    ? createCouncil({
        fleet,
        clock,
        events,
        mode,
        flows: () => flows,
        outages: tracing.outages,
        onFailure: (error) =>
          events.emit('storeFailed', { store: store.kind, verb: 'state', error }),
      })
    : lone;
  const breakers = new Breakers({ ...options, health, events, council });
  const flows = new DrainFlows(breakers.own, options.drain.limit, clock);
  breakers.onEach((breaker) => council.join(breaker));
  flows.onEach((flow) => {
    flow.onThrottled((ms) => council.throttled(flow.breaker.name, ms));
  });
  return {
    life,
    name,
    identity,
    mode,
    defaults: {
      readTimeoutMs: timeouts.read,
      writeTimeoutMs: timeouts.write,
      ttl: cache.ttl,
      staleIfError: cache.staleIfError,
      softTimeout: cache.softTimeout,
      failureTtl: cache.failureTtl,
    },
    clock,
    random,
    events,
    counters: new Counters(name, mode, events),
    breakers,
    council,
    store,
    cacheStore,
    policy: createPolicy({ ...options, classify: read }),
    cache: new Cache({
      ...cache,
      journal: cacheStore,
      clock,
      events,
      exchange,
    }),
    entities: new LocalEntities({ ...options.entities, journal: store, clock, events, isQueued }),
    exchange,
    queue,
    flows,
    health,
    shedding: createShedding({
      rampMs: options.recoveryRamp,
      share: options.health.shedding,
      health,
      clock,
      random,
    }),
    tracing,
    collector: collector(),
    classify: read,
    reads: new Map(),
    writes,
    owners: new Owners(),
  };
}

/** The app's own reading of errors first; what it throws must not cost a write. */
function readerOf(
  own: Classifier | undefined,
  events: Emitter<FallbackEvents>,
): (error: unknown) => Failure {
  return (error) => {
    try {
      const read = own?.(error);
      if (read) return withCode(read);
    } catch (thrown) {
      events.emit('warning', { message: `\`classify\` threw: ${textOf(thrown)}` });
    }
    try {
      return classify(error);
    } catch {
      // Anything may be thrown, also what throws when it is looked at.
      return failure('unknown', 'error');
    }
  };
}

function textOf(thrown: unknown): string {
  try {
    return String(thrown);
  } catch {
    return typeof thrown;
  }
}
