/** The mode table cell by cell, and the breaker's state machine arrow by arrow, over real HTTP and real files. */

import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  type CallOptions,
  type FallbackEvents,
  FallbackManager,
  type FallbackManagerOptions,
  type FallbackMode,
  fallbackModes,
  getFallbackManager,
} from '@graphiti-fallback/core';
import { graphitiUpstream } from '@graphiti-fallback/graphiti';
import { lowdbStore } from '@graphiti-fallback/store-lowdb';
import { type GraphitiServer, graphitiServer } from '@graphiti-fallback/testing';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';

let graphiti: GraphitiServer;
let folder: string;
const closing: (() => Promise<unknown>)[] = [];

beforeEach(async () => {
  graphiti = await graphitiServer();
  folder = mkdtempSync(join(tmpdir(), 'modes-'));
});

afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
  await graphiti.close();
  rmSync(folder, { recursive: true, force: true });
});

/** A manager of Graphiti on the test's folder: what an earlier one left there is its own. */
async function start(options: Partial<FallbackManagerOptions> = {}) {
  const upstream = graphitiUpstream({ url: graphiti.url, reconcileFor: 200, confirm: false });
  const transitions: string[] = [];
  const lines: string[] = [];
  const line = (text: string) => void lines.push(text);
  const manager = new FallbackManager({
    name: 'graphiti',
    application: 'modes',
    upstream: graphiti.url,
    store: lowdbStore({ directory: folder }),
    logger: { warn: line, info: line },
    timeouts: { read: 500, write: 500 },
    retry: { retries: 0 },
    recoveryRamp: 0,
    ...options,
    breaker: { failureThreshold: 2, openFor: 150, ...options.breaker },
    health: { checks: upstream.checkers, interval: 0, ...options.health },
  });
  manager.on('stateChange', ({ breaker, from, to }) => {
    if (breaker === 'graphiti') transitions.push(`${from} > ${to}`);
  });
  const client = upstream.client(manager);
  closing.push(() => manager.close());
  await manager.open();
  const ask = () => client.getEpisodes.detailed('demo', 5);
  const say = (content: string, options?: CallOptions) =>
    client.addMessages('demo', [{ role_type: 'user', role: 'ann', content }], options);
  const state = () => manager.status().breakers.graphiti?.state;
  const note = manager.read('note.get', {
    run: async (id: string, { signal }): Promise<string> =>
      (await fetch(`${graphiti.url}/episodes/${id}?last_n=1`, { signal })).text(),
    entities: (id) => [{ type: 'note', id }],
    fromEntity: ({ text }) => String(text),
  });
  const recall = () => note.detailed('local');
  return { manager, ask, say, recall, state, transitions, lines };
}

type Kit = Awaited<ReturnType<typeof start>>;

/** Asks in vain until the breaker opens, by itself. */
async function goDown({ ask, manager }: Kit) {
  graphiti.fault({ kind: 'refuse' });
  for (let call = 0; call < 10 && !manager.active; call += 1) await ask().catch(() => {});
  expect(manager.active).toBe(true);
}

/** The two ways into a mode. */
const ways: [string, (kit: Kit, mode: FallbackMode) => Promise<void>][] = [
  ['automatic', (kit) => goDown(kit)],
  ['by hand', (kit, mode) => kit.manager.activate(mode, 'maintenance')],
];

async function goUp({ manager, ask }: Kit) {
  await graphiti.heal();
  await manager.deactivate();
  await expect
    .poll(
      () =>
        ask().then(
          () => manager.active,
          () => true,
        ),
      { timeout: 5_000 },
    )
    .toBe(false);
}

async function stored() {
  await graphiti.ingested();
  return graphiti.messages('demo').map(({ content }) => content);
}

/** How many calls reached Graphiti, health checks apart. */
const received = () =>
  graphiti.received().filter(({ path }) => path.startsWith('/episodes') || path === '/messages')
    .length;

const failing = (call: Promise<unknown>) =>
  call.then(
    (value) => expect.unreachable(`answered ${JSON.stringify(value)}`),
    (error: unknown) => error,
  );

