/** What a record becomes when its claim ends with the operation still in its lane. */

import type { QueueVerdict } from './lane-queue.ts';
import type { OperationRecord } from './operation-record.ts';

/** Gives the record as it is kept from then on. */
export function recordAfter(
  record: OperationRecord,
  verdict: Exclude<QueueVerdict, { kind: 'done' | 'accepted' | 'dead' }>,
  now: number,
): OperationRecord {
  const { inFlight: _over, nextAt: _due, untilRecovery: _too, ...rest } = record;
  if (verdict.kind === 'release') return rest;
  if (verdict.kind === 'stop')
    return { ...rest, stopped: verdict.reason, lastError: verdict.error };
  const { sentAt: _sent, ...unsent } = rest;
  return {
    ...unsent,
    ...(verdict.sentAt !== undefined && { sentAt: verdict.sentAt }),
    attempts: record.attempts + (verdict.charge ? 1 : 0),
    failures: record.failures + (verdict.backsOff ? 1 : 0),
    firstFailureAt: record.firstFailureAt ?? now,
    nextAt: Math.ceil(now + verdict.delayMs),
    ...(verdict.untilRecovery && { untilRecovery: true as const }),
    lastError: verdict.error,
  };
}
