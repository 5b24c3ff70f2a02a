import { describe, expect, test } from 'vitest';
import type { HealthStatus } from '../health/checker.ts';
import { FallbackManager } from '../manager.ts';
import { settled } from '../manual-clock.test.support.ts';
import { memoryJournal } from '../memory-journal.ts';
import type { FallbackManagerOptions } from '../options.ts';
import { HttpError, refused, testManager } from '../upstream.test.support.ts';
import type { ManagerBreakerOptions } from './manager-breaker-options.ts';

type Item = { readonly id: string; readonly value: string };

/** The manager of the other tests, with a read and a write behind a breaker of their own. */
function sharingKit(options: Partial<FallbackManagerOptions> = {}) {
  const kit = testManager(options);
  const { manager, upstream } = kit;
  const find = manager.read('item.find', {
    run: (id: string) => upstream.get(`find:${id}`),
    breaker: 'search',
  });
  const index = manager.write('item.index', {
    run: ({ id, value }: Item) => upstream.put(`index:${id}`, value),
    lane: ({ id }) => `index:${id}`,
    idempotent: true,
    breaker: 'search',
  });
  const openSearch = async () => {
    upstream.fail = (name) => (/find:|index:/.test(name) ? refused() : undefined);
    for (let call = 0; call < 5; call += 1) await find('x').catch(() => {});
  };
  return { ...kit, find, index, openSearch, search: manager.breaker('search') };
}

test('one breaker opens, and what is behind another goes on live', async () => {
  const { manager, find, get, put, search, openSearch } = sharingKit();
  await openSearch();
  expect(search.active).toBe(true);
  expect(manager.active).toBe(false);
  await expect(find('x')).rejects.toMatchObject({ code: 'FALLBACK_UNAVAILABLE' });
  expect(await get.detailed('a')).toMatchObject({ outcome: 'live' });
  expect(await put({ id: 'a', value: '1' })).toMatchObject({ outcome: 'applied' });
});

test('every breaker has its status and counts, and owns its outage', async () => {
  const { manager, openSearch, clock, upstream, find } = sharingKit();
  const told: string[] = [];
  manager.on('activated', ({ breaker }) => told.push(`begins ${breaker}`));
  manager.on('deactivated', ({ breaker, lastedMs }) => told.push(`ends ${breaker} ${lastedMs}`));
  await openSearch();
  const { breakers, active } = manager.status();
  expect(active).toBe(false);
  expect(breakers).toMatchObject({
    items: { state: 'closed', calls: { failure: 0 } },
    search: { state: 'open', calls: { failure: 5 }, retryInMs: 60_000 },
  });
  await clock.advance(60_000);
  upstream.fail = undefined;
  await find('x');
  await find('y');
  expect(told).toEqual(['begins search', 'ends search 60000']);
});

test("a write behind an open breaker is queued, and replayed when that one lets it through, not when another's outage ends", async () => {
  const { manager, index, put, upstream, openSearch, clock } = sharingKit();
  await openSearch();
  expect(await index({ id: 'a', value: '1' })).toMatchObject({ outcome: 'queued' });
  await put({ id: 'b', value: '2' });
  await clock.advance(50_000);
  expect(upstream.applied).toEqual(['b=2']);
  upstream.fail = undefined;
  await clock.advance(20_000);
  expect(upstream.applied).toEqual(['b=2', 'index:a=1']);
  expect(manager.queue.list()).toEqual([]);
});

test('the queue drains behind one breaker while another is open', async () => {
  const { manager, find, get, put, upstream, clock } = sharingKit();
  upstream.fail = refused;
  for (let call = 0; call < 5; call += 1) await get('b').catch(() => {});
  expect(manager.active).toBe(true);
  for (const id of ['c', 'd'])
    expect(await put({ id, value: '9' })).toMatchObject({ outcome: 'queued' });
  await clock.advance(50_000);
  for (let call = 0; call < 5; call += 1) await find('x').catch(() => {});
  upstream.fail = (name) => (name.includes('find:') ? refused() : undefined);
  await clock.advance(20_000);
  expect(manager.status().breakers).toMatchObject({
    items: { state: 'closed' },
    search: { state: 'open' },
  });
  expect(upstream.applied).toEqual(['c=9', 'd=9']);
  expect(manager.queue.list()).toEqual([]);
});

