import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { type HealthStatus, memoryJournal } from '@graphiti-fallback/core';
import { lowdbStore } from '@graphiti-fallback/store-lowdb';
import { redisStore } from '@graphiti-fallback/store-redis';
import { createClient } from '@redis/client';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { queueDepth } from './gauges.ts';
import { instance, type Note, Upstream } from './instance.ts';
import { type RedisServer, redisServer } from './server.ts';

let server: RedisServer;
let folder: string;
let upstream: Upstream;
const opened: { close(): Promise<void> }[] = [];

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'redis-fleet-'));
  server = await redisServer();
  upstream = new Upstream();
});
afterEach(async () => {
  await Promise.all(opened.splice(0).map((manager) => manager.close()));
  await server.close();
  rmSync(folder, { recursive: true, force: true });
});

const until = { timeout: 50_000, interval: 50 };
const numbers = (count: number) => Array.from({ length: count }, (_, index) => `${index}`);

function start(
  by: string,
  options: Parameters<typeof instance>[2] = {},
  more: Parameters<typeof instance>[3] = {},
) {
  const made = instance(upstream, by, { url: server.url, ...options }, more);
  opened.push(made.manager);
  return made;
}

/** A store whose next calls take so long before they are sent, in ms. */
function slowStore(delays: Partial<Record<'append' | 'busy' | 'settle', number[]>>) {
  const store = redisStore({ url: server.url, lease: 1_000, commandTimeout: 10_000 });
  const { shared } = store;
  if (!shared) throw new Error('It shares nothing');
  const append = shared.append.bind(shared);
  const busy = shared.busy.bind(shared);
  shared.append = async (groups) => {
    await pause(delays.append?.shift() ?? 0);
    return append(groups);
  };
  const settle = shared.settle.bind(shared);
  shared.settle = async (settlement) => {
    if (settlement.verdict.kind === 'done') await pause(delays.settle?.shift() ?? 0);
    return settle(settlement);
  };
  shared.busy = async (lane) => {
    await pause(delays.busy?.shift() ?? 0);
    return busy(lane);
  };
  return store;
}

const withFolder = (name: string) => ({ local: lowdbStore({ directory: join(folder, name) }) });

test('what several instances queue for a lane is replayed by any of them, in order, one at a time', async () => {
  const fleet = ['a', 'b', 'c'].map((name) => start(name));
  upstream.down = true;
  for (const { manager } of fleet) await manager.activate();
  for (const text of numbers(60)) {
    const { save } = fleet[Number(text) % fleet.length] as (typeof fleet)[number];
    const receipt = await save({ lane: `lane ${Number(text) % 5}`, text });
    expect(receipt).toMatchObject({ outcome: 'queued', durability: 'disk' });
  }
  upstream.down = false;
  upstream.takes = 5;
  for (const { manager } of fleet) await manager.deactivate();
  await vi.waitFor(() => expect(upstream.applied).toHaveLength(60), until);
  for (let lane = 0; lane < 5; lane += 1)
    expect(upstream.texts(`lane ${lane}`)).toEqual(
      numbers(60).filter((text) => Number(text) % 5 === lane),
    );
  expect(upstream.overlaps).toBe(0);
  expect(new Set(upstream.applied.map(({ by }) => by)).size).toBeGreaterThan(1);
});

test('a live write of one instance queues behind what another one has queued for its lane', async () => {
  const [a, b] = [start('a'), start('b')];
  await a.manager.activate();
  await a.save({ lane: 'x', text: 'first' });
  const receipt = await b.save({ lane: 'x', text: 'second' });
  expect(receipt.outcome).toBe('queued');
  expect((await b.save({ lane: 'y', text: 'alone' })).outcome).toBe('applied');
  await vi.waitFor(() => expect(upstream.texts('x')).toEqual(['first', 'second']), until);
});

test('any instance tells where an operation stands, lists the queue and takes decisions', async () => {
  const [a, b] = [start('a'), start('b')];
  await a.manager.activate();
  await b.manager.activate();
  const receipts = [];
  for (const text of numbers(3)) receipts.push(await a.save({ lane: 'x', text }));
  const ids = receipts.map((receipt) => ('operation' in receipt ? receipt.operation : ''));
  expect(await b.manager.queue.find(ids[1] ?? '')).toMatchObject({ state: 'ready' });
  const listed = [];
  for await (const { input } of b.manager.queue.all()) listed.push(input);
  expect(listed).toEqual(numbers(3).map((text) => ({ lane: 'x', text })));
  expect(await b.manager.queue.decide(ids[1] ?? '', 'purge')).toBe(true);
  await a.manager.deactivate();
  await vi.waitFor(() => expect(upstream.texts('x')).toEqual(['0', '2']), until);
  await vi.waitFor(
    async () => expect(await b.manager.queue.find(ids[0] ?? '')).toMatchObject({ state: 'done' }),
    until,
  );
  expect(await b.manager.queue.find(ids[1] ?? '')).toMatchObject({ state: 'purged' });
});

