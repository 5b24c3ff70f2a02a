/** What the engine promises to the queue of a fleet. */

import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import type { SharedBounds, SharedEntry, SharedPage, SharedQueue } from '@graphiti-fallback/core';
import { redisStore } from '@graphiti-fallback/store-redis';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { instance, Upstream } from './instance.ts';
import { type RedisServer, redisServer } from './server.ts';

const bounds: SharedBounds = { maxEntries: 100, maxBytes: 1e6, maxDead: 10, maxInterruptions: 3 };
const entry: SharedEntry = {
  id: '1',
  lane: 'a',
  operation: 'save',
  priority: 0,
  body: '{}',
  progress: '',
  delayMs: 0,
  hold: false,
};
const request = { max: 10, operations: ['save'], forMs: 100 };

let server: RedisServer;
const opened: { close(): Promise<void> }[] = [];
beforeEach(async () => {
  server = await redisServer();
});
afterEach(async () => {
  await Promise.all(opened.splice(0).map((each) => each.close()));
  await server.close();
});

async function queue(more: Partial<SharedBounds> = {}): Promise<SharedQueue> {
  const { shared } = redisStore({ url: server.url, lease: 1_000, commandTimeout: 10_000 });
  if (!shared) throw new Error('It shares nothing');
  opened.push(shared);
  await shared.open({ manager: 'm', hash: 'h' }, { ...bounds, ...more }, () => {});
  return shared;
}

test('an append that is asked for again is kept once, and gives the claim that it gave', async () => {
  const shared = await queue();
  const held = { ...entry, hold: true };
  const [[first] = []] = await shared.append([[held]]);
  const [[again] = []] = await shared.append([[held]]);
  expect(first).toMatchObject({ status: 'queued', claim: { record: { id: '1' } } });
  expect(again).toMatchObject({ status: 'duplicate' });
  const claimed = [first, again].map((each) => (each && 'claim' in each ? each.claim?.fence : 0));
  expect(claimed[1]).toBe(claimed[0]);
  expect(await shared.counts()).toMatchObject({ size: 1, inFlight: 1 });
  expect(await (await queue()).claim(request)).toEqual([]);
});

test('a lane that waits for a time that the clock was set back from is due', async () => {
  const shared = await queue();
  await shared.append([[{ ...entry, delayMs: 60_000 }]]);
  expect(await shared.claim(request)).toEqual([]);
  const [waiting = ''] = (await server.command('KEYS', '*:waiting')) as string[];
  const [lane = ''] = (await server.command('ZRANGE', waiting, '0', '-1')) as string[];
  await server.command('ZADD', waiting, String(Date.now() + 2 * 3_600_000), lane);
  expect(await shared.claim(request)).toHaveLength(1);
});

test('no lane waits for longer than an hour', async () => {
  const shared = await queue();
  await shared.append([[{ ...entry, delayMs: 10 * 3_600_000 }]]);
  const [waiting = ''] = (await server.command('KEYS', '*:waiting')) as string[];
  const [, due] = (await server.command('ZRANGE', waiting, '0', '-1', 'WITHSCORES')) as string[];
  expect(Number(due)).toBeLessThanOrEqual(Date.now() + 3_601_000);
  expect(await shared.claim(request)).toEqual([]);
});

test('a group of thousands is kept whole, in order, and once', async () => {
  const shared = await queue({ maxEntries: 10_000 });
  const many = Array.from({ length: 5_000 }, (_, at) => ({
    ...entry,
    id: `${at}`,
    lane: `${at % 7}`,
  }));
  const [kept = []] = await shared.append([many.map((each) => ({ ...each, isNew: true }))]);
  const [again = []] = await shared.append([many]);
  const statuses = (appended: readonly { status: string }[]) =>
    new Set(appended.map(({ status }) => status));
  expect([statuses(kept), statuses(again)]).toEqual([new Set(['queued']), new Set(['duplicate'])]);
  expect(await shared.counts()).toMatchObject({ size: 5_000, bytes: 10_000, lanes: 7 });
  const claims = await shared.claim({ ...request, max: 10 });
  expect(claims.map(({ record: { id } }) => id).sort()).toEqual([
    '0',
    '1',
    '2',
    '3',
    '4',
    '5',
    '6',
  ]);
});

