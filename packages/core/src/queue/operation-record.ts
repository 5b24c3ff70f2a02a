/** A queued operation as it lies in the journal. */

import { type Entity, isEntity } from '../entity.ts';
import type { Json } from '../json.ts';
import type { Coalescing } from './coalescing.ts';

/** Trace context of the request that queued an operation, as W3C headers. */
export interface TraceCarrier {
  readonly traceparent: string;
  readonly tracestate?: string;
}

/** Why an operation is not tried any more without a person. */
export type DeadReason = (typeof deadReasons)[number];

/** All reasons. */
export const deadReasons = ['rejected', 'poison', 'expired', 'skipped', 'unconfirmed'] as const;

/** Why a lane stands still until a person decides. */
export type StopReason = 'unknown' | 'unauthorized' | 'interrupted';

/** One queued operation: all a later process needs to replay it. Times are wall-clock ms. */
export interface OperationRecord {
  /** UUIDv7; also the idempotency key. */
  readonly id: string;
  readonly operation: string;
  readonly lane: string;
  readonly input: Json;
  readonly entity?: Entity;
  /** Lanes with higher ones go first. @default 0 */
  readonly priority?: number;
  readonly createdAt: number;
  readonly enqueuedAt: number;
  readonly trace?: TraceCarrier;
  /** Failures that count towards giving up. */
  readonly attempts: number;
  /** Failures since the last success of its lane: what the backoff grows with. */
  readonly failures: number;
  /** How often a process died while it was in flight. */
  readonly interruptions: number;
  /** It is with the upstream now; still set at the next start, it was interrupted. */
  readonly inFlight?: true;
  /** When it was last sent without a certain answer, or with one that is to be confirmed: it may have been applied. */
  readonly sentAt?: number;
  /** When the upstream acknowledged it: it stands beside its lane until it is seen there. */
  readonly acceptedAt?: number;
  /** When it had not been seen for too long. */
  readonly unconfirmedAt?: number;
  /** Something that was done since may have undone it upstream: it is not sent again but by a person. */
  readonly doubted?: true;
  /** How often it was sent again because it was not seen. */
  readonly resends?: number;
  readonly firstFailureAt?: number;
  /** Not before this time. */
  readonly nextAt?: number;
  /** That time is over when the breaker closes. */
  readonly untilRecovery?: true;
  /** A code, never upstream text. */
  readonly lastError?: string;
  readonly dead?: DeadReason;
  readonly stopped?: StopReason;
  /** It stays here until somebody syncs. */
  readonly local?: true;
  /** Its entity was changed upstream since it was stored here. */
  readonly changed?: true;
}

/**
 * What becomes of a write that cannot be sent now: queued on disk or in memory; stored here, unless its
 * lane holds queued ones, which it then joins; `no`: not kept, but it waits for its turn; `never`: nor
 * does it wait behind queued ones.
 */
export type Keep = 'disk' | 'memory' | 'local' | 'no' | 'never';

/** What a write brings when it is to be queued. */
export interface NewOperation {
  readonly id: string;
  readonly operation: string;
  readonly lane: string;
  readonly input: Json;
  readonly entity?: Entity;
  readonly priority?: number;
  readonly createdAt: number;
  readonly keep: Keep;
  readonly coalescing?: Coalescing;
  /** Its caller was told that it failed, because of another of the same call: it must not be sent any more. */
  readonly withdrawn?: AbortSignal;
  /** How often it was sent again because it was not seen upstream. */
  readonly resends?: number;
  /** Trace context of the request, where it is stored before it is sent: no `send` step yet. */
  readonly trace?: TraceCarrier | undefined;
  /** Begins the `send` step, in the context of the request: its trace context is stored with the operation. */
  readonly send: () => Sending;
  /** When it was sent without a certain answer. */
  readonly sentAt?: number;
  readonly nextAt?: number;
  readonly lastError?: string;
}

/** A `send` step under way. */
export interface Sending {
  readonly trace: TraceCarrier | undefined;
  /** It is stored, or could not be. */
  end(told?: { readonly laneDepth: number } | { readonly error: unknown }): void;
}

/** Makes the record of a new operation. */
export function recordOf(
  operation: NewOperation,
  now: number,
  trace?: TraceCarrier,
): OperationRecord {
  const {
    id,
    operation: name,
    lane,
    input,
    entity,
    priority,
    createdAt,
    keep,
    sentAt,
    nextAt,
    lastError,
    resends,
  } = operation;
  return {
    id,
    operation: name,
    lane,
    input,
    ...(entity && { entity }),
    ...(priority && { priority }),
    createdAt,
    enqueuedAt: now,
    ...(trace && { trace }),
    attempts: 0,
    failures: 0,
    interruptions: 0,
    ...(sentAt !== undefined && { sentAt }),
    ...(nextAt !== undefined && { nextAt }),
    ...(lastError !== undefined && { lastError }),
    ...(resends && { resends }),
    ...(keep === 'local' && { local: true as const }),
  };
}

/** Whether something in a journal is a record that this version understands; a damaged trace costs no write. */
export function isRecord(key: string, value: unknown): value is OperationRecord {
  if (typeof value !== 'object' || value === null) return false;
  const record = value as Partial<Record<keyof OperationRecord, unknown>>;
  const { id, operation, lane, entity } = record;
  return (
    id === key &&
    [operation, lane].every((text) => typeof text === 'string') &&
    required.every((name) => Number.isFinite(record[name])) &&
    optional.every((name) => record[name] === undefined || Number.isFinite(record[name])) &&
    (entity === undefined || isEntity(entity))
  );
}

const required = ['enqueuedAt', 'interruptions', 'failures'] as const;
const optional = [
  'priority',
  'createdAt',
  'attempts',
  'sentAt',
  'nextAt',
  'acceptedAt',
  'unconfirmedAt',
  'resends',
] as const;
