import { expect, test } from 'vitest';
import { json, testClient, testServer } from './server.test.support.ts';

const { signal } = new AbortController();

test('nothing proves that Graphiti works before a group is known, and no group is made up', async () => {
  const server = await testServer(json(200, []));
  const { upstream, client } = testClient({ url: server.url });
  const [episodes, liveness, search] = upstream.checkers;
  expect(episodes?.applies?.()).toBe(false);
  expect(search?.applies?.()).toBe(false);
  expect(liveness).toMatchObject({ proves: false });
  expect(liveness?.applies?.() ?? true).toBe(true);
  await client.getEpisodes('g-1', 5);
  expect(episodes?.applies?.()).toBe(true);
  expect(await episodes?.check({ signal })).toBe('healthy');
  expect(server.received.at(-1)).toMatchObject({
    method: 'GET',
    url: '/episodes/g-1?last_n=1',
  });
});

test.each([
  [json(500, {}), 'unhealthy'],
  [json(503, {}), 'unhealthy'],
  [json(200, '<html>'), 'unhealthy'],
  [json(401, {}), 'degraded'],
  [json(429, {}), 'degraded'],
])('what says nothing about the upstream is no outage: %#', async (answer, status) => {
  const server = await testServer(answer);
  const { upstream } = testClient({ url: server.url });
  const [, liveness] = upstream.checkers;
  expect(await liveness?.check({ signal })).toBe(status);
});

test('a search is tried when the last one failed, with the smallest question there is', async () => {
  const server = await testServer(json(200, { facts: [] }));
  const { upstream, client } = testClient({ url: server.url });
  const [, , search] = upstream.checkers;
  expect(search).toMatchObject({ name: 'search', breaker: 'graphiti.search' });
  await client.search({ query: 'q', group_ids: ['g'] });
  expect(search?.applies?.()).toBe(false);
  server.answer = json(500, {});
  await client.search({ query: 'q', group_ids: ['g'] });
  expect(search?.applies?.()).toBe(true);
  expect(await search?.check({ signal })).toBe('unhealthy');
  server.answer = json(200, { facts: [] });
  expect(await search?.check({ signal })).toBe('healthy');
  expect(search?.applies?.()).toBe(false);
  expect(server.received.at(-1)).toMatchObject({
    url: '/search',
    body: { query: 'probe', group_ids: ['g'], max_facts: 1 },
  });
});