test('what the network held back until it was stored again is there once', async () => {
  await using network = await heldBack(server.port);
  const { shared } = redisStore({ url: network.url, lease: 10_000, commandTimeout: 300 });
  if (!shared) throw new Error('It shares nothing');
  opened.push(shared);
  await shared.open({ manager: 'm', hash: 'h' }, bounds, () => {});
  const isNew = { ...entry, isNew: true };
  network.hold();
  // Two that say nothing are enough for another connection.
  for (const id of ['1', '2'])
    await expect(shared.append([[{ ...isNew, id }]])).rejects.toMatchObject({ uncertain: true });
  await expect.poll(() => shared.available, { timeout: 10_000 }).toBe(true);
  expect(await shared.append([[entry]])).toMatchObject([[{ status: 'queued' }]]);
  network.release();
  await pause(300);
  expect(await shared.counts()).toMatchObject({ size: 1, bytes: 2 });
  const [list = ''] = (await server.command('KEYS', '*:lane:*')) as string[];
  // Of the other one it was said that it could not be stored.
  expect(await server.command('LRANGE', list, '0', '-1')).toEqual(['1']);
  expect(await shared.append([[{ ...isNew, id: '3' }]])).toMatchObject([[{ status: 'queued' }]]);
});

test('of a round only the groups that find room are kept, and each whole', async () => {
  const shared = await queue({ maxEntries: 3 });
  const group = (...ids: readonly string[]) => ids.map((id) => ({ ...entry, id, isNew: true }));
  const found = await shared.append([group('1', '2'), group('3', '4'), group('5')]);
  expect(found.map((each) => each.map(({ status }) => status))).toEqual([
    ['queued', 'queued'],
    ['full', 'full'],
    ['queued'],
  ]);
  expect(await shared.counts()).toMatchObject({ size: 3, lanes: 1 });
});

test('another instance that appends the same is given no claim', async () => {
  await (await queue()).append([[{ ...entry, hold: true }]]);
  const [[again] = []] = await (await queue()).append([[{ ...entry, hold: true }]]);
  expect(again).toEqual({ status: 'duplicate', durability: 'disk' });
});

test('what ends a claim twice, or after another has the lane, changes nothing', async () => {
  const shared = await queue();
  await shared.append([[entry, { ...entry, id: '2' }]]);
  const [claim] = await shared.claim(request);
  if (!claim) throw new Error('Nothing was claimed');
  const verdict = { kind: 'release' } as const;
  expect(await shared.settle({ claim, verdict, next: [] })).toEqual({ status: 'ok' });
  const [later] = await (await queue()).claim(request);
  expect(later?.record.id).toBe('1');
  expect(later?.fence).toBeGreaterThan(claim.fence);
  const done = { kind: 'done', ending: '{}' } as const;
  expect(await shared.settle({ claim, verdict: done, next: [] })).toEqual({ status: 'lost' });
  expect(await shared.counts()).toMatchObject({ size: 2 });
});

test('the numbers of the queue are right through all that ends an operation', async () => {
  const shared = await queue();
  const many = Array.from({ length: 6 }, (_, at) => ({ ...entry, id: `${at}`, lane: `${at % 2}` }));
  await shared.append(many.map((each) => [each]));
  const ends = [
    { kind: 'done', ending: '{}' },
    { kind: 'dead', progress: '' },
    { kind: 'retry', delayMs: 60_000, untilRecovery: true, progress: '{}' },
    { kind: 'parked', progress: '' },
  ] as const;
  for (const verdict of ends) {
    const [claim] = await shared.claim({ ...request, max: 1 });
    if (claim) await shared.settle({ claim, verdict, next: [] });
  }
  expect(await shared.counts()).toMatchObject({
    size: 4,
    bytes: 8,
    lanes: 2,
    inFlight: 0,
    dead: 1,
    waiting: 1,
    parked: 1,
  });
});

test('what was in flight with an instance that was lost is noted before it is sent again', async () => {
  const upstream = new Upstream();
  const store = redisStore({ url: server.url, lease: 1_000, commandTimeout: 10_000 });
  let noted = 0;
  const note = store.shared?.note.bind(store.shared);
  if (!store.shared || !note) throw new Error('It shares nothing');
  store.shared.note = async (...args) => {
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(upstream.applied).toEqual([]);
    noted += 1;
    return note(...args);
  };
  const { manager, save } = instance(upstream, 'a', { url: server.url }, { store });
  opened.push(manager);
  manager.queue.pause(); // nothing is claimed before it is marked
  await manager.activate();
  const receipt = await save({ lane: 'x', text: '1' });
  const id = 'operation' in receipt ? receipt.operation : '';
  const [items] = (await server.command('KEYS', '*:items')) as string[];
  await server.command('HSET', String(items).replace(/items$/, 'progress'), id, '1|');
  await manager.deactivate();
  manager.queue.resume();
  await vi.waitFor(() => expect(upstream.texts('x')).toEqual(['1']), { timeout: 20_000 });
  expect(noted).toBe(1);
});