describe.each(ways)('the mode table, %s', (way, activate) => {
  /** Live once, so that something is cached; then in the mode. */
  async function inMode(mode: FallbackMode) {
    const configured = way === 'automatic' ? mode : 'queue_writes';
    const kit = await start({ mode: configured });
    await kit.say('museum');
    await graphiti.ingested();
    await kit.ask();
    await activate(kit, mode);
    expect(kit.manager.mode).toBe(mode);
    expect(kit.manager.status().mode).toEqual({ configured, current: mode });
    return kit;
  }

  test('disabled, reads: no fallback, though an answer is at hand', async () => {
    const { ask } = await inMode('disabled');
    const before = received();
    expect(await failing(ask())).toMatchObject({ code: 'FALLBACK_UNAVAILABLE', status: 503 });
    expect(received()).toBe(before);
  });

  test('disabled, writes: refused, nothing kept', async () => {
    const kit = await inMode('disabled');
    expect(await failing(kit.say('gone'))).toMatchObject({ code: 'FALLBACK_UNAVAILABLE' });
    expect(kit.manager.queue.list()).toEqual([]);
    await goUp(kit);
    expect(await stored()).toEqual(['museum']);
  });

  test.each(fallbackModes.filter((mode) => mode !== 'disabled'))(
    '%s, reads: from the cache, without a call',
    async (mode) => {
      const { ask } = await inMode(mode);
      const before = received();
      const { outcome, value } = await ask();
      expect(outcome).toBe('stale');
      expect(value[0]?.content).toContain('museum');
      expect(received()).toBe(before);
    },
  );

  const entity = { type: 'note', id: 'local', text: 'kept here' };

  test.each([
    ['disabled', 'FALLBACK_UNAVAILABLE'],
    ['read_only', 'FALLBACK_READ_ONLY'],
  ] as const)('%s, entities: refused, and no answer', async (mode, code) => {
    const kit = await start();
    await kit.manager.storeEntity(entity);
    await kit.manager.close();
    const { manager, recall } = await inMode(mode);
    expect(await manager.getEntity('note', 'local')).toEqual(entity);
    expect(await failing(recall())).toMatchObject({ code: 'FALLBACK_UNAVAILABLE' });
    expect(await failing(manager.storeEntity(entity))).toMatchObject({ code, status: 503 });
  });

  test('memory_only, entities: kept in memory, an answer while the process lives', async () => {
    const kit = await inMode('memory_only');
    const receipt = await kit.manager.storeEntity(entity);
    expect(receipt).toEqual({ outcome: 'local', durability: 'memory' });
    expect(await kit.recall()).toMatchObject({ outcome: 'entity', value: 'kept here' });
    await kit.manager.close();
    expect(await (await start()).manager.listEntities('note')).toEqual([]);
  });

  test.each([
    ['local_storage', 'disk'],
    ['queue_writes', 'memory'],
  ] as const)('%s, entities: on disk, an answer also after a restart', async (mode, durability) => {
    const kit = await inMode(mode);
    expect(await kit.manager.storeEntity(entity)).toEqual({ outcome: 'local', durability });
    expect(await kit.recall()).toMatchObject({ outcome: 'entity', value: 'kept here' });
    await kit.manager.close();
    const later = await start({ mode });
    await activate(later, mode);
    expect(await later.recall()).toMatchObject({ outcome: 'entity', value: 'kept here' });
  });

  test('read_only, writes: refused with FALLBACK_READ_ONLY', async () => {
    const kit = await inMode('read_only');
    expect(await failing(kit.say('gone'))).toMatchObject({
      code: 'FALLBACK_READ_ONLY',
      status: 503,
      headers: { 'Retry-After': expect.stringMatching(/^[1-9]\d*$/) },
    });
    expect(kit.manager.queue.list()).toEqual([]);
  });

  test('memory_only, writes: kept in memory, replayed in order while the process lives', async () => {
    const kit = await inMode('memory_only');
    for (const text of ['one', 'two'])
      expect(await kit.say(text)).toMatchObject({ outcome: 'queued', durability: 'memory' });
    expect(kit.manager.status().queue).toMatchObject({ size: 2, volatile: 2 });
    expect(existsSync(join(folder, 'graphiti'))).toBe(false);
    await goUp(kit);
    await expect.poll(stored, { timeout: 5_000 }).toEqual(['museum', 'one', 'two']);
  });

  test('memory_only: what was not replayed is counted as lost at close, with a warning', async () => {
    const kit = await inMode('memory_only');
    const lost: string[] = [];
    kit.manager.on('queue', ({ event }) => event === 'lost' && lost.push(event));
    await kit.say('one');
    await kit.manager.close();
    expect(lost).toEqual(['lost']);
    expect(kit.lines.at(-1)).toMatch(/memory only could not be replayed: lost/);
    await graphiti.heal();
    const later = await start();
    expect(later.manager.queue.list()).toEqual([]);
  });

  test('local_storage, writes: on disk before the receipt, and not replayed on recovery', async () => {
    const kit = await inMode('local_storage');
    const receipt = await kit.say('mine');
    expect(receipt).toMatchObject({ outcome: 'stored', durability: 'disk' });
    expect(kit.manager.status()).toMatchObject({
      queue: { size: 0, states: { local: 1 } },
      operations: { stored: 1 },
    });
    await goUp(kit);
    expect((await kit.say('after')).outcome).toBe('applied');
    expect(await stored()).toEqual(['museum', 'after']);
    expect(kit.manager.queue.list()).toMatchObject([{ state: 'local' }]);
  });

  test('local_storage: sync({ include: "local" }) queues them at the tail, and names what changed', async () => {
    const kit = await inMode('local_storage');
    for (const text of ['mine 1', 'mine 2']) await kit.say(text);
    await goUp(kit);
    await kit.say('after');
    const report = await kit.manager.sync({ include: 'local' });
    expect(report).toMatchObject({ localQueued: 2, replayed: 2, failed: 0 });
    expect(report.changed).toEqual([
      { type: 'group', id: 'demo' },
      { type: 'group', id: 'demo' },
    ]);
    expect(await stored()).toEqual(['museum', 'after', 'mine 1', 'mine 2']);
    expect(kit.manager.queue.list()).toEqual([]);
  });

  test('queue_writes, writes: on disk before the receipt, replayed in order on recovery', async () => {
    const kit = await inMode('queue_writes');
    for (const text of ['one', 'two'])
      expect(await kit.say(text)).toMatchObject({ outcome: 'queued', durability: 'disk' });
    await goUp(kit);
    await expect.poll(stored, { timeout: 5_000 }).toEqual(['museum', 'one', 'two']);
  });
});