test('a 429 stops the replays behind its own breaker only', async () => {
  const { manager, index, put, upstream, clock } = sharingKit();
  await manager.activate();
  await index({ id: 'a', value: '1' });
  await put({ id: 'b', value: '2' });
  upstream.fail = (name) =>
    name.includes('index:') ? new HttpError(429, { 'retry-after': '300' }) : undefined;
  await manager.deactivate();
  await clock.advance(10_000);
  expect(upstream.applied).toEqual(['b=2']);
  upstream.fail = undefined;
  await clock.advance(280_000);
  expect(upstream.applied).toEqual(['b=2']);
  await clock.advance(20_000);
  expect(upstream.applied).toEqual(['b=2', 'index:a=1']);
});

test('what succeeds behind one breaker is no evidence against a write behind another', async () => {
  const { manager, index, put, upstream, clock } = sharingKit();
  await manager.activate();
  await index({ id: 'a', value: '1' });
  upstream.fail = (name) => (name.includes('index:') ? new HttpError(500) : undefined);
  await manager.deactivate();
  for (let hour = 0; hour < 12; hour += 1) {
    await clock.advance(3_600_000);
    await put({ id: 'b', value: String(hour) });
  }
  expect(manager.queue.list()).toMatchObject([{ operation: 'item.index', attempts: 0 }]);
});

test('by hand a manager is set apart with all its breakers, also with those that come later', async () => {
  const { manager, find, upstream } = sharingKit();
  await manager.activate('read_only', 'maintenance');
  await expect(find('x')).rejects.toMatchObject({ code: 'FALLBACK_UNAVAILABLE' });
  expect(manager.breaker('later').status()).toMatchObject({
    state: 'isolated',
    isolation: { mode: 'read_only', reason: 'maintenance' },
  });
  expect(upstream.received).toEqual([]);
  await manager.deactivate();
  expect(Object.values(manager.status().breakers).map(({ state }) => state)).toEqual([
    'half_open',
    'half_open',
    'half_open',
  ]);
});

test('what was set apart by itself stays so when the manager is let go, and what was set apart with it is let go though it alone was stored', async () => {
  const { manager, search } = sharingKit();
  await search.isolate('reindexing', 'read_only');
  await manager.activate('memory_only', 'maintenance');
  expect(search.status().isolation).toMatchObject({ reason: 'reindexing', mode: 'read_only' });
  expect(await manager.deactivate()).toBe(true);
  expect(search.state).toBe('isolated');
  expect(manager.breaker().state).toBe('half_open');
  expect(await manager.deactivate()).toBe(false);
  await manager.close();

  const store = memoryJournal();
  const first = sharingKit({ store });
  await first.manager.activate();
  await store.commit([{ bucket: 'state', key: 'breaker:items', delete: true }]);
  const second = sharingKit({ store: { ...store } });
  await second.manager.open();
  expect(second.manager.active).toBe(false);
  expect(second.search.state).toBe('isolated');
  expect(await second.manager.deactivate()).toBe(true);
  expect(second.search.state).toBe('half_open');
});

test('one breaker is set apart by hand, the others are not, and a restart does not end it', async () => {
  const store = memoryJournal();
  const first = sharingKit({ store });
  await first.manager.open();
  await first.search.isolate('reindexing', 'read_only');
  expect(first.manager.active).toBe(false);
  await first.manager.close();
  const second = sharingKit({ store });
  await second.manager.open();
  expect(second.manager.active).toBe(false);
  expect(second.search.status()).toMatchObject({
    state: 'isolated',
    isolation: { mode: 'read_only', reason: 'reindexing' },
  });
  expect(await second.search.restore()).toBe(true);
  await second.manager.close();
});