test('a queue that is full keeps no live write from its end', async () => {
  const upstream = new Upstream();
  upstream.takes = 500;
  const full = { queue: { maxEntries: 1 } };
  const other = instance(upstream, 'b', { url: server.url }, full);
  const { manager, save } = instance(upstream, 'a', { url: server.url }, full);
  opened.push(manager, other.manager);
  await other.manager.activate();
  await other.save({ lane: 'other', text: '1' });
  manager.queue.pause();
  const live = save({ lane: 'x', text: 'live' });
  const behind = save({ lane: 'x', text: 'behind' }, { timeoutMs: 100 });
  await expect(behind).rejects.toMatchObject({ code: 'FALLBACK_QUEUE_FULL' });
  expect(await live).toMatchObject({ outcome: 'applied' });
});

test('dead letters are kept up to their bound; the oldest make room for more, which is told', async () => {
  const shared = await queue();
  const dropped: string[] = [];
  shared.onDropped((records) => dropped.push(...records.map(({ id }) => id)));
  const ids = Array.from({ length: bounds.maxDead + 2 }, (_, at) => `${at}`);
  for (const [index, id] of ids.entries()) {
    await shared.append([[{ ...entry, id, lane: id }]]);
    const [claim] = await shared.claim(request);
    if (!claim) throw new Error('Nothing was claimed');
    const verdict = { kind: 'dead', progress: '' } as const;
    await shared.settle({ claim, verdict, next: [] });
    expect((await shared.counts()).dead).toBe(Math.min(index + 1, bounds.maxDead));
  }
  expect(dropped).toEqual(['0', '1']);
  await shared.append([[{ ...entry, id: 'skipped' }]]);
  expect(await shared.decide('skipped', { kind: 'skip', progress: '' })).toBe(true);
  expect(dropped).toEqual(['0', '1', '2']);
  expect((await shared.find(['2', '3'])).map((each) => each !== undefined)).toEqual([false, true]);
});

test('whoever reads the whole queue while others work it off misses nothing that stays', async () => {
  const shared = await queue();
  const ids = Array.from({ length: 30 }, (_, at) => String(at).padStart(2, '0'));
  await shared.append(ids.map((id) => [{ ...entry, id, lane: id }]));
  const seen: string[] = [];
  let after: { readonly after?: string } | undefined = {};
  while (after) {
    const { found, next }: SharedPage = await shared.list({ ...after, limit: 10 });
    for (const each of found) if ('record' in each) seen.push(each.record.id);
    after = next === undefined ? undefined : { after: next };
    // What was read is done, and so is one that was not, without a trace.
    for (const id of seen) await shared.decide(id, { kind: 'remove', ending: '{}' });
    await shared.decide('15', { kind: 'remove', ending: '' });
  }
  expect(seen).toEqual(ids.filter((id) => id !== '15'));
});

test('while no memory is left one instance tells the numbers all the same', async () => {
  const shared = await queue();
  await server.command('CONFIG', 'SET', 'maxmemory', '1');
  expect(await shared.lead('gauges', 1_000)).toBe(true);
  expect(await (await queue()).lead('gauges', 1_000)).toBe(false);
});

test('what the queue says is another’s by now is not sent', async () => {
  const upstream = new Upstream();
  const store = redisStore({ url: server.url, lease: 1_000, commandTimeout: 10_000 });
  const { shared } = store;
  const note = shared?.note.bind(shared);
  if (!shared || !note) throw new Error('It shares nothing');
  let noted = 0;
  shared.note = async (...args) => {
    expect(upstream.applied).toEqual([]);
    noted += 1;
    return noted > 1 && note(...args);
  };
  const { manager } = instance(upstream, 'a', { url: server.url }, { store });
  opened.push(manager);
  const post = manager.write('note.post', {
    run: (text: string) => upstream.write('a', { lane: 'x', text }),
    lane: () => 'x',
  });
  await manager.activate();
  await post('1');
  await manager.deactivate();
  await vi.waitFor(() => expect(upstream.texts('x')).toEqual(['1']), { timeout: 20_000 });
  expect(noted).toBe(2);
});

