/** Queued operations as lines of text, to be looked at or carried elsewhere. */

import { isRecord, type NewOperation, type OperationRecord, recordOf } from './operation-record.ts';

/** What became of lines that were imported. */
export interface ImportReport {
  /** Operations that are queued now. */
  readonly imported: number;
  /** Operations that are or were in this queue already. */
  readonly duplicates: number;
  /** Lines that hold no operation, or found no room; counted from 1. */
  readonly refused: readonly { readonly line: number; readonly reason: string }[];
}

/** One line for each operation (NDJSON), as they are stored. They hold what was written: keep them as safe. */
export function exportLines(records: readonly OperationRecord[]): string {
  return records.map((record) => `${JSON.stringify(record)}\n`).join('');
}

/** The record of a line; nothing where it holds none. */
export function importLine(line: string): OperationRecord | undefined {
  try {
    const value: unknown = JSON.parse(line);
    const id = typeof value === 'object' && value !== null ? Reflect.get(value, 'id') : undefined;
    // Half a character has no encoding.
    if (typeof id !== 'string' || /\p{Surrogate}/u.test(id)) return undefined;
    return isRecord(id, value) && isTraced(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

/** A damaged trace in the store costs no write; in a line it tells that somebody's hand was in it. */
function isTraced({ trace }: OperationRecord): boolean {
  return trace === undefined || typeof Reflect.get(Object(trace), 'traceparent') === 'string';
}

/** The record that a line becomes where it is put into a store as a new one; nothing where it holds none. */
export function importedRecord(line: string, now: number): OperationRecord | undefined {
  const record = importLine(line);
  return record && recordOf(requeued(record), now, record.trace);
}

/** An operation that is to be queued once more: the same one, with what is known of whether it was sent. */
export function requeued(record: OperationRecord): NewOperation {
  const { id, operation, lane, input, entity, priority, createdAt, sentAt, lastError, resends } =
    record;
  return {
    id,
    operation,
    lane,
    input,
    createdAt,
    keep: 'disk',
    send: () => ({ trace: record.trace, end() {} }),
    ...(entity && { entity }),
    ...(priority && { priority }),
    ...(sentAt !== undefined && { sentAt }),
    ...(resends && { resends }),
    ...(lastError !== undefined && { lastError }),
  };
}
