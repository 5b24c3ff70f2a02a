/** Metrics. */

import { attribute } from './attributes.ts';
import type { Stability } from './scope.ts';

const prefix = 'graphiti_fallback';

/** How a metric is measured. */
export type InstrumentKind = 'counter' | 'upDownCounter' | 'gauge' | 'histogram';

/** A metric as it is promised. */
export interface MetricContract {
  readonly name: string;
  readonly kind: InstrumentKind;
  /** UCUM; counts in annotations such as `{operation}`, times in seconds. */
  readonly unit: string;
  readonly description: string;
  readonly stability: Stability;
  /** Attributes besides the manager's name. */
  readonly attributes: readonly string[];
  /** Bounds of a histogram's buckets, in the metric's unit. */
  readonly buckets?: readonly number[];
}

const durations = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
const commits = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5];
const waits = [0.1, 0.5, 1, 5, 15, 60, 300, 900, 3_600, 14_400, 86_400, 604_800];

function metric(
  name: string,
  kind: InstrumentKind,
  unit: string,
  description: string,
  attributes: readonly string[] = [],
  buckets?: readonly number[],
): MetricContract {
  return {
    name: `${prefix}.${name}`,
    kind,
    unit,
    description,
    stability: 'development',
    attributes,
    ...(buckets && { buckets }),
  };
}

const a = attribute;

/** A metric by its key in {@link metrics}. */
export type MetricKey =
  | 'info'
  | 'operations'
  | 'fallbacks'
  | 'operationDuration'
  | 'attempts'
  | 'active'
  | 'outageAge'
  | 'activations'
  | 'breakerState'
  | 'breakerTransitions'
  | 'breakerCalls'
  | 'breakerRetryDelay'
  | 'cacheRequests'
  | 'cacheEntries'
  | 'cacheSize'
  | 'cacheEvictions'
  | 'cacheServedAge'
  | 'entityEntries'
  | 'entitySize'
  | 'entityEvictions'
  | 'queueOperations'
  | 'queueDepth'
  | 'queueOldestAge'
  | 'queueLanes'
  | 'drainLimit'
  | 'queueWaitDuration'
  | 'queueProcessDuration'
  | 'queueConfirmDuration'
  | 'storeOperations'
  | 'storeCommitDuration'
  | 'storeSize'
  | 'storeDurable'
  | 'healthStatus'
  | 'healthChecks'
  | 'shed';

