/** Order: strict within a lane, live writes included; lanes side by side, by priority. */

import { expect, test } from 'vitest';
import { settled } from '../manual-clock.test.support.ts';
import { memoryJournal } from '../memory-journal.ts';
import { HttpError, outage, recovery, refused, testManager } from '../upstream.test.support.ts';

type Kit = ReturnType<typeof testManager>;

/** Writes wait upstream until they are let go, one by one. */
function gated(kit: Kit) {
  const waiting = new Map<string, () => void>();
  kit.upstream.gate = (name) =>
    name.startsWith('put') ? new Promise((go) => waiting.set(name, go)) : undefined;
  return {
    names: () => [...waiting.keys()],
    async go(name: string) {
      waiting.get(name)?.();
      waiting.delete(name);
      await settled();
    },
  };
}

function applied({ upstream }: Kit, id: string): readonly string[] {
  return upstream.applied.filter((each) => each.startsWith(`${id}=`));
}

test('lanes are replayed side by side, each one write at a time', async () => {
  const kit = testManager();
  await outage(kit);
  for (const value of ['1', '2', '3'])
    for (const id of ['a', 'b', 'c']) await kit.put({ id, value });
  kit.upstream.fail = undefined;
  const writes = gated(kit);
  let most = 0;
  for (let step = 0; step < 400 && kit.manager.status().queue.size > 0; step += 1) {
    const lanes = writes.names().map((name) => name[4]);
    expect(new Set(lanes).size).toBe(lanes.length);
    most = Math.max(most, lanes.length);
    const [first] = writes.names();
    if (first && (lanes.length === 3 || step % 4 === 0)) await writes.go(first);
    else await kit.clock.advance(500);
  }
  expect(most).toBe(3);
  for (const id of ['a', 'b', 'c'])
    expect(applied(kit, id)).toEqual(['1', '2', '3'].map((value) => `${id}=${value}`));
});

test('a lane that waits or stands still does not hold the others', async () => {
  const kit = testManager();
  await outage(kit);
  for (const id of ['blocked', 'failing', 'good'])
    for (const value of ['1', '2']) await kit.put({ id, value });
  kit.upstream.fail = (name) => {
    if (name.includes('blocked')) return new HttpError(403);
    return name.includes('failing') ? new HttpError(503) : undefined;
  };
  await kit.clock.advance(400_000);
  expect(kit.upstream.applied).toEqual(['good=1', 'good=2']);
  expect(kit.manager.status().queue.size).toBe(4);
});

test('a queued write is not replayed while a live one holds its lane', async () => {
  const kit = testManager();
  const writes = gated(kit);
  const live = kit.put({ id: 'a', value: '1' }, { timeoutMs: 60_000 });
  const behind = kit.put({ id: 'a', value: '2' }, { timeoutMs: 1_000 });
  await kit.clock.advance(1_000);
  expect(await behind).toMatchObject({ outcome: 'queued' });
  await kit.clock.advance(20_000);
  expect(kit.upstream.received).toEqual(['put a=1']);
  await writes.go('put a=1');
  expect(await live).toMatchObject({ outcome: 'applied' });
  await kit.clock.advance(1_000);
  await writes.go('put a=2');
  expect(kit.upstream.applied).toEqual(['a=1', 'a=2']);
});

test.each([
  ['queued', 'queue_writes', () => refused(), 'queued'],
  ['kept in memory', 'memory_only', () => refused(), 'queued'],
  ['blocked', 'queue_writes', () => new HttpError(401), 'queued'],
] as const)(
  'behind what is %s a write is queued in the mode %s',
  async (_, mode, error, outcome) => {
    const kit = testManager({ mode });
    kit.upstream.fail = refused;
    await kit.put({ id: 'a', value: '1' });
    kit.upstream.fail = (name) => (name.startsWith('put') ? error() : undefined);
    await kit.clock.advance(2_000);
    expect(kit.manager.active).toBe(false);
    kit.upstream.fail = undefined;
    expect(await kit.put({ id: 'a', value: '2' })).toMatchObject({ outcome });
    expect(await kit.put({ id: 'b', value: '1' })).toMatchObject({ outcome: 'applied' });
  },
);

test('a write behind a parked one is queued', async () => {
  const kit = testManager();
  kit.upstream.fail = refused;
  await kit.add({ id: 'a', value: '1' });
  kit.upstream.fail = (name) => (name.startsWith('put') ? new HttpError(500) : undefined);
  await kit.clock.advance(2_000);
  kit.upstream.fail = undefined;
  expect(kit.manager.queue.list()).toMatchObject([{ state: 'parked' }]);
  expect(await kit.add({ id: 'a', value: '2' })).toMatchObject({ outcome: 'queued' });
});

test('a dead letter and a local write make no lane busy', async () => {
  const kit = testManager();
  await outage(kit);
  await kit.put({ id: 'a', value: 'bad' });
  kit.upstream.fail = (name) => (name.includes('bad') ? new HttpError(422) : undefined);
  await kit.clock.advance(70_000);
  await kit.get('x');
  expect(kit.manager.queue.list()).toMatchObject([{ state: 'dead' }]);
  expect(await kit.put({ id: 'a', value: '2' })).toMatchObject({ outcome: 'applied' });
  await kit.manager.activate('local_storage');
  expect(await kit.put({ id: 'b', value: '1' })).toMatchObject({ outcome: 'stored' });
  await kit.manager.deactivate();
  await kit.get('x');
  await kit.get('x');
  expect(await kit.put({ id: 'b', value: '2' })).toMatchObject({ outcome: 'applied' });
});

