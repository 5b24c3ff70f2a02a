/** Erasures, and the messages that Graphiti has acknowledged and that nobody has seen there yet. */

import { setTimeout as delay } from 'node:timers/promises';
import { memoryJournal } from '@graphiti-fallback/core';
import { expect, test } from 'vitest';
import { clientOf, said, setUp, soon, startServer, stored, taken } from './subject.ts';

const quick = { interval: 20, maxInterval: 100 };
const resend = { confirm: { ...quick, within: 200, unconfirmed: 'resend' } } as const;
const calm = { breaker: { failureThreshold: 50, successThreshold: 1, openFor: 100 } } as const;
const unknown = { code: 'FALLBACK_UNKNOWN_OUTCOME', status: 504 };

test.each([
  ['deleteGroup', '/group'],
  ['clear', '/clear'],
] as const)(
  '%s that times out and did not happen costs no accepted message',
  async (call, path) => {
    const server = await startServer({ ingestDelayMs: 400 });
    const { client, manager } = clientOf(server);
    await client.addMessages('g', [said('one'), said('two')]);
    server.fault({ kind: 'hang', match: { path } });
    const erased =
      call === 'clear'
        ? client.clear({ confirm: 'CLEAR ALL', timeoutMs: 100 })
        : client.deleteGroup('g', { confirm: 'g', timeoutMs: 100 });
    await expect(erased).rejects.toMatchObject(unknown);
    expect(manager.queue.list()).toHaveLength(2);
    await expect.poll(() => manager.status().queue.confirmed, soon).toBe(2);
    expect(stored(server)).toEqual(['one', 'two']);
  },
);

test('what may have been erased is never sent again by itself, over a restart of the app too', async () => {
  const server = await startServer();
  const store = Object.assign(memoryJournal(), { close: async () => {} });
  const first = clientOf(server, resend, { store });
  server.fault({ kind: 'dead_worker' });
  await first.client.addMessages('g', [said('erased')]);
  await first.client.addMessages('h', [said('lost')]);
  server.fault({ kind: 'reset', applied: true, count: 1, match: { path: '/group' } });
  const erased = first.client.deleteGroup('g', { confirm: 'g' });
  await expect(erased).rejects.toMatchObject(unknown);
  await first.manager.close();
  const second = clientOf(server, resend, { store });
  await second.manager.open();
  server.restart();
  await second.client.addMessages('g', [said('later')]);
  await expect.poll(() => stored(server, 'h'), soon).toEqual(['lost']);
  await expect
    .poll(() => second.manager.queue.list().map(({ state }) => state), soon)
    .toEqual(['unconfirmed']);
  expect(second.client.health().state).toBe('live');
  await delay(400);
  expect(taken(server)).toEqual(['erased', 'later']);
  expect(stored(server)).toEqual(['later']);
  // A person may have it sent again.
  const [{ id = '' } = {}] = second.manager.queue.list();
  expect(await second.manager.queue.decide(id, 'retry')).toBe(true);
  await expect.poll(() => stored(server).sort(), soon).toEqual(['erased', 'later']);
});

test.each(['by a deleteEpisode', 'by another app'])(
  'a group that was emptied %s proves no erasure: what nobody has seen stays',
  async (by) => {
    const { server, client, manager } = await setUp({ confirm: { ...quick, within: 500 } });
    await client.addMessages('g', [said('before')]);
    await expect.poll(() => manager.status().queue.confirmed, soon).toBe(1);
    const [{ uuid = '' } = {}] = await client.getEpisodes('g', 1);
    if (by === 'by a deleteEpisode') await client.deleteEpisode(uuid, { groupId: 'g' });
    else await fetch(`${server.url}/group/g`, { method: 'DELETE' });
    server.fault({ kind: 'dead_worker' });
    await client.addMessages('g', [said('one')]);
    server.fault({ kind: 'reset', applied: false, count: 1, match: { path: '/group' } });
    await expect(client.deleteGroup('g', { confirm: 'g' })).rejects.toMatchObject(unknown);
    await expect.poll(() => client.health().state, soon).toBe('live');
    await expect
      .poll(() => manager.queue.list().map(({ state }) => state), soon)
      .toEqual(['unconfirmed']);
  },
);

test('an erasure that is repeated until it is known to have happened forgets what the first one doubted', async () => {
  const { server, client, manager } = await setUp(resend);
  await manager.storeEntity({ type: 'entity_node', id: 'n', group_id: 'g', name: 'Ann' });
  server.fault({ kind: 'dead_worker' });
  await client.addMessages('g', [said('erased')]);
  server.fault({ kind: 'reset', applied: true, count: 1, match: { path: '/group' } });
  await expect(client.deleteGroup('g', { confirm: 'g' })).rejects.toMatchObject(unknown);
  expect(manager.queue.list()).toHaveLength(1);
  await client.deleteGroup('g', { confirm: 'g' });
  await expect.poll(() => manager.queue.list(), soon).toEqual([]);
  await expect.poll(() => manager.listEntities('entity_node'), soon).toEqual([]);
});

