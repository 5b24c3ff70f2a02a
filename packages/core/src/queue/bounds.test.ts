/** Bounds by entries, bytes and age, and what becomes of a write that finds no room. */

import { expect, test } from 'vitest';
import type { Journal } from '../journal.ts';
import { memoryJournal } from '../memory-journal.ts';
import { HttpError, outage, recovery, testManager, untilClosed } from '../upstream.test.support.ts';

type Kit = ReturnType<typeof testManager>;

function values({ manager }: Kit): readonly string[] {
  return manager.queue.list().map(({ input }) => (input as { readonly value: string }).value);
}

/** What the queue says of what it refuses, drops and gives up. */
function told({ manager }: Kit) {
  const events: string[] = [];
  manager.on('queue', ({ event, reason }) => {
    if (reason) events.push(`${event}: ${reason}`);
  });
  return events;
}

test('a full queue refuses, also while the upstream is up, and says so', async () => {
  const kit = testManager({ queue: { maxEntries: 2 } });
  const events = told(kit);
  await outage(kit);
  for (const value of ['1', '2']) await kit.put({ id: 'a', value });
  const error = await kit.put({ id: 'b', value: '1' }).catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({ code: 'FALLBACK_QUEUE_FULL', status: 503 });
  kit.upstream.fail = (name) => (name.startsWith('put a') ? new HttpError(401) : undefined);
  await untilClosed(kit);
  // Its lane is busy: it can only be queued, and there is no room.
  await expect(kit.put({ id: 'a', value: '3' })).rejects.toMatchObject({
    code: 'FALLBACK_QUEUE_FULL',
  });
  // One whose lane is free needs no room.
  expect(await kit.put({ id: 'b', value: '1' })).toMatchObject({ outcome: 'applied' });
  expect(events).toEqual(['refused: full', 'refused: full']);
  expect(kit.manager.status().queue).toMatchObject({ size: 2, refused: 2, dropped: 0 });
});

test('several writes of one call that do not all fit are refused together', async () => {
  const kit = testManager({ queue: { maxEntries: 3 } });
  await outage(kit);
  await kit.put({ id: 'a', value: '1' });
  const more = ['2', '3', '4'].map((value) => ({ id: 'b', value }));
  await expect(kit.put.all(more)).rejects.toMatchObject({ code: 'FALLBACK_QUEUE_FULL' });
  expect(values(kit)).toEqual(['1']);
});

test('bytes are bounded, too', async () => {
  const kit = testManager({ queue: { maxBytes: 3_000 } });
  await outage(kit);
  const big = 'x'.repeat(1_000);
  await kit.put({ id: 'a', value: big });
  await kit.put({ id: 'b', value: big });
  await expect(kit.put({ id: 'c', value: big })).rejects.toMatchObject({
    code: 'FALLBACK_QUEUE_FULL',
    message: expect.stringContaining('bytes'),
  });
  expect(kit.manager.status().queue.bytes).toBeLessThanOrEqual(3_000);
});

test('with `overflow: drop_oldest` the oldest make room, counted and told, and stay gone after a restart', async () => {
  const store = memoryJournal();
  const kit = testManager({ store, queue: { maxEntries: 3, overflow: 'drop_oldest' } });
  const events = told(kit);
  await outage(kit);
  const first = await kit.put({ id: 'a', value: '1' });
  for (const value of ['2', '3', '4', '5']) await kit.put({ id: value, value });
  expect(values(kit)).toEqual(['3', '4', '5']);
  expect(events).toEqual(['dropped: entries', 'dropped: entries']);
  expect(kit.manager.status().queue).toMatchObject({ size: 3, dropped: 2, refused: 0 });
  const id = first.outcome === 'queued' ? first.operation : '';
  expect(kit.manager.queue.get(id)).toMatchObject({ state: 'dropped' });
  await kit.manager.close();
  const next = testManager({ store, clock: kit.clock });
  await next.manager.open();
  expect(values(next)).toEqual(['3', '4', '5']);
  expect(next.manager.queue.get(id)).toMatchObject({ state: 'dropped' });
});

