/** A manager's numbers as the metrics want them. */

import type { BreakerCalls } from '../breaker/breaker.ts';
import { type BreakerStatus, breakerStates } from '../breaker/breaker-state.ts';
import { healthStatuses } from '../health/checker.ts';
import { type JournalStatus, storeFiles, type storeRoles } from '../journal.ts';
import { operationStates } from '../queue/lane-queue.ts';
import type { FallbackStatus } from '../status.ts';
import { activations } from './activations.ts';
import type { Measurement } from './collector.ts';
import { type MetricKey, metrics } from './contract.ts';
import type { Counters } from './counters.ts';

/** A breaker that is no more: its series stay, or the SDK would export their last values for ever. */
interface RemovedBreaker {
  readonly name: string;
  readonly calls: BreakerCalls;
}

/** Reads all counters and the status. */
export function* measurements(
  counters: Counters,
  status: FallbackStatus,
  removed: readonly RemovedBreaker[],
): Generator<Measurement> {
  for (const metric of Object.keys(metrics) as MetricKey[])
    for (const { values, count } of counters.series(metric)) yield { metric, values, value: count };
  for (const [name, breaker] of Object.entries(status.breakers))
    yield* ofBreaker(status, name, breaker.calls, breaker);
  for (const { name, calls } of removed) yield* ofBreaker(status, name, calls);
  yield* ofQueue(status);
  const { name, cache, entities, store, mode } = status;
  yield { metric: 'info', values: [store.kind, mode.configured], value: 1 };
  yield { metric: 'cacheEntries', values: [name], value: cache.entries };
  yield { metric: 'cacheSize', values: [name], value: cache.bytes };
  yield { metric: 'entityEntries', values: [], value: entities.entries };
  yield { metric: 'entitySize', values: [], value: entities.bytes };
  yield* ofStore('queue', store);
  if (cache.store) yield* ofStore('cache', cache.store);
  for (const component of status.health.components)
    for (const each of healthStatuses)
      yield {
        metric: 'healthStatus',
        values: [component.name, each],
        value: Number(component.status === each),
      };
}

function* ofBreaker(
  { mode, at }: FallbackStatus,
  name: string,
  calls: BreakerCalls,
  { state, retryInMs = 0, outage, isolation }: Partial<BreakerStatus> = {},
): Generator<Measurement> {
  const holds = isolation ? 'manual' : outage?.trigger;
  const holding = isolation?.mode ?? mode.configured;
  for (const each of breakerStates)
    yield { metric: 'breakerState', values: [name, each], value: Number(state === each) };
  for (const [each, trigger] of activations(mode.configured))
    yield {
      metric: 'active',
      values: [name, each, trigger],
      value: Number(holds === trigger && holding === each),
    };
  const age = outage ? Math.max(0, at - outage.since) / 1000 : 0;
  yield { metric: 'outageAge', values: [name], value: age };
  yield { metric: 'breakerRetryDelay', values: [name], value: retryInMs / 1000 };
  for (const [result, value] of Object.entries(calls))
    yield { metric: 'breakerCalls', values: [name, result], value };
}

function* ofStore(
  name: (typeof storeRoles)[number],
  { durability, writable, files = {} }: JournalStatus,
): Generator<Measurement> {
  for (const file of storeFiles)
    yield { metric: 'storeSize', values: [name, file], value: files[file] ?? 0 };
  const durable = writable && durability !== 'memory';
  yield { metric: 'storeDurable', values: [name], value: Number(durable) };
}

function* ofQueue({ name, queue }: FallbackStatus): Generator<Measurement> {
  for (const state of operationStates)
    yield { metric: 'queueDepth', values: [name, state], value: queue.states[state] };
  yield { metric: 'queueOldestAge', values: [name], value: queue.oldestAgeMs / 1000 };
  yield { metric: 'queueLanes', values: [name, 'ready'], value: queue.lanes.ready };
  yield { metric: 'queueLanes', values: [name, 'blocked'], value: queue.lanes.blocked };
  yield { metric: 'drainLimit', values: [name], value: queue.drainLimit };
}
