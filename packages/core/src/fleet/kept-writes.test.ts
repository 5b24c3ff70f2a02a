import { expect, test } from 'vitest';
import { manualClock } from '../manual-clock.test.support.ts';
import type { NewOperation } from '../queue/operation-record.ts';
import { SharedQueueUnavailable } from '../queue/shared-queue.ts';
import { KeptWrites } from './kept-writes.ts';
import { OwnOperations } from './own-operations.ts';
import type { Placed, Placement } from './placement.ts';

test('one that could not be stored may be there all the same when it is stored again', async () => {
  const given: boolean[] = [];
  const answers = [
    () => Promise.reject(new SharedQueueUnavailable('lost', true)),
    () =>
      Promise.resolve<readonly Placement[]>([
        { where: 'shared', appended: { status: 'duplicate', durability: 'disk' } },
      ]),
  ];
  const placements = {
    place(placed: readonly Placed[]) {
      given.push(...placed.map(({ isNew }) => isNew));
      return answers.shift()?.();
    },
  };
  const kept = new KeptWrites({
    clock: manualClock(),
    placements,
    own: new OwnOperations(),
    whileQueueing: (_lanes: unknown, queue: () => unknown) => queue(),
    onQueued: () => {},
    say: () => {},
  } as never);
  const sending = { trace: undefined, end: () => {} };
  const operation = { id: 'a', lane: 'a', operation: 'save', keep: 'disk', send: () => sending };
  const addition = { operation: operation as unknown as NewOperation, inFlight: false };
  await expect(kept.store([addition])).rejects.toThrow('lost');
  expect(await kept.store([addition])).toMatchObject([{ status: 'queued', id: 'a' }]);
  expect(given).toEqual([true, false]);
});
