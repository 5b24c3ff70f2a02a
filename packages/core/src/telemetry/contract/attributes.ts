/** Attributes, of spans and metrics alike. */

import { breakerStates, callResults, triggers } from '../../breaker/breaker-state.ts';
import { cacheResults, evictionReasons, queueEvents, replayResults } from '../../events.ts';
import { healthStatuses } from '../../health/checker.ts';
import { storeFiles, storeResults, storeRoles, storeVerbs } from '../../journal.ts';
import { fallbackModes } from '../../mode.ts';
import { operatorActions, operatorResults } from '../../operator-act.ts';
import { attemptResults, fallbackReasons, outcomesOf } from '../../outcome.ts';
import { operationStates } from '../../queue/lane-queue.ts';
import { deadReasons } from '../../queue/operation-record.ts';
import type { Stability } from './scope.ts';

/** The attributes' keys, as backends see them. */
export const attribute = {
  name: 'graphiti_fallback.name',
  operationName: 'graphiti_fallback.operation.name',
  operationKind: 'graphiti_fallback.operation.kind',
  mode: 'graphiti_fallback.mode',
  breakerName: 'graphiti_fallback.breaker.name',
  breakerState: 'graphiti_fallback.breaker.state',
  breakerPreviousState: 'graphiti_fallback.breaker.previous_state',
  breakerReason: 'graphiti_fallback.breaker.reason',
  outcome: 'graphiti_fallback.outcome',
  fallbackUsed: 'graphiti_fallback.fallback.used',
  fallbackReason: 'graphiti_fallback.fallback.reason',
  cacheName: 'graphiti_fallback.cache.name',
  cacheResult: 'graphiti_fallback.cache.result',
  cacheAge: 'graphiti_fallback.cache.age',
  cacheEvictionReason: 'graphiti_fallback.cache.eviction.reason',
  upstreamErrorType: 'graphiti_fallback.upstream.error.type',
  attempts: 'graphiti_fallback.attempts',
  attemptNumber: 'graphiti_fallback.attempt.number',
  attemptResult: 'graphiti_fallback.attempt.result',
  callResult: 'graphiti_fallback.call.result',
  outageTrigger: 'graphiti_fallback.outage.trigger',
  outageReason: 'graphiti_fallback.outage.reason',
  outageDuration: 'graphiti_fallback.outage.duration',
  outageStale: 'graphiti_fallback.outage.stale',
  outageQueued: 'graphiti_fallback.outage.queued',
  outageRefused: 'graphiti_fallback.outage.refused',
  queueName: 'graphiti_fallback.queue.name',
  queueEvent: 'graphiti_fallback.queue.event',
  queueState: 'graphiti_fallback.queue.state',
  queueAttempt: 'graphiti_fallback.queue.attempt',
  queueWait: 'graphiti_fallback.queue.wait',
  queueResult: 'graphiti_fallback.queue.result',
  queueOriginTraceId: 'graphiti_fallback.queue.origin_trace_id',
  queueLaneDepth: 'graphiti_fallback.queue.lane_depth',
  deadLetterReason: 'graphiti_fallback.dead_letter.reason',
  drainReplayed: 'graphiti_fallback.drain.replayed',
  drainFailed: 'graphiti_fallback.drain.failed',
  storeKind: 'graphiti_fallback.store.kind',
  storeName: 'graphiti_fallback.store.name',
  storeResult: 'graphiti_fallback.store.result',
  storeFile: 'graphiti_fallback.store.file',
  storeVerb: 'graphiti_fallback.store.verb',
  healthComponent: 'graphiti_fallback.health.component',
  healthStatus: 'graphiti_fallback.health.status',
  healthLatency: 'graphiti_fallback.health.latency',
  operatorAction: 'graphiti_fallback.operator.action',
  operatorTarget: 'graphiti_fallback.operator.target',
  operatorResult: 'graphiti_fallback.operator.result',
  operatorName: 'graphiti_fallback.operator.name',
  messagingSystem: 'messaging.system',
  messagingSystemName: 'messaging.system.name',
  messagingDestination: 'messaging.destination.name',
  messagingOperationName: 'messaging.operation.name',
  messagingOperationType: 'messaging.operation.type',
  messagingMessageId: 'messaging.message.id',
  errorType: 'error.type',
} as const;

/** An attribute by its key in {@link attribute}. */
export type AttributeKey = keyof typeof attribute;

/** An attribute as it is promised. */
export interface AttributeContract {
  readonly key: string;
  readonly type: 'string' | 'number' | 'boolean';
  readonly description: string;
  readonly stability: Stability;
  /**
   * How many values it can have. `values`: those listed. `names`: what the app declared or installed.
   * `codes`: short codes, also of the app's own errors. `ids` and `measured`: any. Metrics carry only the
   * first two.
   */
  readonly cardinality: 'values' | 'names' | 'codes' | 'ids' | 'measured';
  readonly values?: readonly string[];
  /** Of a measured one. */
  readonly unit?: string;
}

