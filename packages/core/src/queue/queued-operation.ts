/** A queued operation as a person sees it. */

import type { Json } from '../json.ts';
import { contextOf } from '../telemetry/trace-context.ts';
import type { Ending } from './history.ts';
import type { OperationState } from './lane-queue.ts';
import type { OperationRecord } from './operation-record.ts';

/** One operation of the queue. Times are wall-clock ms. */
export interface QueuedOperation {
  readonly id: string;
  readonly operation: string;
  readonly input: Json;
  readonly lane: string;
  readonly state: OperationState;
  readonly enqueuedAt: number;
  /** Failures that count towards giving up. */
  readonly attempts: number;
  readonly nextAttemptAt?: number;
  /** When the upstream acknowledged it, where that is to be confirmed. */
  readonly acceptedAt?: number;
  /** A code, never upstream text. */
  readonly lastError?: string;
  /** Trace of the request that wrote it. */
  readonly traceId?: string;
  /** Why it is dead or stopped. */
  readonly reason?: string;
}

/** Where an operation stands, for one who holds its receipt. Times are wall-clock ms. */
export interface OperationReport {
  readonly id: string;
  readonly operation: string;
  /** Where it stands in the queue; afterwards, for 24 hours, how it left it. */
  readonly state: OperationState | Ending;
  readonly createdAt: number;
  readonly enqueuedAt: number;
  readonly nextAttemptAt?: number;
  /** When the upstream acknowledged it, and when it had not been seen there for too long. */
  readonly acceptedAt?: number;
  readonly unconfirmedAt?: number;
  readonly endedAt?: number;
}

/** What a report says of an operation in the queue. */
export function reportOf(
  { id, operation, createdAt, enqueuedAt, nextAt, acceptedAt, unconfirmedAt }: OperationRecord,
  state: OperationState,
): OperationReport {
  return {
    id,
    operation,
    state,
    createdAt,
    enqueuedAt,
    ...(nextAt !== undefined && { nextAttemptAt: nextAt }),
    ...(acceptedAt !== undefined && { acceptedAt }),
    ...(unconfirmedAt !== undefined && { unconfirmedAt }),
  };
}

/** Leaves out what only the kit needs. */
export function queuedOperation({
  record,
  state,
}: {
  readonly record: OperationRecord;
  readonly state: OperationState;
}): QueuedOperation {
  const { id, operation, input, lane, enqueuedAt, attempts, nextAt, acceptedAt, lastError } =
    record;
  const reason = record.dead ?? record.stopped;
  const traceId = contextOf(record.trace)?.traceId;
  return {
    id,
    operation,
    input,
    lane,
    state,
    enqueuedAt,
    attempts,
    ...(nextAt !== undefined && { nextAttemptAt: nextAt }),
    ...(acceptedAt !== undefined && { acceptedAt }),
    ...(lastError !== undefined && { lastError }),
    ...(traceId !== undefined && { traceId }),
    ...(reason !== undefined && { reason }),
  };
}