describe('while the breaker is closed, a single failure', () => {
  const once = () => graphiti.fault({ kind: 'unavailable', count: 1 });

  test.each(['disabled', 'read_only'] as const)(
    '%s: a write gets the upstream’s error',
    async (mode) => {
      const kit = await start({ mode });
      once();
      expect(await failing(kit.say('gone'))).toMatchObject({ upstreamStatus: 503 });
      expect(kit.manager.queue.list()).toEqual([]);
      expect((await kit.say('next')).outcome).toBe('applied');
    },
  );

  test('disabled: a read gets the upstream’s error, though an answer is at hand', async () => {
    const kit = await start({ mode: 'disabled' });
    await kit.ask();
    once();
    expect(await failing(kit.ask())).toMatchObject({ upstreamStatus: 503 });
  });

  test('read_only: a write that may have been applied says so', async () => {
    const kit = await start({ mode: 'read_only' });
    graphiti.fault({ kind: 'reset', count: 1 });
    expect(await failing(kit.say('who knows'))).toMatchObject({ code: 'FALLBACK_UNKNOWN_OUTCOME' });
  });

  test.each([
    ['memory_only', 'queued', 'memory'],
    ['local_storage', 'stored', 'disk'],
    ['queue_writes', 'queued', 'disk'],
  ] as const)('%s: a write is %s in %s', async (mode, outcome, durability) => {
    const kit = await start({ mode });
    once();
    expect(await kit.say('kept')).toMatchObject({ outcome, durability });
    expect(kit.manager.active).toBe(false);
  });
});

