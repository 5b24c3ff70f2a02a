import { FallbackManager, type FallbackManagerOptions } from '@graphiti-fallback/core';
import { type Fact, type GraphitiClient, graphitiUpstream } from '@graphiti-fallback/graphiti';
import { type GraphitiServer, graphitiServer } from '@graphiti-fallback/testing';
import { expect, onTestFinished, test } from 'vitest';

const said = (content: string) => ({ role_type: 'user', role: 'ann', content }) as const;
const wait = { timeout: 8_000 };

async function setUp(
  options: Partial<FallbackManagerOptions> & {
    reconcileFor?: number;
    messageTimeoutMs?: number;
  } = {},
) {
  const { reconcileFor, messageTimeoutMs, ...managed } = options;
  const server = await graphitiServer();
  const upstream = graphitiUpstream({
    url: server.url,
    ...(reconcileFor !== undefined && { reconcileFor }),
    ...(messageTimeoutMs !== undefined && { messageTimeoutMs }),
  });
  const manager = new FallbackManager({
    name: 'graphiti',
    application: 'graphiti-test',
    upstream: upstream.url,
    logger: false,
    recoveryRamp: 0,
    retry: { retries: 0 },
    breaker: { failureThreshold: 2, successThreshold: 1, openFor: 100 },
    random: () => 0,
    ...managed,
  });
  onTestFinished(async () => {
    await manager.close();
    await server.close();
  });
  return { server, manager, client: upstream.client(manager), upstream };
}

const contents = (server: GraphitiServer, group = 'g') =>
  server.messages(group).map(({ content }) => content);

/** Facts of a group, one for each text. */
async function remembered(server: GraphitiServer, client: GraphitiClient, ...texts: string[]) {
  await client.addMessages('g', texts.map(said));
  await server.ingested();
  return server.facts('g') as [Fact, Fact, ...Fact[]];
}

test('what was said is read and found, live', async () => {
  const { server, client } = await setUp();
  const receipt = await client.addMessages('g', [said('Tea is hot.'), said('Milk is cold.')]);
  expect(receipt).toMatchObject({ outcome: 'applied', value: { success: true } });
  await server.ingested();
  const episodes = await client.getEpisodes.detailed('g', 10);
  expect(episodes.outcome).toBe('live');
  expect(episodes.value.map(({ content }) => content)).toEqual([
    'ann(user): Tea is hot.',
    'ann(user): Milk is cold.',
  ]);
  const { facts } = await client.search({ query: 'tea', group_ids: ['g'], max_facts: 1 });
  expect(facts.map(({ fact }) => fact)).toEqual(['Tea is hot.']);
  await client.addEntityNode({ uuid: 'n', group_id: 'g', name: 'Ann' });
  expect(server.nodes('g')).toMatchObject([{ uuid: 'n', name: 'Ann', summary: '' }]);
  expect(await client.healthcheck()).toEqual({ status: 'healthy' });
});

test('the memory of a conversation is asked with the keys that Graphiti wants', async () => {
  const { server, client } = await setUp();
  await client.addMessages('g', [said('Tea is hot.'), said('Milk is cold.')]);
  await client.addMessages('other', [said('Tea is green.')]);
  await server.ingested();
  const messages = [{ role_type: 'user', content: 'How is the tea?' }] as const;
  const { outcome, value } = await client.getMemory.detailed({ group_id: 'g', messages });
  expect(outcome).toBe('live');
  expect(value.facts.map(({ fact }) => fact)).toEqual(['Tea is hot.']);
  expect(server.received({ path: '/get-memory' })[0]?.body).toEqual({
    group_id: 'g',
    messages: [{ role_type: 'user', role: null, content: 'How is the tea?' }],
    max_facts: 10,
    center_node_uuid: null,
  });
  expect(await client.getMemory({ group_id: 'g', messages, max_facts: 1 })).toEqual(value);
});