type Told = Omit<AttributeContract, 'key' | 'stability'>;

const development = 'development';

function values(description: string, values: readonly string[]): Told {
  return { type: 'string', description, cardinality: 'values', values };
}

function names(description: string): Told {
  return { type: 'string', description, cardinality: 'names' };
}

function codes(description: string): Told {
  return { type: 'string', description, cardinality: 'codes' };
}

function ids(description: string): Told {
  return { type: 'string', description, cardinality: 'ids' };
}

function measured(description: string, unit: string): Told {
  return { type: 'number', description, cardinality: 'measured', unit };
}

const told: Readonly<Record<AttributeKey, Told>> = {
  name: names('The manager.'),
  operationName: names('The operation, as it was declared.'),
  operationKind: values('What the operation is.', ['read', 'write']),
  mode: values('What happens to operations while fallback is active; `none` when live.', [
    'none',
    ...fallbackModes,
  ]),
  breakerName: names('The breaker.'),
  breakerState: values("The breaker's state; of a transition, the new one.", breakerStates),
  breakerPreviousState: values('The state that a breaker left.', breakerStates),
  breakerReason: codes('Why a breaker changed its state.'),
  outcome: values('What became of a call.', [
    ...new Set([...outcomesOf.read, ...outcomesOf.write]),
  ]),
  fallbackUsed: {
    type: 'boolean',
    description: 'Whether fallback served the call.',
    cardinality: 'values',
  },
  fallbackReason: values('Why a call was not answered live.', fallbackReasons),
  cacheName: names('The cache: that of the manager.'),
  cacheResult: values('What a lookup found.', cacheResults),
  cacheAge: measured('Age of what was served.', 's'),
  cacheEvictionReason: values('Why an answer left the cache.', evictionReasons),
  upstreamErrorType: codes("Code of the upstream's last failure."),
  attempts: measured('Tries of the upstream.', '{attempt}'),
  attemptNumber: measured('Number of a try, from 1.', '{attempt}'),
  attemptResult: values('What one try came to.', attemptResults),
  callResult: values('A call as a breaker counts it.', callResults),
  outageTrigger: values('What began an outage.', triggers),
  outageReason: codes('Why an outage began.'),
  outageDuration: measured('How long an outage lasted.', 's'),
  outageStale: measured(
    'Answers served from what was at hand meanwhile, by this process.',
    '{operation}',
  ),
  outageQueued: measured('Writes kept meanwhile, by this process.', '{operation}'),
  outageRefused: measured('Calls that got an error meanwhile, by this process.', '{operation}'),
  queueName: names('The queue: that of the manager.'),
  queueEvent: values('What happened to a queued operation.', queueEvents),
  queueState: values('Where queued operations, or their lanes, stand.', operationStates),
  queueAttempt: measured('Number of a replay, from 1.', '{attempt}'),
  queueWait: measured('How long an operation had been queued.', 's'),
  queueResult: values('What a replay came to.', replayResults),
  queueOriginTraceId: ids('Trace of the request that wrote what is replayed.'),
  queueLaneDepth: measured('Operations in its lane, this one included.', '{operation}'),
  deadLetterReason: values('Why an operation was given up.', deadReasons),
  drainReplayed: measured('Operations that were applied.', '{operation}'),
  drainFailed: measured('Replays that failed.', '{operation}'),
  storeKind: names('The kind of store.'),
  storeName: values('What the store is for.', storeRoles),
  storeResult: values('What became of it.', storeResults),
  storeFile: values('The kind of file.', storeFiles),
  storeVerb: values('What the store was asked.', storeVerbs),
  healthComponent: names('The component that is checked.'),
  healthStatus: values('How a component is.', healthStatuses),
  healthLatency: measured('How long a check took.', 's'),
  operatorAction: values('What an operator did.', operatorActions),
  operatorTarget: ids("What it was done to: an operation's id, a breaker, or the manager."),
  operatorResult: values('What it came to.', operatorResults),
  operatorName: ids('Who did it, as the app names them; `unnamed` where it does not.'),
  messagingSystem: values('Who queues; the old name of `messaging.system.name`.', [
    'graphiti_fallback',
  ]),
  messagingSystemName: values('Who queues.', ['graphiti_fallback']),
  messagingDestination: names('The queue.'),
  messagingOperationName: values('What is done to a queued operation.', [
    'send',
    'process',
    'dead_letter',
  ]),
  messagingOperationType: values('The same, as messaging systems call it.', [
    'send',
    'process',
    'settle',
  ]),
  messagingMessageId: ids('Id of the operation: finds the request and its replays.'),
  errorType: codes('Code of what failed.'),
};

/** Every attribute by its name in {@link attribute}. */
export const attributes: Readonly<Record<AttributeKey, AttributeContract>> = Object.fromEntries(
  (Object.keys(attribute) as AttributeKey[]).map((name) => [
    name,
    { key: attribute[name], stability: development, ...told[name] },
  ]),
) as Record<AttributeKey, AttributeContract>;
