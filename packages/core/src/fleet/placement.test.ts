import { expect, test, vi } from 'vitest';
import { manualClock } from '../manual-clock.test.support.ts';
import type { MovableQueue } from '../queue/lane-queue.ts';
import type { NewOperation, OperationRecord } from '../queue/operation-record.ts';
import {
  type SharedEntry,
  type SharedQueue,
  SharedQueueUnavailable,
} from '../queue/shared-queue.ts';
import { type Placed, Placements } from './placement.ts';

/** A shared queue whose answers come when the test says so, and a folder beside it. */
function placements(input = '') {
  const sent: {
    readonly ids: readonly string[];
    readonly areNew: boolean;
    answer(): void;
    fail(): void;
    lose(): void;
  }[] = [];
  const kept: string[] = [];
  const shared = {
    available: true,
    append: (groups: readonly (readonly SharedEntry[])[]) =>
      new Promise((resolve, reject) => {
        sent.push({
          ids: groups.flat().map(({ id }) => id),
          areNew: groups.flat().every(({ isNew }) => isNew),
          answer: () =>
            resolve(
              groups.map((group) => group.map(() => ({ status: 'queued', durability: 'disk' }))),
            ),
          fail: () => reject(new SharedQueueUnavailable('refused', false)),
          lose: () => reject(new SharedQueueUnavailable('lost', true)),
        });
      }),
  };
  const local = {
    queues: (lane: string) => kept.some((id) => id.startsWith(lane)),
    async append(operations: readonly NewOperation[]) {
      kept.push(...operations.map(({ id }) => id));
      return operations.map(({ id }) => ({ status: 'queued', id, durability: 'disk' }));
    },
  };
  const made = new Placements({
    shared: shared as unknown as SharedQueue,
    local: local as unknown as MovableQueue,
    spills: true,
    clock: manualClock(),
    onFailure: () => {},
  });
  const place = (...ids: string[]) => made.place(ids.map((id) => placed(id, input)));
  return { sent, kept, place };
}

/** Of the lane that is its first letter. */
function placed(id: string, input: string): Placed {
  const lane = id.slice(0, 1);
  const record = { id, lane, operation: 'save', input } as OperationRecord;
  const sending = { trace: undefined, end: () => {} };
  const operation = { id, lane, operation: 'save', send: () => sending } as unknown as NewOperation;
  return { operation, record, sending, hold: false, quiet: false, isNew: true };
}

test('a write waits for the one before it in its lane, and for no other', async () => {
  const { sent, place } = placements();
  void place('a1');
  await vi.waitFor(() => expect(sent).toHaveLength(1));
  void place('a2');
  const other = place('b1');
  void place('a3');
  await vi.waitFor(() => expect(sent.map(({ ids }) => ids)).toEqual([['a1'], ['b1']]));
  sent[1]?.answer();
  expect(await other).toMatchObject([{ where: 'shared' }]);
  expect(sent).toHaveLength(2);
  sent[0]?.answer();
  await vi.waitFor(() => expect(sent[2]?.ids).toEqual(['a2', 'a3']));
});

test('what came behind one that had to stay here stays here, too', async () => {
  const { sent, kept, place } = placements();
  const first = place('a1', 'b1');
  await vi.waitFor(() => expect(sent).toHaveLength(1));
  const second = place('a2');
  const third = place('c1');
  await vi.waitFor(() => expect(sent).toHaveLength(2));
  sent[0]?.fail();
  sent[1]?.answer();
  expect(await first).toMatchObject([{ where: 'local' }, { where: 'local' }]);
  expect(await second).toMatchObject([{ where: 'local' }]);
  expect(await third).toMatchObject([{ where: 'shared' }]);
  expect(kept).toEqual(['a1', 'b1', 'a2']);
});

test('those that write at once go in rounds, of which two are out, sent one after the other', async () => {
  const { sent, place } = placements();
  const sizes = () => sent.map(({ ids }) => ids.length);
  for (let number = 0; number < 192; number += 1)
    void place(`${String.fromCharCode(200 + number)}`);
  await vi.waitFor(() => expect(sizes()).toEqual([64, 64]));
  await new Promise((resolve) => setTimeout(resolve, 20));
  expect(sizes()).toEqual([64, 64]);
  sent[0]?.answer();
  // What waits is on its way before anybody is told.
  await vi.waitFor(() => expect(sizes()).toHaveLength(3));
});

test('one whose answer got lost, and who is asked for again, is new no more', async () => {
  const { sent, place } = placements();
  const placed = place('a1');
  await vi.waitFor(() => expect(sent).toHaveLength(1));
  sent[0]?.lose();
  await vi.waitFor(() => expect(sent).toHaveLength(2));
  expect(sent.map(({ areNew }) => areNew)).toEqual([true, false]);
  sent[1]?.answer();
  expect(await placed).toMatchObject([{ where: 'shared' }]);
});

test('what is long goes in rounds of a megabyte', async () => {
  const { sent, place } = placements('x'.repeat(400_000));
  for (const id of ['a', 'b', 'c', 'd', 'e']) void place(id);
  await vi.waitFor(() => expect(sent.map(({ ids }) => ids.length)).toEqual([2, 2]));
});