/** Every metric. All carry the manager's name besides their own attributes. */
export const metrics: Readonly<Record<MetricKey, MetricContract>> = {
  info: metric('info', 'upDownCounter', '{instance}', 'One for each running manager.', [
    a.storeKind,
    a.mode,
  ]),
  operations: metric('operations', 'counter', '{operation}', 'Operations by what became of them.', [
    a.operationName,
    a.outcome,
  ]),
  fallbacks: metric(
    'fallbacks',
    'counter',
    '{operation}',
    'Operations that were not answered live, by cause.',
    [a.operationName, a.fallbackReason],
  ),
  operationDuration: metric(
    'operation.duration',
    'histogram',
    's',
    'How long operations took.',
    [a.operationName, a.outcome],
    durations,
  ),
  attempts: metric('attempts', 'counter', '{attempt}', 'Tries of the upstream.', [
    a.operationName,
    a.attemptResult,
  ]),
  active: metric('active', 'upDownCounter', '{fallback}', 'Whether fallback is active.', [
    a.breakerName,
    a.mode,
    a.outageTrigger,
  ]),
  outageAge: metric(
    'outage.age',
    'gauge',
    's',
    'How long the present outage has lasted; 0 when live.',
    [a.breakerName],
  ),
  activations: metric(
    'activations',
    'counter',
    '{activation}',
    'Outages that began; of one that instances share, one of them tells.',
    [a.breakerName, a.mode, a.outageTrigger],
  ),
  breakerState: metric(
    'breaker.state',
    'upDownCounter',
    '{state}',
    'The state of a breaker: 1 for the one that holds.',
    [a.breakerName, a.breakerState],
  ),
  breakerTransitions: metric(
    'breaker.transitions',
    'counter',
    '{transition}',
    'Changes of state.',
    [a.breakerName, a.breakerPreviousState, a.breakerState],
  ),
  breakerCalls: metric('breaker.calls', 'counter', '{call}', 'Calls as a breaker counts them.', [
    a.breakerName,
    a.callResult,
  ]),
  breakerRetryDelay: metric(
    'breaker.retry.delay',
    'gauge',
    's',
    'Until a breaker lets a call through; 0 unless open.',
    [a.breakerName],
  ),
  cacheRequests: metric('cache.requests', 'counter', '{request}', 'Lookups in the cache.', [
    a.cacheName,
    a.cacheResult,
  ]),
  cacheEntries: metric('cache.entries', 'upDownCounter', '{entry}', 'Answers in the cache.', [
    a.cacheName,
  ]),
  cacheSize: metric('cache.size', 'upDownCounter', 'By', 'Size of the answers in the cache.', [
    a.cacheName,
  ]),
  cacheEvictions: metric('cache.evictions', 'counter', '{entry}', 'Answers that left the cache.', [
    a.cacheName,
    a.cacheEvictionReason,
  ]),
  cacheServedAge: metric(
    'cache.age',
    'histogram',
    's',
    'Age of what was served stale.',
    [a.cacheName],
    waits,
  ),
  entityEntries: metric(
    'entity.entries',
    'upDownCounter',
    '{entity}',
    'Local entities and relationships.',
  ),
  entitySize: metric('entity.size', 'upDownCounter', 'By', 'Size of the local entities.'),
  entityEvictions: metric(
    'entity.evictions',
    'counter',
    '{entity}',
    'Local entities that had to make room for others.',
  ),
  queueOperations: metric(
    'queue.operations',
    'counter',
    '{operation}',
    'What happened to queued operations.',
    [a.queueName, a.queueEvent],
  ),
  queueDepth: metric('queue.depth', 'upDownCounter', '{operation}', 'Operations in the queue.', [
    a.queueName,
    a.queueState,
  ]),
  queueOldestAge: metric(
    'queue.oldest.age',
    'gauge',
    's',
    'Age of the oldest operation that is still to be applied; 0 when none is.',
    [a.queueName],
  ),
  queueLanes: metric('queue.lanes', 'upDownCounter', '{lane}', 'Lanes that hold operations.', [
    a.queueName,
    a.queueState,
  ]),
  drainLimit: metric(
    'drain.limit',
    'upDownCounter',
    '{operation}',
    'Replays that may run at once.',
    [a.queueName],
  ),
  queueWaitDuration: metric(
    'queue.wait.duration',
    'histogram',
    's',
    'How long operations had waited when they were tried.',
    [a.queueName, a.queueResult],
    waits,
  ),
  queueProcessDuration: metric(
    'queue.process.duration',
    'histogram',
    's',
    'How long a replay took.',
    [a.queueName, a.queueResult],
    durations,
  ),
  queueConfirmDuration: metric(
    'queue.confirm.duration',
    'histogram',
    's',
    'How long it took from the acknowledgement of a write until it was seen upstream.',
    [a.queueName],
    waits,
  ),
  storeOperations: metric(
    'store.operations',
    'counter',
    '{operation}',
    'What stores were asked, by what became of it.',
    [a.storeName, a.storeVerb, a.storeResult],
  ),
  storeCommitDuration: metric(
    'store.commit.duration',
    'histogram',
    's',
    'How long commits took that somebody waited for.',
    [a.storeName],
    commits,
  ),
  storeSize: metric('store.size', 'upDownCounter', 'By', 'Size of the files of a store.', [
    a.storeName,
    a.storeFile,
  ]),
  storeDurable: metric(
    'store.durable',
    'upDownCounter',
    '{store}',
    'Whether what is stored outlasts the process: 1, or 0 also while the store takes nothing.',
    [a.storeName],
  ),
  healthStatus: metric(
    'health.status',
    'upDownCounter',
    '{status}',
    'The health of a component: 1 for the status that holds.',
    [a.healthComponent, a.healthStatus],
  ),
  healthChecks: metric('health.checks', 'counter', '{check}', 'Health checks by result.', [
    a.healthComponent,
    a.healthStatus,
  ]),
  shed: metric(
    'shed',
    'counter',
    '{operation}',
    'Reads that answered from the cache to spare the upstream.',
    [a.operationName],
  ),
};
