/** The queue as people use it: look, decide, carry elsewhere. */

import { expect, test } from 'vitest';
import { FallbackManager } from '../manager.ts';
import { settled } from '../manual-clock.test.support.ts';
import { memoryJournal } from '../memory-journal.ts';
import { HttpError, outage, recovery, testManager, untilClosed } from '../upstream.test.support.ts';

type Kit = ReturnType<typeof testManager>;

/** Two writes of one lane, of which the upstream rejected the first; the second is applied. */
async function withDeadLetter(options: Parameters<typeof testManager>[0] = {}) {
  const kit = testManager(options);
  await outage(kit);
  for (const value of ['bad', 'good']) await kit.put({ id: 'a', value });
  kit.upstream.fail = (name) => (name.includes('bad') ? new HttpError(422) : undefined);
  await untilClosed(kit);
  await kit.clock.advance(10_000);
  kit.upstream.fail = undefined;
  const [dead] = kit.manager.queue.list({ states: ['dead'] });
  if (!dead) throw new Error('There is no dead letter');
  return { ...kit, dead };
}

async function withParked(): Promise<Kit> {
  const kit = testManager();
  await outage(kit);
  for (const value of ['1', '2']) await kit.add({ id: 'a', value });
  kit.upstream.fail = (name) => (name.startsWith('put') ? new HttpError(500) : undefined);
  await untilClosed(kit);
  await kit.clock.advance(10_000);
  kit.upstream.fail = undefined;
  expect(kit.manager.queue.list()).toMatchObject([{ state: 'parked' }, { state: 'ready' }]);
  return kit;
}

test('a dead letter is listed and shown with its reason, its attempts and its trace', async () => {
  const { manager, dead } = await withDeadLetter();
  expect(dead).toMatchObject({
    operation: 'item.put',
    input: { id: 'a', value: 'bad' },
    lane: 'item:a',
    state: 'dead',
    reason: 'rejected',
    lastError: '422',
    attempts: 0,
    enqueuedAt: expect.any(Number),
  });
  expect(manager.queue.show(dead.id)).toEqual(dead);
  expect(manager.queue.get(dead.id)).toMatchObject({ id: dead.id, state: 'dead' });
  expect(manager.queue.show('nobody')).toBeUndefined();
});

test('a filter lists only the states that are asked for', async () => {
  const { manager, dead, put, upstream } = await withDeadLetter();
  upstream.fail = () => new HttpError(503);
  await put({ id: 'b', value: '1' });
  expect(manager.queue.list().map(({ state }) => state)).toEqual(['ready', 'dead']);
  expect(manager.queue.list({ states: ['dead'] })).toEqual([dead]);
});

test('retry sends a dead letter again, at the tail of its lane', async () => {
  const { manager, dead, put, upstream, clock } = await withDeadLetter();
  manager.queue.pause();
  upstream.fail = () => new HttpError(503);
  await put({ id: 'a', value: 'later' });
  upstream.fail = undefined;
  expect(await manager.queue.decide(dead.id, 'retry')).toBe(true);
  expect(manager.queue.list().map(({ state }) => state)).toEqual(['ready', 'ready']);
  manager.queue.resume();
  await clock.advance(5_000);
  expect(upstream.applied).toEqual(['a=good', 'a=later', 'a=bad']);
});

test('a dead letter that was revived keeps its place over a restart', async () => {
  const store = memoryJournal();
  const first = await withDeadLetter({ store });
  first.manager.queue.pause();
  first.upstream.fail = () => new HttpError(503);
  await first.put({ id: 'a', value: 'later' });
  await first.manager.queue.decide(first.dead.id, 'retry');
  await first.put({ id: 'a', value: 'last' });
  await first.manager.close();
  const next = testManager({ store, clock: first.clock }, first.upstream);
  await next.manager.open();
  await recovery(next);
  await next.clock.advance(5_000);
  expect(next.upstream.applied).toEqual(['a=good', 'a=later', 'a=bad', 'a=last']);
});

test('retry tries a parked operation again as the head of its lane', async () => {
  const kit = await withParked();
  const [parked] = kit.manager.queue.list();
  expect(await kit.manager.queue.decide(parked?.id ?? '', 'retry')).toBe(true);
  await kit.clock.advance(5_000);
  expect(kit.upstream.applied).toEqual(['a=1', 'a=2']);
});