test('a lease may be as long as anybody wants', async () => {
  const { shared } = redisStore({ url: server.url, lease: 1e12, commandTimeout: 1e12 });
  if (!shared) throw new Error('It shares nothing');
  opened.push(shared);
  await shared.open({ manager: 'm', hash: 'h' }, bounds, () => {});
  await shared.append([[{ ...entry, hold: true }]]);
  await new Promise((resolve) => setTimeout(resolve, 500));
  const stats = String(await server.command('INFO', 'commandstats'));
  const calls = [...stats.matchAll(/cmdstat_eval(?:sha)?:calls=(\d+)/g)].map(([, n]) => Number(n));
  expect(calls.reduce((sum, each) => sum + each, 0)).toBeLessThan(10);
});

test('the lanes of one that is gone are free again also where the clock was set back', async () => {
  const shared = await queue();
  await shared.append([[{ ...entry, hold: true }]]);
  const [held = ''] = (await server.command('KEYS', '*:held')) as string[];
  const [sessions = ''] = (await server.command('KEYS', '*:sessions')) as string[];
  const [lane = '', value = ''] = (await server.command('HGETALL', held)) as string[];
  await server.command('HSET', held, lane, value.replace(/^[^|]+/, 'gone'));
  await server.command('ZADD', sessions, String(Date.now() + 10 * 3_600_000), 'gone');
  const claimed = async () => (await shared.claim(request)).map(({ record }) => record.id);
  await vi.waitFor(async () => expect(await claimed()).toEqual(['1']), {
    timeout: 20_000,
    interval: 200,
  });
});

test('an instance whose session is over takes nothing by it, and begins another', async () => {
  const shared = await queue();
  await shared.claim(request);
  const [sessions = ''] = (await server.command('KEYS', '*:sessions')) as string[];
  await server.command('DEL', sessions);
  await shared.append([[entry]]);
  expect(await shared.claim(request)).toEqual([]);
  expect(await shared.claim(request)).toMatchObject([{ record: { id: '1' } }]);
});

test('one that is gone is missed also where nobody stays for long', async () => {
  await (await queue()).append([[{ ...entry, hold: true }]]);
  // It is heard no more, and says no goodbye.
  const [heldBy = ''] = (await server.command('KEYS', '*:held')) as string[];
  const [lane = '', value = ''] = (await server.command('HGETALL', heldBy)) as string[];
  await server.command('HSET', heldBy, lane, value.replace(/^[^|]+/, 'gone'));
  await server.command('ZADD', heldBy.replace(/held$/, 'sessions'), `${Date.now() - 1}`, 'gone');
  const comeAndGo = async () => {
    const { shared } = redisStore({ url: server.url, lease: 1_000 });
    if (!shared) throw new Error('It shares nothing');
    await shared.open({ manager: 'm', hash: 'h' }, bounds, () => {});
    const claims = await shared.claim(request);
    await shared.close();
    return claims.map(({ record: { id } }) => id);
  };
  expect(await comeAndGo()).toEqual([]);
  await expect.poll(comeAndGo, { timeout: 20_000, interval: 100 }).toEqual(['1']);
  const counters = (await server.command('HKEYS', heldBy.replace(/held$/, 'counters'))) as string[];
  expect(counters.filter((each) => each.startsWith('missed'))).toEqual([]);
});

/** A way to a server on which what was sent can be held back, also longer than whoever sent it waits. */
async function heldBack(port: number) {
  const waiting: (() => void)[] = [];
  const sockets = new Set<Socket>();
  let holds = new Set<Socket>();
  const between = createServer({ allowHalfOpen: true }, (near) => {
    const far = connect(port, '127.0.0.1');
    for (const each of [near, far]) sockets.add(each.on('error', () => {}));
    const passOn = (what: () => void) => {
      if (holds.has(near)) waiting.push(what);
      else what();
    };
    near.on('data', (bytes) => passOn(() => far.write(bytes)));
    near.on('close', () => passOn(() => far.end()));
    far.on('data', (bytes) => near.write(bytes));
    far.on('close', () => near.destroy());
  }).listen(0, '127.0.0.1');
  await once(between, 'listening');
  return {
    url: `redis://127.0.0.1:${(between.address() as AddressInfo).port}`,
    hold() {
      holds = new Set(sockets);
    },
    release() {
      holds = new Set();
      for (const pass of waiting.splice(0)) pass();
    },
    async [Symbol.asyncDispose]() {
      for (const each of sockets) each.destroy();
      between.close();
    },
  };
}