test('writes with `lane: null` are ordered behind nothing', async () => {
  const kit = testManager();
  const started: string[] = [];
  const free = kit.manager.write('free', {
    lane: null,
    entity: () => ({ type: 'item', id: 'a' }),
    run: (input: string) => {
      started.push(input);
      return new Promise(() => {});
    },
  });
  for (const input of ['1', '2', '3']) free(input, { timeoutMs: 60_000 }).catch(() => {});
  await settled();
  expect(started).toEqual(['1', '2', '3']);
});

test('writes that wait for their turn hold no slot of the bulkhead', async () => {
  const kit = testManager({ bulkhead: { limit: 2, queue: 0 } });
  const writes = gated(kit);
  const all = ['1', '2', '3', '4', '5'].map((value) => kit.put({ id: 'a', value }));
  await settled();
  expect(writes.names()).toEqual(['put a=1']);
  expect(await kit.get('x')).toEqual({ id: 'x', value: null });
  for (const value of ['1', '2', '3', '4', '5']) await writes.go(`put a=${value}`);
  expect(await Promise.all(all)).toEqual(
    Array(5).fill(expect.objectContaining({ outcome: 'applied' })),
  );
});

test('so many may wait for one lane; more are queued at once', async () => {
  const kit = testManager();
  gated(kit);
  const writes = Array.from({ length: 258 }, (_, index) =>
    kit.put({ id: 'a', value: String(index) }, { timeoutMs: 60_000 }),
  );
  expect(await writes[257]).toMatchObject({ outcome: 'queued' });
  expect(await writes[1]).toMatchObject({ outcome: 'queued' });
  const { states } = kit.manager.status().queue;
  // The one that holds the lane was stored ahead of them all.
  expect(states).toMatchObject({ in_flight: 1, ready: 257 });
  writes[0]?.catch(() => {});
});

test('lanes with urgent writes go first, and the order inside a lane stays', async () => {
  const kit = testManager({ drain: { limit: 1 } });
  const sent: string[] = [];
  const send = kit.manager.write('send', {
    entity: ({ lane }: { lane: string; urgent?: boolean; number: number }) => ({
      type: 'lane',
      id: lane,
    }),
    priority: ({ urgent }) => (urgent ? 9 : 0),
    idempotent: true,
    run: async ({ lane, number }) => {
      sent.push(`${lane}${number}`);
    },
  });
  await outage(kit);
  await send({ lane: 'a', number: 1 });
  await send({ lane: 'b', number: 1 });
  await send({ lane: 'c', number: 1 });
  await send({ lane: 'c', number: 2, urgent: true });
  await send({ lane: 'a', number: 2 });
  await recovery(kit);
  expect(sent.slice(0, 2)).toEqual(['c1', 'c2']);
  expect(sent.filter((each) => each.startsWith('a'))).toEqual(['a1', 'a2']);
  expect(sent).toHaveLength(5);
});

test('order, ids and next attempts survive a restart', async () => {
  const store = memoryJournal();
  const first = testManager({ store });
  await outage(first);
  for (const value of ['1', '2', '3']) await first.put({ id: 'a', value });
  await first.put({ id: 'b', value: '1' });
  await first.clock.advance(400_000);
  const before = first.manager.queue.list();
  expect(before.some(({ nextAttemptAt }) => nextAttemptAt !== undefined)).toBe(true);
  await first.manager.close();
  const second = testManager({ store, clock: first.clock }, first.upstream);
  await second.manager.open();
  expect(second.manager.queue.list()).toEqual(before);
  await recovery(second);
  await second.clock.advance(400_000);
  expect(applied(second, 'a')).toEqual(['a=1', 'a=2', 'a=3']);
});

test('one that was in flight whenever its process died stops its lane after three times', async () => {
  const store = memoryJournal();
  let kit = testManager({ store });
  await outage(kit);
  await kit.put({ id: 'deadly', value: '1' });
  await kit.put({ id: 'good', value: '1' });
  const { upstream } = kit;
  upstream.fail = undefined;
  for (let life = 0; life < 4; life += 1) {
    // Each process is killed while it sends this one: it is simply never heard of again.
    upstream.gate = (name) => (name.includes('deadly') ? new Promise(() => {}) : undefined);
    kit = testManager({ store: { ...store }, clock: kit.clock }, upstream);
    await kit.manager.open();
    await kit.clock.advance(1_000);
  }
  const deadly = () => upstream.received.filter((each) => each.includes('deadly')).length;
  expect(deadly()).toBe(3);
  expect(kit.manager.queue.list()).toMatchObject([{ state: 'parked', reason: 'interrupted' }]);
  expect(upstream.applied).toEqual(['good=1']);
});

test('a clock that is set back puts off neither the look for a write of unknown outcome nor its replay', async () => {
  const kit = testManager();
  kit.clock.set(3_600_000);
  kit.upstream.fail = () => new HttpError(500);
  expect((await kit.log({ id: 'a', value: '1' })).outcome).toBe('queued');
  kit.upstream.fail = undefined;
  kit.clock.set(-3_600_000);
  expect((await kit.log({ id: 'a', value: '2' })).outcome).toBe('queued');
  await kit.clock.advance(60_000);
  expect(kit.upstream.applied).toEqual(['a=1', 'a=2']);
});