test('skip gives one up, and its lane goes on', async () => {
  const kit = await withParked();
  const [parked] = kit.manager.queue.list();
  expect(await kit.manager.queue.decide(parked?.id ?? '', 'skip')).toBe(true);
  await kit.clock.advance(5_000);
  expect(kit.upstream.applied).toEqual(['a=2']);
  expect(kit.manager.queue.list()).toMatchObject([{ state: 'dead', reason: 'skipped' }]);
});

test('ack takes one as applied, purge takes it out; both can be told afterwards', async () => {
  const kit = await withParked();
  const [parked, second] = kit.manager.queue.list();
  kit.manager.queue.pause();
  expect(await kit.manager.queue.ack(parked?.id ?? '')).toBe(true);
  expect(await kit.manager.queue.decide(second?.id ?? '', 'purge')).toBe(true);
  expect(kit.manager.queue.get(parked?.id ?? '')).toMatchObject({ state: 'done' });
  expect(kit.manager.queue.get(second?.id ?? '')).toMatchObject({ state: 'purged' });
  kit.manager.queue.resume();
  expect(await kit.put({ id: 'a', value: '3' })).toMatchObject({ outcome: 'applied' });
  expect(kit.upstream.applied).toEqual(['a=3']);
});

test('a decision on what is not there, is upstream, or does not fit is answered with false', async () => {
  const kit = await withDeadLetter();
  const { manager, dead } = kit;
  expect(await manager.queue.decide('nobody', 'purge')).toBe(false);
  expect(await manager.queue.decide(dead.id, 'skip')).toBe(false);
  manager.queue.pause();
  kit.upstream.fail = () => new HttpError(503);
  await kit.put({ id: 'b', value: '1' });
  kit.upstream.fail = undefined;
  const [ready] = manager.queue.list({ states: ['ready'] });
  expect(await manager.queue.decide(ready?.id ?? '', 'retry')).toBe(false);
  kit.upstream.gate = (name) => (name.startsWith('put') ? new Promise(() => {}) : undefined);
  manager.queue.resume();
  await kit.clock.advance(5_000);
  expect(manager.queue.list({ states: ['in_flight'] })).toHaveLength(1);
  expect(await manager.queue.decide(ready?.id ?? '', 'purge')).toBe(false);
  await expect(manager.queue.decide(dead.id, 'burn' as 'purge')).rejects.toThrow(TypeError);
});

test('what is exported can be imported elsewhere, once, in order and with its key', async () => {
  const from = testManager();
  await outage(from);
  for (const value of ['1', '2']) await from.put({ id: 'a', value });
  await from.put({ id: 'b', value: '1' });
  const lines = from.manager.queue.export();
  expect(lines.trim().split('\n')).toHaveLength(3);
  const to = testManager();
  await outage(to);
  expect(await to.manager.queue.import(lines)).toEqual({ imported: 3, duplicates: 0, refused: [] });
  expect(await to.manager.queue.import(lines)).toEqual({ imported: 0, duplicates: 3, refused: [] });
  expect(to.manager.queue.list().map(({ id }) => id)).toEqual(
    from.manager.queue.list().map(({ id }) => id),
  );
  await recovery(to);
  await to.clock.advance(60_000);
  expect(to.upstream.applied.filter((each) => each.startsWith('a'))).toEqual(['a=1', 'a=2']);
  expect(to.upstream.applied).toContain('b=1');
  expect(await to.manager.queue.import(lines)).toEqual({ imported: 0, duplicates: 3, refused: [] });
});

test('a line that is none is refused by its number, and the others are imported', async () => {
  const from = testManager();
  await outage(from);
  await from.put({ id: 'a', value: '1' });
  const line = from.manager.queue.export();
  const to = testManager({ queue: { maxEntries: 1 } });
  await outage(to);
  expect(await to.manager.queue.import(`nonsense\n\n${line}${line}{"id":1}\n`)).toEqual({
    imported: 1,
    duplicates: 1,
    refused: [
      { line: 1, reason: 'no operation' },
      { line: 5, reason: 'no operation' },
    ],
  });
});

test('a dead letter that was exported is imported as one to be replayed', async () => {
  const { manager } = await withDeadLetter();
  const lines = manager.queue.export({ states: ['dead'] });
  const to = testManager();
  await to.manager.queue.import(lines);
  await to.clock.advance(5_000);
  expect(to.upstream.applied).toEqual(['a=bad']);
});