test('while Redis is away writes are queued in the folder, and moved in order when it is back', async () => {
  const { manager, save } = start('a', withFolder('a'));
  await manager.activate();
  await save({ lane: 'x', text: '0' });
  // A look that was under way meanwhile may have counted it twice, until the next one.
  await pause(1_500);
  await server.kill();
  for (const text of numbers(20).slice(1)) {
    const receipt = await save({ lane: 'x', text });
    expect(receipt).toMatchObject({ outcome: 'queued', durability: 'disk' });
  }
  expect(manager.status().queue.size).toBe(20);
  await server.restart();
  await manager.deactivate();
  await vi.waitFor(() => expect(upstream.texts('x')).toEqual(numbers(20)), until);
});

test('what was queued in the folder outlasts the process', async () => {
  const local = withFolder('a');
  const before = start('a', local);
  await before.manager.activate();
  await server.kill();
  for (const text of numbers(3)) await before.save({ lane: 'x', text });
  await before.manager.close();
  await server.restart();
  const after = start('b', withFolder('a'));
  await after.manager.deactivate();
  await vi.waitFor(() => expect(upstream.texts('x')).toEqual(numbers(3)), until);
});

test('without a folder no write is taken while Redis is away, and live ones go on', async () => {
  const { manager, save } = start('a');
  await manager.open();
  await server.kill();
  expect((await save({ lane: 'x', text: 'live' })).outcome).toBe('applied');
  await manager.activate();
  await expect(save({ lane: 'x', text: 'lost' })).rejects.toMatchObject({
    code: 'FALLBACK_STORE_FAILED',
  });
  expect(manager.status().store).toMatchObject({ writable: false, problem: 'unreachable' });
});

test('lanes and operations may have any name', async () => {
  const { manager } = start('a');
  const save = manager.write('{op}|: \ud800', {
    run: (note: Note) => upstream.write('a', note),
    lane: ({ lane }) => lane,
    idempotent: true,
  });
  const lanes = [
    '',
    '{x}',
    'a|b',
    'a:b',
    '\u0000',
    'lone \ud800',
    'lone \ud801',
    '__proto__',
    'ü*[]',
  ];
  await manager.activate();
  for (const lane of lanes) for (const text of ['1', '2']) await save({ lane, text });
  await manager.deactivate();
  await vi.waitFor(() => expect(upstream.applied).toHaveLength(2 * lanes.length), until);
  for (const lane of lanes) expect(upstream.texts(lane)).toEqual(['1', '2']);
});

test('a client of the app’s own is used, with connections that fail fast', async () => {
  const client = createClient({ url: server.url });
  const made = instance(upstream, 'a', { client });
  opened.push(made.manager);
  await made.manager.activate();
  expect(await made.save({ lane: 'x', text: '1' })).toMatchObject({ durability: 'disk' });
  expect(client.isOpen).toBe(false);
  await made.manager.deactivate();
  await vi.waitFor(() => expect(upstream.texts('x')).toEqual(['1']), until);
});

test('a choice that a shared queue cannot follow is refused', () => {
  expect(() =>
    instance(upstream, 'a', { url: server.url }, { queue: { overflow: 'drop_oldest' } }),
  ).toThrow('Expected `overflow` of `queue` to be refuse with a store whose queue instances share');
});

test('what was exported is imported once, and is in the queue at once', async () => {
  const a = start('a');
  await a.manager.activate();
  await a.save({ lane: 'x', text: '1' });
  const lines = a.manager.queue.export();
  const [{ id = '' } = {}] = a.manager.queue.list();
  // False while it is being asked for.
  await vi.waitFor(async () => expect(await a.manager.queue.decide(id, 'purge')).toBe(true), until);
  const other = lines.replaceAll(id, '01920000-0000-7000-8000-000000000001');
  const half = lines.replaceAll(id, '\\ud800');
  const report = await a.manager.queue.import(`${other}${other}${half}`);
  expect(report).toMatchObject({ imported: 1, duplicates: 1, refused: [{ line: 3 }] });
  expect(a.manager.queue.list().map(({ input }) => input)).toEqual([{ lane: 'x', text: '1' }]);
  expect(a.manager.status().queue.size).toBe(1);
  await a.manager.deactivate();
  await vi.waitFor(() => expect(upstream.texts('x')).toEqual(['1']), until);
});

