import { expect, test } from 'vitest';
import { Emitter, type FallbackEvents } from '../events.ts';
import { manualClock } from '../manual-clock.test.support.ts';
import { memoryJournal } from '../memory-journal.ts';
import { createJournalQueue } from '../queue/journal-queue.ts';
import {
  type SharedEntry,
  type SharedQueue,
  SharedQueueUnavailable,
} from '../queue/shared-queue.ts';
import { Mover } from './mover.ts';

/** What was queued here, and a shared queue that takes what the test lets it. */
async function moving(refuse: (entry: SharedEntry) => Error | undefined) {
  const clock = manualClock();
  const local = createJournalQueue({
    journal: memoryJournal(),
    identity: { manager: 'm', hash: 'h' },
    bounds: { maxEntries: 1e4, maxBytes: 1e9, maxAge: 1e9, maxDead: 10, overflow: 'refuse' },
    clock,
    events: new Emitter<FallbackEvents>(),
    random: () => 0,
    isDeclared: () => true,
  });
  await local.open();
  const moved: string[] = [];
  const lengths: number[] = [];
  const failures: unknown[] = [];
  const shared = {
    available: true,
    async append(groups: readonly (readonly SharedEntry[])[]) {
      const entries = groups.flat();
      lengths.push(entries.reduce((sum, { body }) => sum + body.length, 0));
      for (const entry of entries) {
        const error = refuse(entry);
        if (error) throw error;
      }
      moved.push(...entries.map(({ id }) => id));
      return groups.map((group) => group.map(() => ({ status: 'queued', durability: 'disk' })));
    },
  };
  const mover = new Mover({
    shared: shared as unknown as SharedQueue,
    local,
    clock,
    isBeingSent: () => false,
    onMoved: () => {},
    onFailure: (error) => failures.push(error),
  });
  const queue = (id: string, lane: string, input = '') =>
    local.append([
      {
        id,
        lane,
        input,
        operation: 'save',
        createdAt: clock.now(),
        keep: 'disk',
        send: () => ({ trace: undefined, end() {} }),
      },
    ]);
  return { clock, local, mover, queue, moved, lengths, failures };
}

test('one that the shared queue cannot take keeps no other lane from it', async () => {
  let poisonous = true;
  const { clock, local, mover, queue, moved, failures } = await moving(({ id }) =>
    poisonous && id === 'b1' ? new Error('no') : undefined,
  );
  for (const id of ['a1', 'a2', 'b1', 'b2', 'c1']) await queue(id, id.slice(0, 1));
  mover.wake();
  await clock.advance(500);
  expect(moved.toSorted()).toEqual(['a1', 'a2', 'c1']);
  expect(failures).not.toEqual([]);
  poisonous = false;
  await clock.advance(5_000);
  expect(moved.slice(3)).toEqual(['b1', 'b2']);
  expect(local.size).toBe(0);
});

test('what is large goes in parts that a server takes in its time', async () => {
  const { clock, local, mover, queue, lengths } = await moving(() => undefined);
  for (let lane = 0; lane < 20; lane += 1)
    await queue(`${lane}`, `${lane}`, 'x'.repeat(lane === 7 ? 3_000_000 : 300_000));
  mover.wake();
  await clock.advance(500);
  expect(local.size).toBe(0);
  const large = lengths.filter((length) => length > 1024 * 1024);
  expect(large).toHaveLength(1);
  expect(large[0]).toBeLessThan(3_010_000);
  expect(lengths.length).toBeLessThan(10);
});

test('all are moved as soon as there is room, in order', async () => {
  let full = true;
  const { clock, local, mover, queue, moved, lengths } = await moving(() =>
    full ? new SharedQueueUnavailable('OOM', false) : undefined,
  );
  for (const id of ['a1', 'a2', 'a3']) await queue(id, 'a');
  for (let lane = 0; lane < 20; lane += 1) await queue(`${lane}`, `${lane}`, 'x'.repeat(300_000));
  mover.wake();
  await clock.advance(500);
  expect(moved).toEqual([]);
  // It is asked once, and not for each part.
  expect(lengths).toHaveLength(1);
  full = false;
  await clock.advance(1_000);
  expect(moved.filter((id) => id.startsWith('a'))).toEqual(['a1', 'a2', 'a3']);
  expect(local.size).toBe(0);
});