describe('local writes', () => {
  test('survive a restart, and are synced by a later process in order', async () => {
    const before = await start({ mode: 'local_storage' });
    await goDown(before);
    for (const text of ['one', 'two', 'three']) await before.say(text);
    await before.manager.close();
    await graphiti.heal();
    const after = await start({ mode: 'local_storage' });
    expect(after.state()).toBe('half_open');
    expect(after.manager.status().queue.states.local).toBe(3);
    await goUp(after);
    expect(await after.manager.sync({ include: 'local' })).toMatchObject({ replayed: 3 });
    expect(await stored()).toEqual(['one', 'two', 'three']);
  });

  test('that were synced stay behind what was queued before them, also over a restart', async () => {
    const kit = await start({ mode: 'local_storage' });
    await kit.manager.activate('local_storage');
    await kit.say('local');
    await kit.manager.activate('queue_writes');
    await kit.say('queued');
    await kit.manager.deactivate();
    graphiti.fault({ kind: 'refuse' });
    await kit.manager.sync({ include: 'local', timeoutMs: 0 });
    await kit.manager.close();
    await graphiti.heal();
    const after = await start();
    await goUp(after);
    await expect.poll(stored, { timeout: 5_000 }).toEqual(['queued', 'local']);
  });

  test('stay local when their lane holds nothing; behind queued ones they join the queue', async () => {
    const kit = await start();
    await goDown(kit);
    expect((await kit.say('first')).outcome).toBe('queued');
    await kit.manager.activate('local_storage');
    expect((await kit.say('second')).outcome).toBe('queued');
    await goUp(kit);
    await expect.poll(stored, { timeout: 5_000 }).toEqual(['first', 'second']);
  });

  test('can be purged by hand, or queued one by one', async () => {
    const kit = await start({ mode: 'local_storage' });
    await goDown(kit);
    for (const text of ['purged', 'queued']) await kit.say(text);
    const [first, second] = kit.manager.queue.list();
    expect(await kit.manager.queue.decide(first?.id ?? '', 'purge')).toBe(true);
    expect(await kit.manager.queue.decide(second?.id ?? '', 'retry')).toBe(true);
    expect(kit.manager.queue.get(first?.id ?? '')).toMatchObject({ state: 'purged' });
    await goUp(kit);
    await expect.poll(stored, { timeout: 5_000 }).toEqual(['queued']);
  });
});

describe('local writes and several people at once', () => {
  async function withLocal(...texts: string[]) {
    const kit = await start({ mode: 'local_storage' });
    await kit.manager.activate('local_storage');
    for (const text of texts) await kit.say(text);
    await kit.manager.deactivate();
    await goUp(kit);
    return kit;
  }

  test('two syncs at once queue each write once', async () => {
    const kit = await withLocal('one', 'two', 'three');
    const [first, second] = await Promise.all([
      kit.manager.sync({ include: 'local' }),
      kit.manager.sync({ include: 'local' }),
    ]);
    expect(first.localQueued + second.localQueued).toBe(3);
    expect(await stored()).toEqual(['one', 'two', 'three']);
    expect(kit.manager.queue.list()).toEqual([]);
  });

  test('one that is purged while others are synced is never sent', async () => {
    const kit = await withLocal('purged', 'kept');
    const [first] = kit.manager.queue.list();
    const [purged] = await Promise.all([
      kit.manager.queue.decide(first?.id ?? '', 'purge'),
      kit.manager.sync({ include: 'local' }),
    ]);
    expect(purged).toBe(true);
    expect(await stored()).toEqual(['kept']);
  });

  test('are synced in the order in which they arrived, though the first was stored last', async () => {
    const kit = await start({ mode: 'local_storage', breaker: { failureThreshold: 1 } });
    graphiti.fault({ kind: 'refuse' });
    await kit.ask().catch(() => {});
    await graphiti.heal();
    await goUp(kit);
    graphiti.fault({ kind: 'unavailable' });
    await Promise.all(['one', 'two', 'three'].map((text) => kit.say(text)));
    await goUp(kit);
    await kit.manager.sync({ include: 'local' });
    expect(await stored()).toEqual(['one', 'two', 'three']);
  });

  test('a decision that is none is refused', async () => {
    const { manager } = await start();
    await expect(manager.queue.decide('x', 'Purge' as 'purge')).rejects.toThrow(
      /`decision`.*"Purge"/,
    );
  });
});