test('urgent lanes go first', async () => {
  const { manager } = start('a');
  const order: number[] = [];
  const urgent = manager.write('urgent', {
    run: async (priority: number) => void order.push(priority),
    lane: (priority) => `${priority}`,
    priority: (priority) => priority,
    idempotent: true,
  });
  manager.queue.pause(); // until all are there
  await manager.activate();
  for (const priority of [0, -3, 7, 2.5]) await urgent(priority);
  await manager.deactivate();
  manager.queue.resume();
  await vi.waitFor(() => expect(order).toEqual([7, 2.5, 0, -3]), until);
});

test('one instance tells the metrics of the shared queue', async () => {
  const [a, b] = [start('a'), start('b')];
  await a.manager.activate();
  await b.manager.activate();
  for (const text of numbers(4)) await a.save({ lane: text, text });
  await vi.waitFor(() => expect(b.manager.status().queue.size).toBe(4), until);
  // One tells four, the other none: together not eight.
  await vi.waitFor(async () => expect(await queueDepth('ready')).toBe(4), until);
});

test('the bound of the queue is that of all instances', async () => {
  const bound = { queue: { maxEntries: 5 } };
  const fleet = ['a', 'b'].map((name) => instance(upstream, name, { url: server.url }, bound));
  opened.push(...fleet.map(({ manager }) => manager));
  for (const { manager } of fleet) await manager.activate();
  const results = [];
  for (const text of numbers(8))
    results.push(
      await (fleet[Number(text) % 2] as (typeof fleet)[number]).save({ lane: text, text }).then(
        ({ outcome }) => outcome,
        ({ code }) => code,
      ),
    );
  expect(results.filter((result) => result === 'queued')).toHaveLength(5);
  expect(results.filter((result) => result === 'FALLBACK_QUEUE_FULL')).toHaveLength(3);
});

test('what the upstream has acknowledged stays with the instance that was told, and holds no lane', async () => {
  const seen = new Set<string>();
  const fleet = ['a', 'b'].map((name) => {
    const { manager } = start(name, withFolder(name));
    const post = manager.write('note.post', {
      run: (note: Note) => upstream.write(name, note),
      lane: ({ lane }) => lane,
      idempotent: true,
      confirm: {
        together: ({ lane }) => lane,
        look: (writes) => writes.map(({ id }) => id).filter((id) => seen.has(id)),
        interval: 100,
        maxInterval: 100,
      },
    });
    return { manager, post };
  });
  const [a, b] = fleet as [(typeof fleet)[number], (typeof fleet)[number]];
  const live = await a.post({ lane: 'x', text: '1' });
  expect(live).toMatchObject({ outcome: 'accepted', durability: 'disk' });
  expect((await b.post({ lane: 'x', text: '2' })).outcome).toBe('accepted');
  await a.manager.activate();
  const queued = await a.post({ lane: 'x', text: '3' });
  expect(queued.outcome).toBe('queued');
  await a.manager.deactivate();
  await vi.waitFor(() => expect(upstream.texts('x')).toEqual(['1', '2', '3']), until);
  const accepted = () => fleet.map(({ manager }) => manager.status().queue.states.accepted);
  await vi.waitFor(() => expect(accepted().reduce((sum, each) => sum + each)).toBe(3), until);
  expect(accepted()[1]).toBeGreaterThan(0);
  await vi.waitFor(() => expect(a.manager.status().queue.size).toBe(0), until);
  for (const { manager } of fleet)
    for (const { id } of manager.queue.list({ states: ['accepted'] })) seen.add(id);
  await vi.waitFor(() => expect(accepted()).toEqual([0, 0]), until);
  const id = 'operation' in live ? live.operation : '';
  expect(a.manager.queue.get(id)).toMatchObject({ state: 'confirmed' });
  expect(upstream.texts('x')).toEqual(['1', '2', '3']);
});