test('with `overflow: drop_oldest` bytes make room, too, and what is upstream stays', async () => {
  const kit = testManager({ queue: { maxBytes: 3_000, overflow: 'drop_oldest' } });
  const big = 'x'.repeat(1_000);
  kit.upstream.gate = (name) => (name.startsWith('put') ? new Promise(() => {}) : undefined);
  const held = kit.put({ id: 'a', value: `${big}held` }, { timeoutMs: 60_000 });
  held.catch(() => {});
  const behind = kit.put({ id: 'a', value: `${big}behind` }, { timeoutMs: 1_000 });
  await kit.clock.advance(1_000);
  await behind;
  await outage(kit);
  await kit.put({ id: 'b', value: `${big}b` });
  expect(values(kit).map((value) => value.slice(1_000))).toEqual(['held', 'b']);
});

test('what is too old is a dead letter when its turn comes, and its lane goes on', async () => {
  const kit = testManager({ queue: { maxAge: 3_600_000 } });
  const events = told(kit);
  await outage(kit);
  await kit.put({ id: 'a', value: 'old' });
  await kit.clock.advance(3_500_000);
  await kit.put({ id: 'a', value: 'young' });
  await kit.clock.advance(200_000);
  await recovery(kit);
  await kit.clock.advance(300_000);
  expect(kit.upstream.applied).toEqual(['a=young']);
  expect(kit.manager.queue.list()).toMatchObject([
    { state: 'dead', reason: 'expired', lastError: 'too_old', input: { value: 'old' } },
  ]);
  expect(events).toContain('dead_lettered: expired');
});

test('dead letters are bounded: of more the oldest is dropped, counted and told', async () => {
  const kit = testManager({ queue: { maxDead: 2 } });
  const events = told(kit);
  await outage(kit);
  for (const value of ['1', '2', '3']) await kit.put({ id: 'a', value });
  for (const { id } of kit.manager.queue.list()) await kit.manager.queue.decide(id, 'skip');
  expect(values(kit)).toEqual(['2', '3']);
  expect(events).toContain('dropped: dead_letters');
  expect(kit.manager.status().queue).toMatchObject({ deadLettered: 3, dropped: 1 });
});

test('what cannot be stored is refused, and takes no room', async () => {
  const kept = memoryJournal();
  let full = false;
  const store: Journal = {
    ...kept,
    commit: (changes, options) =>
      full ? Promise.reject(new Error('ENOSPC')) : kept.commit(changes, options),
  };
  const kit = testManager({ store, queue: { maxEntries: 1 } });
  await outage(kit);
  full = true;
  await expect(kit.put({ id: 'a', value: '1' })).rejects.toMatchObject({
    code: 'FALLBACK_STORE_FAILED',
    status: 507,
  });
  expect(kit.manager.status().queue).toMatchObject({ size: 0, bytes: 0 });
  full = false;
  expect(await kit.put({ id: 'a', value: '2' })).toMatchObject({ outcome: 'queued' });
});

test.each([
  { queue: { maxEntries: 2 }, inputs: ['1', '2', '3'], limit: 'entries' },
  { queue: { maxBytes: 2_000 }, inputs: ['x'.repeat(3_000)], limit: 'bytes' },
])('nothing is dropped for a write that finds no room even so: $limit', async (each) => {
  const kit = testManager({ queue: { ...each.queue, overflow: 'drop_oldest' } });
  await outage(kit);
  for (const id of ['a', 'b']) await kit.put({ id, value: '1' });
  const inputs = each.inputs.map((value, index) => ({ id: `c${index}`, value }));
  await expect(kit.put.all(inputs)).rejects.toMatchObject({ code: 'FALLBACK_QUEUE_FULL' });
  expect(kit.manager.queue.list().map(({ lane }) => lane)).toEqual(['item:a', 'item:b']);
  expect(kit.manager.status().queue).toMatchObject({ dropped: 0 });
});