test('what Graphiti does not ask with makes no other question of memory', async () => {
  const { server, client } = await setUp();
  const hi = said('hi');
  await client.getMemory({ group_id: 'g', messages: [{ ...hi, uuid: 'u' }] });
  server.fault({ kind: 'refuse' });
  const timed = { ...hi, timestamp: '2026-01-31T12:00:00Z', name: 'n', source_description: 's' };
  const same = { group_id: 'g', messages: [timed], max_facts: 10 };
  expect(await client.getMemory.detailed(same)).toMatchObject({ outcome: 'stale' });
  for (const other of [
    { group_id: 'h' },
    { max_facts: 9 },
    { messages: [said('ho')] },
    { messages: [{ ...hi, role: 'bob' }] },
    { messages: [{ ...hi, role_type: 'system' as const }] },
    { messages: [hi, hi] },
  ])
    await expect(client.getMemory({ ...same, ...other })).rejects.toMatchObject({
      code: 'FALLBACK_UNAVAILABLE',
    });
  await expect(client.getMemory(same, { maxStaleMs: -1 })).rejects.toMatchObject({
    code: 'FALLBACK_UNAVAILABLE',
  });
});

test('a fact is read by its uuid, live and stale; once Graphiti says it is gone, it is', async () => {
  const { server, client } = await setUp();
  const [fact, other] = await remembered(server, client, 'Tea is hot.', 'Milk is cold.');
  expect(await client.getEntityEdge(fact.uuid)).toEqual(fact);
  expect((await client.getEntityEdge.detailed(other.uuid)).outcome).toBe('live');
  server.fault({ kind: 'unavailable', count: 1 });
  expect(await client.getEntityEdge.detailed(fact.uuid)).toMatchObject({
    outcome: 'stale',
    value: fact,
  });
  await fetch(`${server.url}/entity-edge/${fact.uuid}`, { method: 'DELETE' });
  await expect(client.getEntityEdge(fact.uuid)).rejects.toMatchObject({
    name: 'GraphitiError',
    status: 404,
    detail: `edge ${fact.uuid} not found`,
  });
  server.fault({ kind: 'refuse' });
  await expect(client.getEntityEdge(fact.uuid)).rejects.toMatchObject({
    code: 'FALLBACK_UNAVAILABLE',
  });
  expect(await client.getEntityEdge(other.uuid)).toEqual(other);
});

test('an outage: stale reads, queued writes, replayed in order and dated when they were said', async () => {
  const { server, client, manager } = await setUp();
  await client.addMessages('g', [said('before')]);
  await server.ingested();
  const live = await client.getEpisodes('g', 5);
  server.fault({ kind: 'refuse' });

  const stale = await client.getEpisodes.detailed('g', 5);
  expect(stale).toMatchObject({ outcome: 'stale', value: live });
  await expect(client.search({ query: 'never asked' })).rejects.toMatchObject({
    code: 'FALLBACK_UNAVAILABLE',
  });
  const during = Date.now();
  const receipt = await client.addMessages('g', [said('one'), said('two')]);
  expect(receipt).toMatchObject({ outcome: 'queued', operations: { length: 2 } });
  await client.addMessages('other', [said('elsewhere')]);
  await client.addEntityNode({ uuid: 'n', group_id: 'g', name: 'Ann', summary: 'sum' });
  await client.addMessages('g', [said('three')]);
  expect((await client.getEpisodes.detailed('g', 5)).pending).toBe(4);

  await new Promise((resolve) => setTimeout(resolve, 50));
  await server.heal();
  await expect.poll(() => manager.status().queue.replayed, wait).toBe(5);
  expect(contents(server)).toEqual(['before', 'one', 'two', 'three']);
  expect(contents(server, 'other')).toEqual(['elsewhere']);
  expect(server.nodes('g')).toMatchObject([{ uuid: 'n', summary: 'sum' }]);
  await server.ingested();
  const saidAt = server.episodes('g').map(({ valid_at }) => valid_at);
  expect(saidAt.toSorted()).toEqual(saidAt);
  for (const at of saidAt.slice(1)) expect(Math.abs(Date.parse(at) - during)).toBeLessThan(40);
});