describe('a mode that keeps nothing, with an old queue in the lane', () => {
  /** An old message waits because Graphiti asked for patience; everything else works. */
  async function withOldQueue() {
    const before = await start();
    graphiti.fault({ kind: 'unavailable', count: 1 });
    expect((await before.say('old')).outcome).toBe('queued');
    graphiti.fault({ kind: 'throttle', retryAfter: 1, match: { path: '/messages' } });
    await before.manager.close();
    const kit = await start({ mode: 'read_only', timeouts: { read: 500, write: 3_000 } });
    await expect
      .poll(() => kit.ask().then(kit.state, kit.state), { timeout: 5_000 })
      .toBe('closed');
    await expect
      .poll(() => kit.manager.queue.list()[0]?.lastError, { timeout: 10_000 })
      .toBe('429');
    await graphiti.heal();
    return kit;
  }

  test('a write waits its turn', async () => {
    const kit = await withOldQueue();
    expect(await kit.say('new')).toMatchObject({ outcome: 'applied' });
    expect(await stored()).toEqual(['old', 'new']);
  });

  test('one whose deadline ends before is told so', async () => {
    const kit = await withOldQueue();
    const error = await failing(kit.say('late', { timeoutMs: 100 }));
    expect(error).toMatchObject({ code: 'FALLBACK_UNAVAILABLE' });
    expect((await kit.say('in time')).outcome).toBe('applied');
    expect(await stored()).toEqual(['old', 'in time']);
  });
});

