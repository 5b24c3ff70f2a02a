/** Spans. */

import { attribute } from './attributes.ts';
import type { Stability } from './scope.ts';

/** Beginnings of span names, where a name of the app's follows or nothing; an operation's span has its own name. */
export const spanName = {
  breakerTransition: 'breaker_transition',
  cacheGet: 'cache get',
  send: 'send',
  process: 'process',
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
    optional: [a.fallbackReason, a.cacheAge, a.upstreamErrorType, a.attempts, a.errorType],
    error: 'the outcome is `failure`',
  },
  breakerTransition: {
    name: `${spanName.breakerTransition} {breaker}`,
    kind: 'internal',
    description: 'A breaker changed its state; below the call or check that caused it.',
    stability: 'development',
    required: [a.name, a.breakerName, a.breakerPreviousState, a.breakerState, a.breakerReason],
    optional: [],
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
    optional: [],
    error: 'it could not be stored',
  },
  process: {
    name: `${spanName.process} {queue}`,
    kind: 'consumer',
    description: 'A replay of a queued write.',
    stability: 'development',
    required: [...messaging, a.queueAttempt, a.queueWait, a.queueResult],
    optional: [a.queueOriginTraceId, a.errorType],
    links: '`send`',
    error: 'it is given up, or waits for a person',
  },
};