test.each(['hang', 'reset', 'error'] as const)(
  'a message that arrived before the %s is found, and not sent twice',
  async (kind) => {
    const { server, client, manager } = await setUp({ messageTimeoutMs: 100 });
    const clear = server.fault({ kind, applied: true, count: 1, match: { path: '/messages' } });
    const receipt = await client.addMessages('g', [said('once'), said('after')]);
    expect(receipt).toMatchObject({ outcome: 'queued', operations: { length: 2 } });
    await clear();
    await expect.poll(() => manager.status().queue.replayed, wait).toBe(2);
    expect(contents(server)).toEqual(['once', 'after']);
    expect(server.received({ method: 'GET', path: '/episodes/g' })[0]?.query).toMatchObject({
      last_n: '100',
    });
  },
);

test('a message that did not arrive is sent again once it can no longer be on its way', async () => {
  const { server, client, manager } = await setUp({ reconcileFor: 50 });
  server.fault({ kind: 'reset', count: 1, match: { path: '/messages' } });
  expect(await client.addMessages('g', [said('once')])).toMatchObject({ outcome: 'queued' });
  await expect.poll(() => manager.status().queue.replayed, wait).toBe(1);
  expect(contents(server)).toEqual(['once']);
  const [first, second] = server.received({ path: '/messages' });
  expect(second?.body).toEqual(first?.body);
});

test("a caller's name that repeats is not taken for proof; with the kit's time and the text it is", async () => {
  const { server, client, manager } = await setUp({ reconcileFor: 50 });
  const chat = (content: string) => ({ ...said(content), name: 'chat' });
  await client.addMessages('g', [chat('ok')]);
  server.fault({ kind: 'reset', count: 1, match: { path: '/messages' } });
  await client.addMessages('g', [chat('ok')]);
  await expect.poll(() => manager.status().queue.replayed, wait).toBe(1);
  expect(contents(server)).toEqual(['ok', 'ok']);
  server.fault({ kind: 'reset', applied: true, count: 1, match: { path: '/messages' } });
  await client.addMessages('g', [chat('bye')]);
  await expect.poll(() => manager.status().queue.replayed, wait).toBe(2);
  expect(contents(server)).toEqual(['ok', 'ok', 'bye']);
});

test("with the caller's name and time an equal message is not taken for this one: none is lost", async () => {
  const { server, client, manager } = await setUp({ reconcileFor: 50 });
  const same = { ...said('ok'), name: 'log', timestamp: '2026-01-31T12:00:00Z' };
  await client.addMessages('g', [same]);
  await server.ingested();
  server.fault({ kind: 'reset', count: 1, match: { path: '/messages' } });
  await client.addMessages('g', [same]);
  await expect.poll(() => manager.status().queue.replayed, wait).toBe(1);
  expect(contents(server)).toEqual(['ok', 'ok']);
});

test('an entity node whose outcome is unknown is sent again: it is an upsert', async () => {
  const { server, client, manager } = await setUp();
  server.fault({ kind: 'error', applied: true, count: 1 });
  const node = { uuid: 'n', group_id: 'g', name: 'Ann' };
  expect(await client.addEntityNode(node)).toMatchObject({ outcome: 'queued' });
  await expect.poll(() => manager.status().queue.replayed, wait).toBe(1);
  expect(server.received({ path: '/entity-node' })).toHaveLength(2);
  expect(server.nodes('g')).toHaveLength(1);
});

test('throttled writes are queued, and replayed no sooner than Graphiti says; that is no outage', async () => {
  const { server, client, manager } = await setUp();
  server.fault({ kind: 'throttle', retryAfter: 1, count: 2 });
  expect(await client.addMessages('g', [said('one')])).toMatchObject({ outcome: 'queued' });
  await expect.poll(() => manager.status().queue.replayed, wait).toBe(1);
  expect(manager.active).toBe(false);
  expect(contents(server)).toEqual(['one']);
  const [, replay, again] = server.received({ path: '/messages' });
  expect(Number(again?.at) - Number(replay?.at)).toBeGreaterThanOrEqual(950);
});

