/** Operations as they lie in a shared queue: what stays, and what is known of their attempts. */

import type { EndedOperation, Ending } from '../queue/history.ts';
import type { ListedOperation, OperationState } from '../queue/lane-queue.ts';
import { isRecord, type OperationRecord } from '../queue/operation-record.ts';
import type { OperationReport } from '../queue/queued-operation.ts';
import type { SharedEntry, SharedFound, SharedRecord } from '../queue/shared-queue.ts';

/** What changes while an operation lies in the queue. */
const changing = [
  'attempts',
  'failures',
  'firstFailureAt',
  'lastError',
  'sentAt',
  'nextAt',
  'dead',
  'stopped',
] as const satisfies readonly (keyof OperationRecord)[];

/** An operation on its way into a shared queue. */
export function entryOf(
  record: OperationRecord,
  now: number,
  { hold = false, isNew = false }: { hold?: boolean; isNew?: boolean } = {},
): SharedEntry {
  const { id, lane, operation, priority = 0, nextAt } = record;
  const body: Partial<Record<string, unknown>> = { ...record, inFlight: undefined };
  for (const name of changing) body[name] = undefined; // JSON leaves them out
  return {
    id,
    lane,
    operation,
    priority,
    body: JSON.stringify(body),
    progress: progressOf(record),
    delayMs: nextAt === undefined ? 0 : Math.max(0, nextAt - now),
    hold,
    isNew,
  };
}

/** What is known of its attempts, as it is stored; empty where there was none. */
export function progressOf(record: OperationRecord): string {
  const known = changing.flatMap((name) => {
    const value = record[name];
    return value === undefined || value === 0 ? [] : [[name, value] as const];
  });
  return known.length === 0 ? '' : JSON.stringify(Object.fromEntries(known));
}

/** The operation again; nothing where this version does not understand it. */
export function recordOf(shared: SharedRecord): OperationRecord | undefined {
  const { id, body, progress, interruptions } = shared;
  try {
    const known = progress === '' ? {} : (JSON.parse(progress) as object);
    const record = { attempts: 0, failures: 0, ...JSON.parse(body), ...known, interruptions };
    return isRecord(id, record) ? record : undefined;
  } catch {
    return undefined;
  }
}

/** An operation that was found, where it is still in the queue. */
export function listedOf(
  found: SharedFound,
  isDeclared: (operation: string) => boolean,
): ListedOperation | undefined {
  if (!('record' in found)) return undefined;
  const record = recordOf(found.record);
  if (!record) return undefined;
  if (found.state === 'in_flight' || found.state === 'dead') return { record, state: found.state };
  if (found.state === 'stopped') {
    const { stopped = 'interrupted' } = record;
    return { record: { ...record, stopped }, state: stoppedState(stopped) };
  }
  return { record, state: isDeclared(record.operation) ? 'ready' : 'unhandled' };
}

/** How an operation ended, as it is remembered. */
export function endingOf(record: OperationRecord, state: Ending, endedAt: number): string {
  const { operation, createdAt, enqueuedAt } = record;
  const ended: EndedOperation = { operation, state, createdAt, enqueuedAt, endedAt };
  return JSON.stringify(ended);
}

/** What is told of one that ended. */
export function endedReport(id: string, ending: string): OperationReport | undefined {
  try {
    return { id, ...(JSON.parse(ending) as EndedOperation) };
  } catch {
    return undefined;
  }
}

function stoppedState(stopped: NonNullable<OperationRecord['stopped']>): OperationState {
  return stopped === 'unauthorized' ? 'blocked' : 'parked';
}