test('whoever has the upstream’s answer is not kept from it by a Redis that is away', async () => {
  upstream.takes = 500;
  const { manager } = start('a', withFolder('a'));
  const post = manager.write('note.post', {
    run: (note: Note) => upstream.write('a', note),
    lane: ({ lane }) => lane,
    idempotent: true,
    confirm: { together: ({ lane }) => lane, look: () => [] },
  });
  await manager.open();
  const posted = post({ lane: 'x', text: '1' });
  await vi.waitFor(async () => expect(await server.command('KEYS', '*:held')).not.toEqual([]));
  await server.kill();
  expect(await posted).toMatchObject({ outcome: 'accepted' });
  const later = await post({ lane: 'x', text: '2' });
  expect(later).toMatchObject({ outcome: 'queued', durability: 'disk' });
  await server.restart();
  await vi.waitFor(() => expect(upstream.texts('x').at(-1)).toBe('2'), until);
});

test('what is with the upstream when an instance closes is left alone until its deadline is over', async () => {
  upstream.takes = 1_500;
  const a = start('a', {}, { closeTimeout: 50 });
  const b = start('b');
  await a.manager.activate();
  await b.manager.activate();
  for (const text of ['1', '2']) await a.save({ lane: 'x', text });
  await a.manager.deactivate();
  await vi.waitFor(() => expect(upstream.busy('x')).toBe(true), until);
  await b.manager.deactivate();
  await a.manager.close();
  await vi.waitFor(() => expect(upstream.texts('x').at(-1)).toBe('2'), until);
  expect(upstream.overlaps).toBe(0);
});

test('a folder that cannot be opened keeps nobody from what is shared', async () => {
  const local = { ...memoryJournal(), open: () => Promise.reject(new Error('EIO')) };
  const { manager, save } = start('a', { local });
  const failures: unknown[] = [];
  manager.on('storeFailed', ({ verb }) => failures.push(verb));
  await manager.activate();
  expect(await save({ lane: 'x', text: '1' })).toMatchObject({ durability: 'disk' });
  expect(failures).toEqual(['open']);
  await manager.deactivate();
  await vi.waitFor(() => expect(upstream.texts('x')).toEqual(['1']), until);
});

test('a live write that failed while it was doubted, and is sent again later, is not doubted any more', async () => {
  const { manager } = start('a', withFolder('a'));
  const post = manager.write('note.post', {
    run: (note: Note) => upstream.write('a', note),
    lane: ({ lane }) => lane,
    idempotent: true,
    confirm: { together: ({ lane }) => lane, look: () => [] },
  });
  await manager.open();
  upstream.takes = 300;
  upstream.fails = true;
  const posted = post({ lane: 'x', text: '1' });
  await vi.waitFor(() => expect(upstream.busy('x')).toBe(true), until);
  const [sent] = manager.queue.list();
  manager.queue.doubt([sent?.id ?? '']);
  expect((await posted).outcome).toBe('queued');
  upstream.fails = false;
  await vi.waitFor(() => expect(upstream.texts('x')).toEqual(['1']), until);
  const accepted = () => manager.queue.export({ states: ['accepted'] });
  await vi.waitFor(() => expect(accepted()).toContain('acceptedAt'), until);
  expect(accepted()).not.toContain('doubted');
});

test('without a folder what the upstream has acknowledged is in memory, and the receipt says so', async () => {
  const { manager } = start('a');
  const post = manager.write('note.post', {
    run: (note: Note) => upstream.write('a', note),
    lane: ({ lane }) => lane,
    idempotent: true,
    confirm: { together: ({ lane }) => lane, look: () => [] },
  });
  expect(await post({ lane: 'x', text: '1' })).toMatchObject({
    outcome: 'accepted',
    durability: 'memory',
  });
});

test('what was applied when an instance closes is not sent again, however long Redis takes to hear of it', async () => {
  const store = slowStore({ settle: [800] });
  const a = start('a', {}, { store, closeTimeout: 50 });
  await a.manager.activate();
  await a.save({ lane: 'x', text: '1' });
  await a.manager.deactivate();
  await vi.waitFor(() => expect(upstream.texts('x')).toEqual(['1']), until);
  await a.manager.close();
  const b = start('b');
  await b.manager.open();
  await b.save({ lane: 'x', text: '2' });
  await vi.waitFor(() => expect(upstream.texts('x').at(-1)).toBe('2'), until);
  expect(upstream.texts('x')).toEqual(['1', '2']);
});

test('who waits when an instance closes is queued, however long Redis takes for it', async () => {
  upstream.takes = 500;
  const { manager, save } = start('a', {}, { store: slowStore({ append: [300, 300] }) });
  const live = save({ lane: 'x', text: 'live' });
  await vi.waitFor(() => expect(upstream.busy('x')).toBe(true), until);
  const waiting = save({ lane: 'x', text: 'waiting' });
  await pause(50);
  await manager.close();
  expect(await waiting).toMatchObject({ outcome: 'queued', durability: 'disk' });
  expect((await live).outcome).toBe('applied');
  await start('b').manager.open();
  await vi.waitFor(() => expect(upstream.texts('x').at(-1)).toBe('waiting'), until);
});

