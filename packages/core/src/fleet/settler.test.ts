import { expect, test } from 'vitest';
import { manualClock } from '../manual-clock.test.support.ts';
import type { OperationRecord } from '../queue/operation-record.ts';
import type { SharedClaim, SharedQueue, SharedSettlement } from '../queue/shared-queue.ts';
import { Settler } from './settler.ts';

const record: OperationRecord = {
  id: 'an id',
  operation: 'note.save',
  lane: 'a lane',
  input: 1,
  createdAt: 1,
  enqueuedAt: 1,
  attempts: 0,
  failures: 9,
  interruptions: 0,
};
const claim: SharedClaim = {
  record: { id: record.id, lane: 'short', body: '', progress: '', interruptions: 0 },
  fence: 1,
  held: () => true,
};

test.each([
  ['for the recovery of the upstream, which others may have heard of', true, 5_000],
  ['for its own failures', false, 200_000],
] as const)('how long a lane waits %s', async (_why, untilRecovery, expected) => {
  const settled: SharedSettlement[] = [];
  const shared = {
    async settle(settlement: SharedSettlement) {
      settled.push(settlement);
      return { status: 'ok' };
    },
  };
  const settler = new Settler({
    shared: shared as unknown as SharedQueue,
    clock: manualClock(),
    wanted: () => [],
    onNext: () => {},
    onFree: () => {},
    onEnded: () => {},
    onFailure: () => {},
    say: () => {},
  });
  const verdict = {
    kind: 'retry',
    delayMs: 200_000,
    charge: false,
    error: '503',
    sentAt: undefined,
    untilRecovery,
    backsOff: true,
  } as const;
  expect(await settler.settle(claim, record, verdict)).toBe('ok');
  expect(settled).toMatchObject([{ verdict: { kind: 'retry', delayMs: expected } }]);
});