test('sync replays at once what waits for its time, and reports', async () => {
  const kit = testManager();
  kit.upstream.fail = (name) => (name.startsWith('put') ? new HttpError(503) : undefined);
  await kit.put({ id: 'a', value: '1' });
  await kit.clock.advance(60_000);
  kit.upstream.fail = undefined;
  const syncing = kit.manager.sync();
  await kit.clock.advance(1_000);
  expect(await syncing).toMatchObject({ replayed: 1, failed: 0, deadLettered: 0 });
  expect(kit.upstream.applied).toEqual(['a=1']);
});

test('a sync ends with its last replay, not at a later look', async () => {
  const kit = testManager();
  kit.upstream.fail = (name) => (name.startsWith('put') ? new HttpError(503) : undefined);
  await kit.put({ id: 'a', value: '1' });
  await kit.clock.advance(60_000);
  kit.upstream.fail = undefined;
  let synced = false;
  void kit.manager.sync().then(() => {
    synced = true;
  });
  await settled();
  expect(kit.upstream.applied).toEqual(['a=1']);
  expect(synced).toBe(true);
});

test('a filter with a slip is refused, and does not list everything', () => {
  const { manager } = testManager();
  const list = (filter: object) => () => manager.queue.list(filter);
  expect(list({ state: ['dead'] })).toThrow('Unknown option `state` of the filter of a queue');
  expect(list({ states: ['ded'] })).toThrow('Expected `states` of the filter of a queue');
  expect(() => manager.queue.export({ states: 'dead' } as object)).toThrow('to be a list');
});

test('who decides on what an earlier process left need not open the manager first', async () => {
  const store = memoryJournal();
  const earlier = testManager({ store });
  await outage(earlier);
  for (const value of ['1', '2']) await earlier.put({ id: 'a', value });
  const [one, two] = earlier.manager.queue.list();
  await earlier.manager.close();
  const later = new FallbackManager({ name: 'items', application: 'test', logger: false, store });
  expect(await later.queue.ack(one?.id ?? '')).toBe(true);
  expect(await later.queue.decide(two?.id ?? '', 'purge')).toBe(true);
  expect(later.queue.list()).toEqual([]);
  await later.close();
});

test('lines whose members are not what they should be are refused, and harm no others', async () => {
  const { manager, dead } = await withDeadLetter();
  const line = JSON.parse(manager.queue.export());
  await manager.queue.decide(dead.id, 'purge');
  const wrong = [
    { entity: 'a' },
    { entity: { type: 'item' } },
    { priority: 'high' },
    { createdAt: 'yesterday' },
    { trace: 5 },
    { lane: 7 },
  ];
  const lines = wrong.map((odd, index) => JSON.stringify({ ...line, id: `id-${index}`, ...odd }));
  const good = JSON.stringify({ ...line, id: 'good' });
  expect(await manager.queue.import([...lines, good].join('\n'))).toEqual({
    imported: 1,
    duplicates: 0,
    refused: wrong.map((_, index) => ({ line: index + 1, reason: 'no operation' })),
  });
  expect(manager.queue.list()).toMatchObject([{ id: 'good' }]);
  await expect(manager.queue.import(undefined as unknown as string)).rejects.toThrow(TypeError);
});

test('a sync does not wait for a queue that is paused', async () => {
  const kit = testManager();
  await outage(kit);
  await kit.put({ id: 'a', value: '1' });
  kit.manager.queue.pause();
  kit.upstream.fail = undefined;
  await untilClosed(kit);
  const before = kit.clock.elapsed();
  expect(await kit.manager.sync()).toMatchObject({ replayed: 0, states: { ready: 1 } });
  expect(kit.clock.elapsed()).toBe(before);
});

test('a dead letter that is alone in its lane is tried again at once', async () => {
  const { manager, put, upstream, clock } = testManager();
  upstream.fail = () => new HttpError(503);
  await put({ id: 'a', value: 'bad' });
  upstream.fail = () => new HttpError(422);
  await clock.advance(10_000);
  const [dead] = manager.queue.list({ states: ['dead'] });
  upstream.fail = undefined;
  expect(await manager.queue.decide(String(dead?.id), 'retry')).toBe(true);
  await clock.advance(1_000);
  expect(manager.queue.list()).toEqual([]);
  expect(upstream.applied).toEqual(['a=bad']);
});