describe('the state machine', () => {
  test('closed > open, by failed calls', async () => {
    const kit = await start({ breaker: { openFor: 60_000 } });
    await goDown(kit);
    expect(kit.transitions).toEqual(['closed > open']);
    expect(kit.manager.status()).toMatchObject({ trigger: 'calls', reason: 'ECONNREFUSED' });
  });

  test('closed > open, by three unhealthy checks in a row', async () => {
    const kit = await start({ breaker: { openFor: 60_000 }, health: { interval: 30 } });
    graphiti.fault({ kind: 'refuse' });
    await expect.poll(kit.state, { timeout: 5_000 }).toBe('open');
    expect(kit.manager.status()).toMatchObject({ trigger: 'health', reason: 'liveness' });
  });

  test('closed > open, by one unhealthy check that was asked for', async () => {
    const kit = await start({ breaker: { openFor: 60_000 } });
    expect(await kit.manager.checkAndActivate()).toBe(false);
    graphiti.fault({ kind: 'refuse' });
    await expect.poll(() => kit.manager.checkAndActivate(), { timeout: 5_000 }).toBe(true);
    expect(kit.transitions).toEqual(['closed > open']);
  });

  test('closed > isolated, by hand', async () => {
    const kit = await start();
    const begun: FallbackEvents['activated'][] = [];
    kit.manager.on('activated', (event) => {
      if (event.breaker === 'graphiti') begun.push(event);
    });
    await kit.manager.activate('read_only', 'moving house');
    expect(kit.transitions).toEqual(['closed > isolated']);
    expect(begun).toMatchObject([{ trigger: 'manual', mode: 'read_only' }]);
    expect(kit.manager.status()).toMatchObject({
      active: true,
      trigger: 'manual',
      breakers: { graphiti: { isolation: { mode: 'read_only', reason: 'moving house' } } },
    });
    expect(kit.lines).toMatchObject([expect.stringMatching(/set apart by hand \(moving house\)/)]);
  });

  test('open > half_open, when its time is over', async () => {
    const kit = await start({ health: { checks: [] } });
    await goDown(kit);
    await expect.poll(kit.state).toBe('half_open');
    expect(kit.transitions).toEqual(['closed > open', 'open > half_open']);
  });

  test('half_open > open, by a failure', async () => {
    const kit = await start({ health: { checks: [] } });
    await goDown(kit);
    await expect.poll(kit.state).toBe('half_open');
    await kit.ask().catch(() => {});
    expect(kit.transitions.at(-1)).toBe('half_open > open');
  });

  test('half_open > closed, by successes', async () => {
    const kit = await start({ health: { checks: [] } });
    const over: FallbackEvents['deactivated'][] = [];
    kit.manager.on('deactivated', (event) => over.push(event));
    await goDown(kit);
    await goUp(kit);
    expect(kit.transitions.at(-1)).toBe('half_open > closed');
    expect(over).toHaveLength(1);
  });

  test('open > isolated, in the same outage', async () => {
    const kit = await start({ breaker: { openFor: 60_000 } });
    await goDown(kit);
    const { outage } = kit.manager.status().breakers.graphiti ?? {};
    await kit.manager.activate('disabled');
    expect(kit.transitions.at(-1)).toBe('open > isolated');
    expect(kit.manager.status().breakers.graphiti?.outage).toEqual(outage);
  });

  test('half_open > isolated', async () => {
    const kit = await start({ health: { checks: [] } });
    await goDown(kit);
    await expect.poll(kit.state).toBe('half_open');
    await kit.manager.activate();
    expect(kit.transitions.at(-1)).toBe('half_open > isolated');
  });

  test('isolated > isolated: another mode, no transition', async () => {
    const kit = await start();
    await kit.manager.activate('read_only');
    await kit.manager.activate('queue_writes');
    expect(kit.transitions).toEqual(['closed > isolated']);
    expect(kit.manager.mode).toBe('queue_writes');
  });

  test('isolated stays so, though the upstream works: the drain waits, sync() only reports', async () => {
    const kit = await start();
    await kit.manager.activate('queue_writes', 'batch import');
    await kit.say('waits');
    expect(await kit.manager.sync()).toMatchObject({ replayed: 0, states: { ready: 1 } });
    await new Promise((resolve) => setTimeout(resolve, 400));
    expect(kit.state()).toBe('isolated');
    expect(received()).toBe(0);
    expect(await kit.manager.checkAndActivate()).toBe(true);
  });

  test('isolated > half_open > closed, by hand and then by work that succeeds, in the same outage', async () => {
    const kit = await start();
    await kit.manager.activate();
    const { outage } = kit.manager.status().breakers.graphiti ?? {};
    await kit.say('waits');
    expect(await kit.manager.deactivate()).toBe(true);
    expect(kit.transitions.at(-1)).toBe('isolated > half_open');
    expect(kit.manager.status().breakers.graphiti?.outage).toEqual(outage);
    await goUp(kit);
    await expect.poll(stored, { timeout: 5_000 }).toEqual(['waits']);
    expect(await kit.manager.deactivate()).toBe(false);
  });

  test('restart: isolated stays isolated, with its mode and reason, until a person ends it', async () => {
    const before = await start();
    await before.manager.activate('read_only', 'maintenance');
    await before.manager.close();
    const after = await start();
    expect(after.state()).toBe('isolated');
    expect(after.manager.mode).toBe('read_only');
    expect(after.lines[0]).toMatch(/set apart by hand \(maintenance\)/);
    await after.manager.deactivate();
    await after.manager.close();
    const last = await start();
    expect(last.state()).toBe('half_open');
  });

  test('restart: an outage goes on half-open where writes are queued', async () => {
    const before = await start({ breaker: { openFor: 60_000 } });
    await goDown(before);
    await before.say('kept');
    const { outage } = before.manager.status().breakers.graphiti ?? {};
    await before.manager.close();
    const after = await start({ health: { checks: [] } });
    expect(after.manager.status().breakers.graphiti?.outage).toEqual(outage);
    expect(after.transitions[0]).toBe('closed > half_open');
  });

  test('restart: closed with queued writes begins half-open, with the trigger restart', async () => {
    // Its first replay is not due before the close.
    const before = await start({ random: () => 0.999 });
    graphiti.fault({ kind: 'unavailable', count: 1 });
    await before.say('kept');
    expect(before.state()).toBe('closed');
    await before.manager.close();
    graphiti.fault({ kind: 'refuse' });
    const after = await start({ health: { checks: [] } });
    expect(after.manager.status()).toMatchObject({ active: true, trigger: 'restart' });
  });

  test('restart: closed with an empty queue stays closed', async () => {
    const before = await start();
    await before.say('applied');
    await before.manager.close();
    expect((await start()).state()).toBe('closed');
  });
});

