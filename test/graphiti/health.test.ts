import { expect, test } from 'vitest';
import { atHand, outage, said, setUp, soon } from './subject.ts';

const checks = { health: { interval: 50 } };

test('with nothing wrong Graphiti is live', async () => {
  const { client } = await setUp();
  expect(client.health()).toEqual({
    state: 'live',
    down: false,
    searchDegraded: false,
    ingestStalled: false,
  });
});

test('a dead embedder degrades searches only: messages are taken and read live, nothing is queued', async () => {
  const { server, client, manager } = await setUp();
  await client.addMessages('g', [said('Tea is hot.')]);
  await server.ingested();
  const memory = { group_id: 'g', messages: [said('tea')] };
  await client.getMemory(memory);
  for (const path of ['/search', '/get-memory']) server.fault({ kind: 'error', match: { path } });
  while (client.health().state !== 'search_degraded')
    await atHand(client.search({ query: 'tea', group_ids: ['g'] }));
  expect(await client.getMemory.detailed(memory)).toMatchObject({ outcome: 'stale' });
  expect(await client.getEpisodes.detailed('g', 1)).toMatchObject({ outcome: 'live' });
  await client.addMessages('g', [said('Milk is cold.')]);
  expect(manager.status().queue.states.ready).toBe(0);
  expect([manager.active, manager.mode]).toEqual([false, 'none']);
  expect(Object.keys(manager.status().breakers).sort()).toEqual(['graphiti', 'graphiti.search']);
});

test('searches have an outage of their own, which a probe ends without a call', async () => {
  const { server, client, manager } = await setUp({}, checks);
  const outages: string[] = [];
  manager.on('activated', ({ breaker }) => outages.push(`${breaker} began`));
  manager.on('deactivated', ({ breaker }) => outages.push(`${breaker} ended`));
  await client.addMessages('g', [said('Tea is hot.')]);
  const clear = server.fault({ kind: 'error', match: { path: '/search' } });
  while (client.health().state !== 'search_degraded')
    await atHand(client.search({ query: 'tea', group_ids: ['g'] }));
  const before = server.received({ path: '/search' }).length;
  await expect
    .poll(() => server.received({ path: '/search' }).length, soon)
    .toBeGreaterThan(before);
  expect(client.health().state).toBe('search_degraded');
  await clear();
  await expect.poll(() => client.health().state, soon).toBe('live');
  expect(server.received({ path: '/search' }).at(-1)?.body).toEqual({
    query: 'probe',
    group_ids: ['g'],
    max_facts: 1,
  });
  expect(outages).toEqual(['graphiti.search began', 'graphiti.search ended']);
});

test('while searches work nobody pays for a probe', async () => {
  const { server, client, manager } = await setUp({}, checks);
  await client.search({ query: 'tea', group_ids: ['g'] });
  const episodes = () => server.received({ path: '/episodes' }).length;
  await expect.poll(episodes, soon).toBeGreaterThan(3);
  expect(server.received({ path: '/search' })).toHaveLength(1);
  expect(manager.health.upstream).toBe('healthy');
});

test('Graphiti that refuses connections is down', async () => {
  const { server, client, manager } = await setUp();
  server.fault({ kind: 'refuse' });
  await outage(manager, client);
  expect(client.health()).toMatchObject({ state: 'down', down: true });
});

test('a database that is gone is found by reading, though messages are still taken and it says that it is healthy', async () => {
  const { server, client } = await setUp({}, checks);
  await client.addMessages('g', [said('Tea is hot.')]);
  server.fault({ kind: 'error', match: { path: '/episodes' } });
  await expect.poll(() => client.health().state, soon).toBe('down');
  expect(await client.healthcheck()).toEqual({ status: 'healthy' });
});

test('the healthcheck may only fail: where it does, Graphiti is down, though it is asked nothing else', async () => {
  const { server, client } = await setUp({}, checks);
  await client.healthcheck();
  server.fault({ kind: 'error', match: { path: '/healthcheck' } });
  await client.getEpisodes('g', 1);
  await expect.poll(() => client.health().state, soon).toBe('down');
});

test('no check makes a group, and none is read before one is known', async () => {
  const { server, client, manager } = await setUp({}, checks);
  await manager.open();
  await expect
    .poll(() => server.received({ path: '/healthcheck' }).length, soon)
    .toBeGreaterThan(2);
  expect(server.received().every(({ path }) => path === '/healthcheck')).toBe(true);
  await client.getEpisodes('unknown', 1);
  const asked = () => server.received({ path: '/episodes/unknown' }).length;
  await expect.poll(asked, soon).toBeGreaterThan(2);
  expect(server.state().groups).toEqual({});
});

test('searches that were set apart by hand are tried again without a call', async () => {
  const { server, client, manager } = await setUp({}, checks);
  await client.search({ query: 'tea', group_ids: ['g'] });
  await manager.activate('read_only');
  expect(client.health()).toMatchObject({ state: 'down', searchDegraded: true });
  await manager.deactivate();
  await expect.poll(() => client.health().state, soon).toBe('live');
  expect(server.received({ path: '/search' })).toHaveLength(2);
});