test('a restart goes on with the outage of each breaker, also of one that is declared later', async () => {
  const store = memoryJournal();
  const first = sharingKit({ store });
  await first.openSearch();
  await first.index({ id: 'a', value: '1' });
  const { outage } = first.search.status();
  await settled();
  await first.manager.close();
  const clock = first.clock;
  const manager = new FallbackManager({
    name: 'items',
    application: 'test',
    logger: false,
    store,
    clock,
  });
  await manager.open();
  expect(manager.active).toBe(false);
  expect(manager.breaker('search').status()).toMatchObject({ state: 'half_open', outage });
  await manager.close();
});

test('a restart remembers how often a breaker opened in a row', async () => {
  const store = memoryJournal();
  const growing = { breaker: { openForGrowth: 2 }, store };
  const first = sharingKit(growing);
  await first.openSearch();
  await first.index({ id: 'a', value: '1' });
  await first.clock.advance(60_001);
  expect(first.search.status()).toMatchObject({
    state: 'open',
    retryInMs: expect.closeTo(120_000, -3),
  });
  await first.manager.close();
  const second = sharingKit(growing);
  second.upstream.fail = refused;
  await second.manager.open();
  await second.find('x').catch(() => {});
  expect(second.search.status()).toMatchObject({ state: 'open', retryInMs: 240_000 });
  await second.manager.close();
});

test('writes that an earlier run left make their own breaker careful, not the others', async () => {
  const store = memoryJournal();
  const first = sharingKit({ store });
  await first.manager.activate();
  await first.index({ id: 'a', value: '1' });
  first.manager.queue.pause();
  await first.manager.deactivate();
  await store.commit([
    { bucket: 'state', key: 'breaker:items', delete: true },
    { bucket: 'state', key: 'breaker:search', delete: true },
  ]);
  await first.manager.close();
  const second = sharingKit({ store });
  second.upstream.fail = refused;
  await second.manager.open();
  expect(second.manager.active).toBe(false);
  expect(second.search.status()).toMatchObject({
    state: 'half_open',
    outage: { trigger: 'restart' },
  });
  await second.manager.close();
});

test('a write that waits for its turn is queued when its own breaker opens, and goes on waiting when another does', async () => {
  const { put, find, upstream, manager, clock } = sharingKit();
  let letGo = () => {};
  upstream.gate = (name) =>
    name.startsWith('put a=1') ? new Promise((resolve) => (letGo = resolve)) : undefined;
  const first = put({ id: 'a', value: '1' });
  await settled();
  const second = put({ id: 'a', value: '2' });
  await settled();
  upstream.fail = (name) => (name.includes('find:') ? refused() : undefined);
  for (let call = 0; call < 5; call += 1) await find('x').catch(() => {});
  expect(manager.breaker('search').active).toBe(true);
  await clock.advance(10);
  expect(manager.queue.list()).toEqual([]);
  letGo();
  expect(await first).toMatchObject({ outcome: 'applied' });
  expect(await second).toMatchObject({ outcome: 'applied' });
});

test('what comes after the end goes through, whatever the breaker was, and nothing is told of it', async () => {
  const { manager, search, openSearch, upstream } = sharingKit();
  const job = manager.breaker('job', { failureThreshold: 1 });
  manager.breakers.remove('job');
  await openSearch();
  await manager.close();
  const told: string[] = [];
  manager.on('stateChange', ({ breaker }) => told.push(breaker));
  upstream.fail = undefined;
  expect(await search.execute(() => 'live')).toBe('live');
  for (let call = 0; call < 2; call += 1)
    await expect(job.execute(() => Promise.reject(refused()))).rejects.toThrow('fetch failed');
  expect(told).toEqual([]);
});