test('503 queues a write and serves a stale read; 500 does the same for the read', async () => {
  const { server, client } = await setUp();
  await client.search({ query: 'q' });
  for (const kind of ['unavailable', 'error'] as const) {
    server.fault({ kind, count: 1 });
    expect((await client.search.detailed({ query: 'q' })).outcome).toBe('stale');
    await client.search({ query: 'q' });
  }
  server.fault({ kind: 'unavailable', count: 1 });
  expect(await client.addMessages('g', [said('one')])).toMatchObject({ outcome: 'queued' });
});

test("what the caller got wrong passes through, with Graphiti's words, and is not queued", async () => {
  const server = await graphitiServer();
  onTestFinished(() => server.close());
  // A text where Graphiti wants a number: what a newer Graphiti may refuse is refused like this.
  const breaks: typeof fetch = (url, init) =>
    fetch(url, { ...init, body: String(init?.body).replaceAll('"role_type":"user"', '"x":1') });
  const upstream = graphitiUpstream({ url: server.url, fetch: breaks });
  const manager = new FallbackManager({ name: 'graphiti', upstream: upstream.url, logger: false });
  onTestFinished(() => manager.close());
  const client = upstream.client(manager);
  await expect(client.addMessages('g', [said('one')])).rejects.toMatchObject({
    name: 'GraphitiError',
    status: 422,
    detail: [{ type: 'missing', loc: ['body', 'messages', 0, 'role_type'] }],
  });
  expect(manager.queue.list()).toEqual([]);
  expect(manager.active).toBe(false);
  expect(server.messages()).toEqual([]);
});

test('a 404 of a wrong address passes through', async () => {
  const server = await graphitiServer();
  onTestFinished(() => server.close());
  const upstream = graphitiUpstream({ url: `${server.url}/nowhere` });
  const manager = new FallbackManager({ name: 'graphiti', upstream: upstream.url, logger: false });
  onTestFinished(() => manager.close());
  await expect(upstream.client(manager).search({ query: 'q' })).rejects.toMatchObject({
    status: 404,
    upstreamStatus: 404,
  });
});

test('invalid input never reaches Graphiti', async () => {
  const { server, client, manager } = await setUp();
  const poison = { ...said('x'), uuid: 'u' };
  const calls = [
    () => client.search({ query: '' }),
    () => client.search.detailed({ query: 'q', group_ids: ['a b'] }),
    () => client.getEpisodes('g', 0),
    () => client.getEpisodes.detailed('g/h', 1),
    () => client.addMessages('g', [said('fine'), poison as never]),
    () => client.addMessages('a b', [said('x')]),
    () => client.addMessages('g', []),
    () => client.addEntityNode({ uuid: 'n', group_id: 'ä', name: 'Ann' }),
    () => client.getMemory({ group_id: 'g', messages: [] }),
    () => client.getMemory.detailed({ group_id: 'a b', messages: [said('x')] }),
    () => client.getMemory({ group_id: 'g', messages: [said('x')], max_facts: 0 }),
    () => client.getEntityEdge(''),
    () => client.getEntityEdge.detailed('..'),
  ];
  for (const call of calls)
    await expect(call()).rejects.toMatchObject({ code: 'FALLBACK_INVALID_INPUT', status: 400 });
  expect(server.received()).toEqual([]);
  expect(manager.queue.list()).toEqual([]);
});

test('the health check of the group used last ends an outage without a call', async () => {
  const server = await graphitiServer();
  onTestFinished(() => server.close());
  const upstream = graphitiUpstream({ url: server.url });
  const manager = new FallbackManager({
    name: 'graphiti',
    upstream: upstream.url,
    logger: false,
    retry: { retries: 0 },
    breaker: { failureThreshold: 1, successThreshold: 1, openFor: 50 },
    health: { checks: upstream.checkers, interval: 0 },
  });
  onTestFinished(() => manager.close());
  const client = upstream.client(manager);
  await client.getEpisodes('g', 5);
  server.fault({ kind: 'unavailable', count: 1 });
  await client.getEpisodes('g', 5);
  expect(manager.active).toBe(true);
  await expect.poll(() => manager.active, wait).toBe(false);
  expect(server.received({ path: '/episodes/g' }).at(-1)?.query).toMatchObject({ last_n: '1' });
  expect(server.state().groups).toEqual({});
});