test('one that certainly did not happen changes nothing: lost messages are sent again', async () => {
  const { server, client, manager } = await setUp(resend);
  server.fault({ kind: 'dead_worker' });
  await client.addMessages('g', [said('lost')]);
  server.fault({ kind: 'unavailable', count: 1, match: { path: '/group' } });
  await client.deleteGroup('g', { confirm: 'g' }).catch(() => {});
  server.restart();
  await expect.poll(() => stored(server), soon).toEqual(['lost']);
  await expect.poll(() => manager.queue.list(), soon).toEqual([]);
});

test('what is said while everything is cleared is kept, and looked for', async () => {
  const { server, client, manager } = await setUp({ confirm: { interval: 60_000 } });
  await client.addMessages('g', [said('before')]);
  server.fault({ kind: 'slow', ms: 300, match: { path: '/clear' } });
  const clearing = client.clear({ confirm: 'CLEAR ALL' });
  await expect.poll(() => server.received({ path: '/clear' }), soon).toHaveLength(1);
  const receipt = await client.addMessages('g', [said('meanwhile')]);
  expect(await clearing).toMatchObject({ outcome: 'applied' });
  const id = receipt.outcome === 'accepted' ? receipt.operation : '';
  expect(manager.queue.list()).toMatchObject([{ id, state: 'accepted' }]);
  // Nobody knows whether it came before: it is not sent again by itself.
  expect(manager.queue.export()).toContain('"doubted":true');
});

test('what is acknowledged after a clear, but was on its way before its end, is not sent again by itself', async () => {
  const server = await startServer();
  const { client, manager } = clientOf(server, {
    ...resend,
    async fetch(url, init) {
      if (String(url).endsWith('/clear')) await delay(200);
      const response = await fetch(url, init);
      if (String(url).endsWith('/messages')) await delay(400);
      return response;
    },
  });
  const clearing = client.clear({ confirm: 'CLEAR ALL' });
  await delay(30);
  const adding = client.addMessages('g', [said('erased')]);
  await expect.poll(() => stored(server), soon).toEqual(['erased']);
  expect((await clearing).outcome).toBe('applied');
  expect((await adding).outcome).toBe('accepted');
  await expect
    .poll(() => manager.queue.list().map(({ state }) => state), soon)
    .toEqual(['unconfirmed']);
  await delay(400);
  expect([taken(server), stored(server)]).toEqual([['erased'], []]);
});

test('an erasure that certainly did not happen takes nothing back of what another one doubts', async () => {
  const server = await startServer();
  const { client, manager } = clientOf(
    server,
    {
      ...resend,
      async fetch(url, init) {
        if (init?.method !== 'DELETE') return fetch(url, init);
        await delay(300);
        return new Response('', { status: 503 });
      },
    },
    calm,
  );
  server.fault({ kind: 'dead_worker' });
  await client.addMessages('g', [said('erased')]);
  server.fault({ kind: 'reset', applied: true, count: 1, match: { path: '/clear' } });
  const deleting = client.deleteGroup('g', { confirm: 'g' }).catch(() => {});
  await delay(20);
  await expect(client.clear({ confirm: 'CLEAR ALL' })).rejects.toMatchObject(unknown);
  await deleting;
  server.restart();
  await expect
    .poll(() => manager.queue.list().map(({ state }) => state), soon)
    .toEqual(['unconfirmed']);
  await delay(600);
  expect(taken(server)).toEqual(['erased']);
});

test('a slow store does not mix up the attempts of one erasure', async () => {
  const server = await startServer();
  const store = memoryJournal();
  let slow = 0;
  const { commit } = store;
  Object.assign(store, {
    async commit(...args: Parameters<typeof commit>) {
      if (slow) await delay(slow);
      return commit(...args);
    },
  });
  let attempts = 0;
  const { client, manager } = clientOf(
    server,
    {
      confirm: { ...quick, within: 2_000, unconfirmed: 'resend' },
      async fetch(url, init) {
        if (init?.method !== 'DELETE') return fetch(url, init);
        attempts += 1;
        return attempts === 1 ? new Response('', { status: 503 }) : fetch(url, init);
      },
    },
    { ...calm, store, retry: { retries: 2 } },
  );
  server.fault({ kind: 'dead_worker' });
  await client.addMessages('g', [said('erased')]);
  slow = 1_300;
  server.fault({ kind: 'reset', applied: true, count: 1, match: { path: '/group' } });
  await expect(client.deleteGroup('g', { confirm: 'g' })).rejects.toMatchObject(unknown);
  expect(attempts).toBe(2);
  slow = 0;
  server.restart();
  await delay(3_500);
  expect(taken(server)).toEqual(['erased']);
  expect(manager.queue.list()).toMatchObject([{ state: 'unconfirmed' }]);
});

test('nothing is cleared while a message is on its way', async () => {
  const { server, client } = await setUp();
  server.fault({ kind: 'slow', ms: 300, match: { path: '/messages' } });
  const adding = client.addMessages('g', [said('one')]);
  await expect.poll(() => server.received({ path: '/messages' }), soon).toHaveLength(1);
  const refused = { code: 'FALLBACK_UNAVAILABLE', status: 503 };
  await expect(client.clear({ confirm: 'CLEAR ALL' })).rejects.toMatchObject(refused);
  expect((await adding).outcome).toBe('accepted');
});