test('writes that went to the folder because no memory was left are moved when there is some, in order', async () => {
  const { manager, save } = start('a', withFolder('a'));
  await manager.activate();
  await save({ lane: 'x', text: '1' });
  await server.command('CONFIG', 'SET', 'maxmemory', '1');
  for (const text of ['2', '3'])
    expect(await save({ lane: 'x', text })).toMatchObject({
      outcome: 'queued',
      durability: 'disk',
    });
  expect(manager.status().store.problem).toBe('full');
  await server.command('CONFIG', 'SET', 'maxmemory', '0');
  const writes = ['4', '5', '6'].map((text) => save({ lane: 'x', text }));
  await Promise.all(writes);
  await vi.waitFor(() => expect(manager.status().store.problem).toBeUndefined(), until);
  await manager.deactivate();
  await vi.waitFor(
    () => expect(upstream.texts('x')).toEqual(['1', '2', '3', '4', '5', '6']),
    until,
  );
});

test('what only other instances can send keeps no breaker from the checks that close it', async () => {
  const a = start('a');
  const old = a.manager.write('note.old', { run: async (_: null) => {}, lane: () => 'old' });
  await a.manager.activate();
  await old(null);
  await a.manager.close();
  let works = false;
  const checks = [{ name: 'db', check: () => (works ? 'healthy' : 'unhealthy') as HealthStatus }];
  const b = start(
    'b',
    {},
    {
      health: { interval: 0, checks },
      breaker: { failureThreshold: 1, successThreshold: 1, openFor: 50 },
    },
  );
  const read = b.manager.read('note.read', {
    run: () => Promise.reject(Object.assign(new Error('down'), { code: 'ECONNREFUSED' })),
  });
  await b.manager.open();
  await vi.waitFor(() => expect(b.manager.status().queue.size).toBe(1), until);
  await expect(read()).rejects.toThrow();
  expect(b.manager.active).toBe(true);
  await pause(1_000);
  works = true;
  await vi.waitFor(() => expect(b.manager.active).toBe(false), { timeout: 20_000, interval: 50 });
});

test('who came first to a lane is queued first, however long Redis takes to say whether it is busy', async () => {
  const [a, b] = [start('a', {}, { store: slowStore({ busy: [300, 100, 0] }) }), start('b')];
  await a.manager.open();
  await b.manager.activate();
  await b.save({ lane: 'x', text: 'first' });
  a.manager.queue.pause();
  await Promise.all(['1', '2', '3'].map((text) => a.save({ lane: 'x', text })));
  a.manager.queue.resume();
  await vi.waitFor(() => expect(upstream.texts('x')).toEqual(['first', '1', '2', '3']), until);
});

test('a live write waits behind one that is still on its way into the queue', async () => {
  const [a, b] = [start('a', {}, { store: slowStore({ append: [1_000] }) }), start('b')];
  await a.manager.open();
  a.manager.queue.pause();
  await b.manager.activate();
  await b.save({ lane: 'x', text: 'first' });
  const one = a.save({ lane: 'x', text: '1' });
  await b.manager.deactivate();
  await vi.waitFor(() => expect(upstream.texts('x')).toEqual(['first']), until);
  await Promise.all([one, a.save({ lane: 'x', text: '2' })]);
  await vi.waitFor(() => expect(upstream.texts('x')).toEqual(['first', '1', '2']), until);
});

test('what an instance holds and has not sent yet can be taken out there', async () => {
  upstream.takes = 1_900;
  const [a, b] = [start('a'), start('b')];
  const live = a.save({ lane: 'x', text: 'live' });
  await vi.waitFor(() => expect(upstream.busy('x')).toBe(true), until);
  await b.manager.activate();
  await pause(200); // what it asked for when it was opened is answered
  const receipt = await b.save({ lane: 'x', text: 'queued' });
  await vi.waitFor(
    async () => expect(await server.command('KEYS', '*:held')).not.toEqual([]),
    until,
  );
  const id = 'operation' in receipt ? receipt.operation : '';
  await vi.waitFor(async () => expect(await a.manager.queue.decide(id, 'purge')).toBe(true), {
    timeout: 1_000,
  });
  expect((await live).outcome).toBe('applied');
  expect(await b.manager.queue.find(id)).toMatchObject({ state: 'purged' });
  expect(upstream.texts('x')).toEqual(['live']);
});
