/** Spans. */

import { attribute } from './attributes.ts';
import type { Stability } from './scope.ts';

/** Beginnings of span names: a name of the app's may follow. An operation's span has its own name. */
export const spanName = {
  attempt: 'attempt',
  breakerTransition: 'breaker_transition',
  cacheGet: 'cache get',
  send: 'send',
  process: 'process',
  deadLetter: 'dead_letter',
  drain: 'drain',
  activate: 'activate',
  outage: 'outage',
  deactivate: 'deactivate',
  healthCheck: 'health_check',
  store: 'store',
} as const;

/** A span by its key in {@link spans}. */
export type SpanKey = 'operation' | keyof typeof spanName;

/** A span as it is promised. */
export interface SpanContract {
  /** As backends show it; what stands in braces is a name of the app's. */
  readonly name: string;
  readonly kind: 'internal' | 'producer' | 'consumer';
  readonly description: string;
  readonly stability: Stability;
  /** Attributes that are always there. */
  readonly required: readonly string[];
  /** Attributes that are there where they have something to say. */
  readonly optional: readonly string[];
  /** What a link of it leads to. */
  readonly links?: string;
  /** When its status is an error; never where absent. */
  readonly error?: string;
}

const a = attribute;

const messaging = [
  a.name,
  a.operationName,
  a.messagingSystem,
  a.messagingSystemName,
  a.messagingDestination,
  a.messagingOperationName,
  a.messagingOperationType,
  a.messagingMessageId,
];

const outage = [a.name, a.breakerName, a.mode, a.outageTrigger, a.outageReason];
const outageOver = [...outage, a.outageDuration, a.outageStale, a.outageQueued, a.outageRefused];

/** Every span. */
export const spans: Readonly<Record<SpanKey, SpanContract>> = {
  operation: {
    name: '{operation}',
    kind: 'internal',
    description: 'A call of a declared operation, whatever became of it.',
    stability: 'development',
    required: [
      a.name,
      a.operationName,
      a.operationKind,
      a.mode,
      a.breakerState,
      a.outcome,
      a.fallbackUsed,
    ],
    optional: [
      a.fallbackReason,
      a.cacheResult,
      a.cacheAge,
      a.upstreamErrorType,
      a.attempts,
      a.errorType,
    ],
    error: 'the outcome is `failure`',
  },
  attempt: {
    name: spanName.attempt,
    kind: 'internal',
    description: 'A try of the upstream, once there is a second one.',
    stability: 'development',
    required: [a.name, a.attemptNumber, a.attemptResult],
    optional: [a.errorType],
    error: 'it failed',
  },
  breakerTransition: {
    name: `${spanName.breakerTransition} {breaker}`,
    kind: 'internal',
    description: 'A breaker changed its state; below the call or check that caused it.',
    stability: 'development',
    required: [a.name, a.breakerName, a.breakerPreviousState, a.breakerState, a.breakerReason],
    optional: [],
    links: '`activate`, while an outage runs',
  },
  cacheGet: {
    name: spanName.cacheGet,
    kind: 'internal',
    description:
      'A lookup in the cache that found something, or that was made for want of the upstream.',
    stability: 'development',
    required: [a.name, a.cacheResult],
    optional: [a.cacheAge],
  },
  send: {
    name: `${spanName.send} {queue}`,
    kind: 'producer',
    description: 'A write was queued.',
    stability: 'development',
    required: messaging,
    optional: [a.queueLaneDepth],
    error: 'it could not be stored',
  },
  process: {
    name: `${spanName.process} {queue}`,
    kind: 'consumer',
    description: 'A replay of a queued write; below its `drain`.',
    stability: 'development',
    required: [...messaging, a.queueAttempt, a.queueWait, a.queueResult],
    optional: [a.queueOriginTraceId, a.errorType],
    links: '`send`, and to the replay before',
    error: 'it is given up, or waits for a person',
  },
  deadLetter: {
    name: `${spanName.deadLetter} {queue}`,
    kind: 'internal',
    description: 'A queued write was given up.',
    stability: 'development',
    required: [...messaging, a.deadLetterReason],
    optional: [a.errorType],
    links: '`send`',
    error: 'always',
  },
  drain: {
    name: `${spanName.drain} {queue}`,
    kind: 'internal',
    description: 'Replays that follow each other, at most a hundred; a trace of its own.',
    stability: 'development',
    required: [a.name, a.queueName, a.drainReplayed, a.drainFailed],
    optional: [],
    links: '`activate` of the outage before',
  },
  activate: {
    name: `${spanName.activate} {breaker}`,
    kind: 'internal',
    description: 'An outage began: the root of its trace.',
    stability: 'development',
    required: outage,
    optional: [],
    links: 'the call that began it',
  },
  outage: {
    name: `${spanName.outage} {breaker}`,
    kind: 'internal',
    description: 'The whole outage, written when it is over; below `activate`.',
    stability: 'development',
    required: outageOver,
    optional: [],
  },
  deactivate: {
    name: `${spanName.deactivate} {breaker}`,
    kind: 'internal',
    description: 'An outage is over; below `activate`.',
    stability: 'development',
    required: outageOver,
    optional: [],
    links: 'the call or check that ended it',
  },
  healthCheck: {
    name: `${spanName.healthCheck} {component}`,
    kind: 'internal',
    description:
      'A health check; below `activate` during an outage, and then only what changed, and now and then.',
    stability: 'development',
    required: [a.name, a.healthComponent, a.healthStatus, a.healthLatency],
    optional: [a.outageTrigger],
    error: 'the component is unhealthy',
  },
  store: {
    name: `${spanName.store} {verb}`,
    kind: 'internal',
    description: 'The store was opened, made a commit that somebody waits for, or closed.',
    stability: 'development',
    required: [a.name, a.storeKind, a.storeVerb],
    optional: [],
    error: 'it failed',
  },
};