test('nothing is erased while the store is not open: what it holds would be sent afterwards', async () => {
  const server = await startServer();
  const store = Object.assign(memoryJournal(), { close: async () => {} });
  const first = clientOf(server, resend, { store });
  server.fault({ kind: 'dead_worker' });
  await first.client.addMessages('g', [said('erased')]);
  await first.manager.close();
  server.restart();
  const { open } = store;
  let go = () => {};
  const late = new Promise<void>((resolve) => (go = resolve));
  Object.assign(store, {
    async open(...identity: Parameters<typeof open>) {
      await late;
      return open(...identity);
    },
  });
  const { client, manager } = clientOf(server, resend, { store });
  const refused = { code: 'FALLBACK_UNAVAILABLE', status: 503 };
  const erasures = [
    client.clear({ confirm: 'CLEAR ALL' }),
    client.deleteGroup('g', { confirm: 'g' }),
  ];
  await Promise.all(erasures.map((each) => expect(each).rejects.toMatchObject(refused)));
  expect(server.received({ path: '/clear' })).toEqual([]);
  go();
  await expect.poll(() => manager.queue.opened, soon).toBe(true);
  await client.clear({ confirm: 'CLEAR ALL' });
  await delay(600);
  expect([taken(server), manager.queue.list()]).toEqual([['erased'], []]);
});

test('what a person has had sent again while its group was erased is sent', async () => {
  const { server, client, manager } = await setUp({ confirm: { ...quick, within: 100 } });
  server.fault({ kind: 'dead_worker' });
  await client.addMessages('g', [said('wanted')]);
  server.fault({ kind: 'slow', ms: 300, match: { path: '/group' } });
  const deleting = client.deleteGroup('g', { confirm: 'g' });
  await expect.poll(() => server.received({ path: '/group' }), soon).toHaveLength(1);
  const [{ id = '' } = {}] = manager.queue.list();
  expect(await manager.queue.decide(id, 'retry')).toBe(true);
  expect((await deleting).outcome).toBe('applied');
  server.restart();
  await expect.poll(() => stored(server), soon).toEqual(['wanted']);
});

test('a slow store does not make unknown that an erasure has happened', async () => {
  const server = await startServer();
  const store = memoryJournal();
  const { commit } = store;
  let slow = 0;
  Object.assign(store, {
    async commit(...args: Parameters<typeof commit>) {
      if (slow) await delay(slow);
      return commit(...args);
    },
  });
  const { client, manager } = clientOf(server, { confirm: { interval: 60_000 } }, { store });
  await client.addMessages('g', [said('erased')]);
  await manager.storeEntity({ type: 'entity_node', id: 'n', group_id: 'g', name: 'Ann' });
  slow = 900;
  const erased = await client.deleteGroup('g', { confirm: 'g', timeoutMs: 1_500 });
  expect(erased).toMatchObject({ outcome: 'applied' });
  expect([manager.queue.list(), await manager.listEntities('entity_node')]).toEqual([[], []]);
});

test('an erasure that worked ends a stall: nobody waits any more for what was lost', async () => {
  const { server, client } = await setUp({ confirm: { ...quick, within: 200 } });
  server.fault({ kind: 'dead_worker' });
  await client.addMessages('g', [said('one')]);
  await expect.poll(() => client.health().state, soon).toBe('ingest_stalled');
  await client.clear({ confirm: 'CLEAR ALL' });
  expect(client.health().state).toBe('live');
});

test('what is said right after a group was to be erased comes after it', async () => {
  const { server, client, manager } = await setUp({ confirm: quick });
  await manager.open();
  server.fault({ kind: 'slow', ms: 100, match: { path: '/group' } });
  await Promise.all([
    client.deleteGroup('g', { confirm: 'g' }),
    client.addMessages('g', [said('new')]),
  ]);
  expect(server.received({ method: 'DELETE' })[0]?.at).toBeLessThan(
    server.received({ path: '/messages' })[0]?.at ?? 0,
  );
  await expect.poll(() => stored(server), soon).toEqual(['new']);
});

test('what is acknowledged while the store is slow is no live write any more: it is erased whole', async () => {
  const server = await startServer();
  const store = memoryJournal();
  const { commit } = store;
  Object.assign(store, {
    async commit(...args: Parameters<typeof commit>) {
      if (JSON.stringify(args[0]).includes('"acceptedAt"')) await delay(2_500);
      return commit(...args);
    },
  });
  const { client, manager } = clientOf(server, { confirm: quick }, { store });
  await manager.open();
  server.fault({ kind: 'dead_worker' });
  const adding = client.addMessages('g', [said('erased')]);
  await expect
    .poll(() => manager.queue.list().map(({ state }) => state), soon)
    .toEqual(['accepted']);
  expect(await client.clear({ confirm: 'CLEAR ALL' })).toMatchObject({ outcome: 'applied' });
  await adding;
  expect(manager.queue.list()).toEqual([]);
});