test('the name of a breaker is a text', () => {
  const { manager } = sharingKit();
  expect(() => manager.read('wrong', { run: () => 1, breaker: '' })).toThrow(
    "Expected `breaker` of 'wrong' to be a text that is not empty",
  );
  expect(() => manager.breaker(' ')).toThrow('a text that is not empty');
});

test('a sync does not wait for what nobody here can send now', async () => {
  const { manager, upstream } = sharingKit();
  let available = true;
  const late = manager.write('item.late', {
    run: ({ id, value }: Item) => upstream.put(id, value),
    idempotent: true,
    available: () => available,
  });
  await manager.activate();
  await late({ id: 'a', value: '1' });
  available = false;
  await manager.deactivate();
  const report = await manager.sync({ timeoutMs: 60_000 });
  expect(report).toMatchObject({ replayed: 0, states: { unhandled: 1 } });
});

test('a health check speaks for the breaker that it names: it trips that one, closes it, and no other', async () => {
  let status: HealthStatus = 'healthy';
  const { manager, search, clock } = sharingKit({
    health: {
      interval: 1_000,
      checks: [{ name: 'search', breaker: 'search', check: () => status }],
    },
  });
  await manager.open();
  status = 'unhealthy';
  await clock.advance(4_000);
  expect(search.status()).toMatchObject({ state: 'open', outage: { trigger: 'health' } });
  expect(manager.active).toBe(false);
  expect(manager.health.upstream).toBe('degraded');
  status = 'healthy';
  await clock.advance(70_000);
  expect(search.state).toBe('closed');
  expect(manager.health.upstream).toBe('healthy');
  status = 'unhealthy';
  expect(await manager.checkAndActivate()).toBe(false);
  expect(search.state).toBe('open');
  await manager.close();
});

describe('a manager whose breakers adapt', () => {
  async function adaptiveKit(breaker: ManagerBreakerOptions) {
    let status: HealthStatus = 'healthy';
    const kit = sharingKit({
      breaker,
      health: { interval: 1_000, checks: [{ name: 'db', check: () => status }] },
    });
    kit.upstream.fail = refused;
    await kit.manager.open();
    const become = async (next: HealthStatus) => {
      status = next;
      await kit.clock.advance(1_100);
    };
    const failures = async (ask: (id: string) => Promise<unknown>) => {
      for (let call = 1; call < 20; call += 1) {
        await ask('x').catch(() => {});
        if (ask === kit.find ? kit.search.active : kit.manager.active) return call;
      }
      return 20;
    };
    return { ...kit, become, failures };
  }

  test('opens the sooner and stays open the longer, the worse the health; so do those with a name', async () => {
    const { become, failures, get, find, manager, search } = await adaptiveKit({ adaptive: true });
    await become('degraded');
    expect(await failures(get)).toBe(3);
    expect(manager.breaker().status().retryInMs).toBe(90_000);
    expect(await failures(find)).toBe(3);
    expect(search.status().retryInMs).toBe(90_000);
  });

  test('by levels of its own; what is said for all holds at each', async () => {
    const levels = { degraded: { failureThreshold: 2 } };
    const kit = await adaptiveKit({ adaptive: levels, openFor: 1_000 });
    await kit.become('degraded');
    expect(await kit.failures(kit.get)).toBe(2);
    expect(kit.manager.breaker().status().retryInMs).toBe(1_000);
    kit.search.configure({ openFor: 5_000 });
    await kit.failures(kit.find);
    expect(kit.search.status().retryInMs).toBe(5_000);
  });

  test('refuses wrong levels', () => {
    expect(() => sharingKit({ breaker: { adaptive: 'yes' as never } })).toThrow(
      '`adaptive` of `breaker` to be true or false or levels by health',
    );
    expect(() => sharingKit({ breaker: { adaptive: { degraded: { openFor: 0 } } } })).toThrow(
      '`openFor`',
    );
    expect(() => sharingKit({ breaker: { adaptive: { bad: {} } as never } })).toThrow('`bad`');
  });
});