describe('a protected block', () => {
  test('checks on entry, tells how things are, and starts the drain on exit', async () => {
    const kit = await start({ breaker: { successThreshold: 1 } });
    graphiti.fault({ kind: 'refuse' });
    const seen = await kit.manager.run(async (block) => {
      await kit.say('in the block');
      return { active: block.active, mode: block.mode };
    });
    expect(seen).toEqual({ active: true, mode: 'queue_writes' });
    await graphiti.heal();
    await expect
      .poll(
        async () => {
          await using block = await kit.manager.context();
          return block.active;
        },
        { timeout: 5_000 },
      )
      .toBe(false);
    await expect.poll(stored, { timeout: 5_000 }).toEqual(['in the block']);
  });

  test('passes on what the block throws, and still checks', async () => {
    const kit = await start();
    await expect(kit.manager.run(() => Promise.reject(new Error('mine')))).rejects.toThrow('mine');
  });

  test('one check serves all who ask within a second', async () => {
    const kit = await start();
    await Promise.all([1, 2, 3].map(() => kit.manager.checkAndActivate()));
    await kit.manager.checkAndActivate();
    const checks = graphiti.received().filter(({ path }) => path === '/healthcheck');
    expect(checks).toHaveLength(1);
  });
});

test('a receipt can be followed until its write is applied, also over a restart', async () => {
  const kit = await start();
  await goDown(kit);
  const receipt = await kit.say('followed');
  const id = receipt.outcome === 'queued' ? receipt.operation : '';
  expect(kit.manager.queue.get(id)).toMatchObject({ id, state: 'ready' });
  await goUp(kit);
  await expect.poll(() => kit.manager.queue.get(id)?.state, { timeout: 5_000 }).toBe('done');
  expect(kit.manager.queue.get(id)?.endedAt).toBeGreaterThan(0);
  await kit.manager.close();
  const after = await start();
  expect(after.manager.queue.get(id)).toMatchObject({ state: 'done' });
  expect(after.manager.queue.get('unknown')).toBeUndefined();
});

test('managers are found by name until they close', async () => {
  const kit = await start();
  expect(getFallbackManager('graphiti')).toBe(kit.manager);
  expect(() => getFallbackManager('other')).toThrow(/'other'.*there is: 'graphiti'/);
  await kit.manager.close();
  expect(() => getFallbackManager('graphiti')).toThrow(/there is: none/);
});

test('what cannot be is refused in the user’s words', async () => {
  const { manager } = await start();
  const mode = 'magic' as FallbackMode;
  await expect(manager.activate(mode)).rejects.toThrow(/`mode`.*read_only.*got "magic"/);
  await expect(manager.activate('read_only', '')).rejects.toThrow(/`reason`/);
  await expect(manager.sync({ include: 'all' as 'local' })).rejects.toThrow(/`include`.*"all"/);
  expect(() => new FallbackManager({ name: 'x', mode })).toThrow(
    /`mode` of FallbackManager.*"magic"/,
  );
});
