import {
  FallbackManager,
  type FallbackManagerOptions,
  isFallbackError,
  memoryJournal,
} from '@graphiti-fallback/core';
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

/** Whether there is an answer while Graphiti is down. */
async function atHand(answer: Promise<unknown>): Promise<boolean> {
  try {
    await answer;
    return true;
  } catch (error) {
    if (isFallbackError(error, 'FALLBACK_UNAVAILABLE')) return false;
    throw error;
  }
}

/** Graphiti does not answer, and the breaker knows it. */
async function outage(manager: FallbackManager, client: GraphitiClient): Promise<void> {
  while (!manager.active) await atHand(client.getEpisodes('nobody', 1));
}

test('what was said is read and found, live', async () => {
  const { server, client } = await setUp();
  const receipt = await client.addMessages('g', [said('Tea is hot.'), said('Milk is cold.')]);
  expect(receipt).toMatchObject({ outcome: 'accepted', durability: 'memory' });
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

test('an entity of type entity_node is added to Graphiti, in an outage later, and is kept here', async () => {
  const { server, client, manager } = await setUp();
  const ann = { type: 'entity_node', id: 'ann', group_id: 'g', name: 'Ann', summary: 'drinks tea' };
  expect(await manager.storeEntity(ann)).toMatchObject({
    outcome: 'applied',
    value: { uuid: 'ann', name: 'Ann' },
  });
  server.fault({ kind: 'refuse' });
  await outage(manager, client);
  const ben = { type: 'entity_node', id: 'ben', group_id: 'h', name: 'Ben' };
  expect(await manager.storeEntity(ben)).toMatchObject({ outcome: 'queued' });
  expect(await manager.listEntities('entity_node')).toEqual([ann, ben]);
  await server.heal();
  await expect.poll(() => server.nodes('h').map(({ name }) => name), wait).toEqual(['Ben']);
  expect(server.nodes('g')).toMatchObject([{ uuid: 'ann', summary: 'drinks tea' }]);
  const wrong = manager.storeEntity({ type: 'entity_node', id: 'no', name: 'No group' });
  await expect(wrong).rejects.toMatchObject({ code: 'FALLBACK_INVALID_INPUT' });

  await expect.poll(() => [manager.active, manager.status().queue.size], wait).toEqual([false, 0]);
  await client.deleteGroup('g', { confirm: 'g' });
  expect(await manager.listEntities('entity_node')).toEqual([ben]);
  await client.clear({ confirm: 'CLEAR ALL' });
  expect(await manager.listEntities('entity_node')).toEqual([]);
});

test('a fact is deleted, and every answer that it is part of; a second time it is not there', async () => {
  const { server, client } = await setUp();
  const [tea, milk] = await remembered(server, client, 'Tea is hot.', 'Milk is cold.');
  const reads = [
    () => client.search({ query: 'tea' }),
    () => client.search({ query: 'hot', group_ids: ['g'] }),
    () => client.getMemory({ group_id: 'g', messages: [said('Tea?')] }),
    () => client.getEntityEdge(tea.uuid),
  ];
  const others = [
    () => client.search({ query: 'milk' }),
    () => client.getEntityEdge(milk.uuid),
    () => client.getEpisodes('g', 5),
  ];
  for (const read of [...reads, ...others]) await read();
  expect(await client.deleteEntityEdge(tea.uuid, { groupId: 'g' })).toEqual({
    outcome: 'applied',
    value: { message: 'Entity Edge deleted', success: true },
  });
  expect(server.facts('g').map(({ fact }) => fact)).toEqual(['Milk is cold.']);
  for (const options of [{ groupId: 'g' }, {}])
    await expect(client.deleteEntityEdge(tea.uuid, options)).rejects.toMatchObject({
      name: 'GraphitiError',
      status: 404,
    });
  server.fault({ kind: 'refuse' });
  for (const read of reads) expect(await atHand(read())).toBe(false);
  for (const read of others) expect(await atHand(read())).toBe(true);
});

test('a message is deleted, and every answer that it is in or has stated a fact of', async () => {
  const { server, client } = await setUp();
  const [tea, milk] = await remembered(server, client, 'Tea is hot.', 'Milk is cold.');
  const [first, second] = await client.getEpisodes('g', 2);
  const reads = [
    () => client.getEpisodes('g', 2),
    () => client.search({ query: 'tea' }),
    () => client.getEntityEdge(tea.uuid),
  ];
  const others = [
    () => client.getEpisodes('g', 1),
    () => client.search({ query: 'milk', group_ids: ['g'] }),
    () => client.getEntityEdge(milk.uuid),
  ];
  for (const read of [...reads, ...others]) await read();
  expect(await client.deleteEpisode(String(first?.uuid))).toMatchObject({ outcome: 'applied' });
  expect(server.episodes('g').map(({ uuid }) => uuid)).toEqual([second?.uuid]);
  await expect(client.deleteEpisode(String(first?.uuid))).rejects.toMatchObject({ status: 404 });
  server.fault({ kind: 'refuse' });
  for (const read of reads) expect(await atHand(read())).toBe(false);
  for (const read of others) expect(await atHand(read())).toBe(true);
});

test("a deletion that knows its group is queued in the group's order, and takes effect when it is replayed", async () => {
  const { server, client, manager } = await setUp();
  const [, milk] = await remembered(server, client, 'Tea is hot.', 'Milk is cold.');
  const [episode] = await client.getEpisodes('g', 2);
  await client.search({ query: 'hot or cold' });
  server.fault({ kind: 'refuse' });
  await outage(manager, client);
  await client.addMessages('g', [said('one')]);
  const inGroup = { groupId: 'g' };
  expect(await client.deleteEntityEdge(milk.uuid, inGroup)).toMatchObject({ outcome: 'queued' });
  expect(await client.deleteEpisode(String(episode?.uuid), inGroup)).toMatchObject({
    outcome: 'queued',
  });
  await client.addMessages('g', [said('two')]);
  expect(new Set(manager.queue.list().map(({ lane }) => lane))).toEqual(new Set(['group:g']));
  expect(await client.search.detailed({ query: 'hot or cold' })).toMatchObject({
    outcome: 'stale',
    value: { facts: [] },
    pending: 2,
  });
  await server.heal();
  await expect.poll(() => manager.status().queue.replayed, wait).toBe(4);
  const writes = server
    .received()
    .filter(({ method, path }) => method !== 'GET' && path !== '/search');
  expect(writes.slice(2).map(({ method, path }) => `${method} ${path}`)).toEqual([
    'POST /messages',
    `DELETE /entity-edge/${milk.uuid}`,
    `DELETE /episode/${episode?.uuid}`,
    'POST /messages',
  ]);
  server.fault({ kind: 'refuse' });
  expect(await atHand(client.search({ query: 'hot or cold' }))).toBe(false);
});

test('a queued deletion of what is gone by then has done its work', async () => {
  const { server, client, manager } = await setUp();
  const [fact] = await remembered(server, client, 'Tea is hot.');
  await client.search({ query: 'tea' });
  server.fault({ kind: 'unavailable', count: 1 });
  expect(await client.deleteEntityEdge(fact.uuid, { groupId: 'g' })).toMatchObject({
    outcome: 'queued',
  });
  await fetch(`${server.url}/entity-edge/${fact.uuid}`, { method: 'DELETE' });
  await expect.poll(() => manager.status().queue.replayed, wait).toBe(1);
  expect(manager.status().queue.size).toBe(0);
  server.fault({ kind: 'refuse' });
  expect(await atHand(client.search({ query: 'tea' }))).toBe(false);
});

test('a deletion that knows no group is refused while Graphiti is down, and never queued', async () => {
  const { server, client, manager } = await setUp({ breaker: { failureThreshold: 2 } });
  server.fault({ kind: 'refuse' });
  await outage(manager, client);
  for (const call of [client.deleteEntityEdge, client.deleteEpisode])
    await expect(call('u')).rejects.toMatchObject({ code: 'FALLBACK_UNAVAILABLE', status: 503 });
  expect(manager.queue.list()).toEqual([]);
});

test('a group is erased, live only, and every answer that may be of it', async () => {
  const { server, client, upstream } = await setUp();
  const [fact] = await remembered(server, client, 'Tea is hot.');
  await client.addMessages('other', [said('Tea is green.')]);
  await server.ingested();
  const reads = [
    () => client.search({ query: 'tea' }),
    () => client.search({ query: 'tea', group_ids: [] }),
    () => client.getEntityEdge(fact.uuid),
    () => client.search({ query: 'tea', group_ids: ['g', 'other'] }),
    () => client.getMemory({ group_id: 'g', messages: [said('Tea?')] }),
    () => client.getEpisodes('g', 5),
  ];
  const others = [
    () => client.search({ query: 'tea', group_ids: ['other'] }),
    () => client.getEpisodes('other', 5),
  ];
  for (const read of [...others, ...reads]) await read();
  expect(upstream.checkers[0]?.applies?.()).toBe(true);
  expect(await client.deleteGroup('g', { confirm: 'g' })).toMatchObject({
    outcome: 'applied',
    value: { success: true },
  });
  expect(Object.keys(server.state().groups)).toEqual(['other']);
  // The health check must not make the group again.
  expect(upstream.checkers[0]?.applies?.()).toBe(false);
  expect(await client.deleteGroup('g', { confirm: 'g' })).toMatchObject({ outcome: 'applied' });
  server.fault({ kind: 'refuse' });
  for (const read of reads) expect(await atHand(read())).toBe(false);
  for (const read of others) expect(await atHand(read())).toBe(true);
});

test('a group is not erased while its lane holds queued writes; another one is', async () => {
  const { server, client, manager } = await setUp();
  server.fault({ kind: 'throttle', retryAfter: 60, match: { path: '/messages' } });
  expect(await client.addMessages('g', [said('one')])).toMatchObject({ outcome: 'queued' });
  await expect(client.deleteGroup('g', { confirm: 'g' })).rejects.toMatchObject({
    code: 'FALLBACK_UNAVAILABLE',
    status: 503,
  });
  expect(server.received({ path: '/group' })).toEqual([]);
  expect(await client.deleteGroup('h', { confirm: 'h' })).toMatchObject({ outcome: 'applied' });
  expect(manager.queue.list()).toHaveLength(1);
});

test('erasures are refused while Graphiti is down, and never queued', async () => {
  const { server, client, manager } = await setUp({ breaker: { failureThreshold: 2 } });
  server.fault({ kind: 'refuse' });
  await outage(manager, client);
  for (const call of [
    () => client.deleteGroup('g', { confirm: 'g' }),
    () => client.clear({ confirm: 'CLEAR ALL' }),
  ])
    await expect(call()).rejects.toMatchObject({ code: 'FALLBACK_UNAVAILABLE', status: 503 });
  expect(manager.queue.list()).toEqual([]);
});

test('an erasure that may have happened is not repeated, and its answers are gone', async () => {
  const { server, client, manager, upstream } = await setUp({
    retry: { retries: 2, initialDelay: 1, maxDelay: 1 },
    breaker: { failureThreshold: 99 },
  });
  await remembered(server, client, 'Tea is hot.');
  await client.addMessages('other', [said('Tea is green.')]);
  await server.ingested();
  await client.getEpisodes('other', 5);
  await client.getEpisodes('g', 5);
  server.fault({ kind: 'error', applied: true, count: 1 });
  const unknown = { code: 'FALLBACK_UNKNOWN_OUTCOME', status: 504 };
  await expect(client.deleteGroup('g', { confirm: 'g' })).rejects.toMatchObject(unknown);
  expect(upstream.checkers[0]?.applies?.()).toBe(false);
  const clear = server.fault({ kind: 'unavailable', match: { method: 'GET' } });
  expect(await atHand(client.getEpisodes('g', 5))).toBe(false);
  expect(await atHand(client.getEpisodes('other', 5))).toBe(true);
  await clear();
  server.fault({ kind: 'reset', applied: true, count: 1 });
  await expect(client.clear({ confirm: 'CLEAR ALL' })).rejects.toMatchObject(unknown);
  server.fault({ kind: 'refuse' });
  expect(await atHand(client.getEpisodes('other', 5))).toBe(false);
  const erasures = server.received().filter(({ path }) => /^\/(group|clear)/.test(path));
  expect(erasures.map(({ path }) => path)).toEqual(['/group/g', '/clear']);
  expect(manager.queue.list()).toEqual([]);
});

test('everything is cleared, and no answer is left', async () => {
  const { server, client, upstream } = await setUp();
  await remembered(server, client, 'Tea is hot.');
  const reads = [
    () => client.search({ query: 'milk' }),
    () => client.search({ query: 'tea', group_ids: ['g'] }),
    () => client.getEpisodes('g', 5),
    () => client.getEpisodes('other', 5),
  ];
  for (const read of reads) await read();
  expect(await client.clear({ confirm: 'CLEAR ALL' })).toEqual({
    outcome: 'applied',
    value: { message: 'Graph cleared', success: true },
  });
  expect(server.state().groups).toEqual({});
  expect(upstream.checkers[0]?.applies?.()).toBe(false);
  server.fault({ kind: 'refuse' });
  for (const read of reads) expect(await atHand(read())).toBe(false);
});

test('nothing is cleared while any lane holds queued writes, those of an earlier process too', async () => {
  const store = memoryJournal();
  const { server, client, manager, upstream } = await setUp({ store });
  server.fault({ kind: 'throttle', retryAfter: 60, match: { path: '/messages' } });
  await client.addMessages('g', [said('one')]);
  const refused = { code: 'FALLBACK_UNAVAILABLE', status: 503 };
  await expect(client.clear({ confirm: 'CLEAR ALL' })).rejects.toMatchObject(refused);
  await manager.close();
  const { name } = manager;
  const options = { name, application: 'graphiti-test', upstream: upstream.url, store };
  const next = new FallbackManager({ ...options, logger: false });
  onTestFinished(() => next.close());
  const later = upstream.client(next);
  await expect(later.clear({ confirm: 'CLEAR ALL' })).rejects.toMatchObject(refused);
  expect(server.received({ path: '/clear' })).toEqual([]);
});

test('what Graphiti can do is tried out, live or not, and counts for nothing', async () => {
  const { server, client, manager } = await setUp();
  const works = { state: 'works' };
  expect(await client.probe()).toEqual({
    live: works,
    episodes: { state: 'unknown', code: 'no_group' },
    search: works,
  });
  expect(server.received({ path: '/search' })[0]?.body).toMatchObject({
    group_ids: null,
    max_facts: 1,
  });
  await client.getEpisodes('g', 5);
  server.forget();
  expect(await client.probe()).toEqual({ live: works, episodes: works, search: works });
  expect(server.received()).toHaveLength(3);
  expect(server.received({ path: '/episodes/g' })[0]?.query).toEqual({ last_n: '1' });
  expect(server.received({ path: '/search' })[0]?.body).toMatchObject({
    group_ids: ['g'],
    max_facts: 1,
  });
  const clear = server.fault({ kind: 'error', match: { path: '/search' } });
  for (let time = 0; time < 3; time += 1)
    expect(await client.probe()).toEqual({
      live: works,
      episodes: works,
      search: { state: 'fails', code: '500' },
    });
  await clear();
  server.fault({ kind: 'throttle', count: 3 });
  const throttled = { state: 'unknown', code: '429' };
  expect(await client.probe()).toEqual({ live: throttled, episodes: throttled, search: throttled });
  expect(manager.active).toBe(false);
  server.fault({ kind: 'refuse' });
  await outage(manager, client);
  const refused = { state: 'fails', code: 'ECONNREFUSED' };
  expect(await client.probe()).toEqual({ live: refused, episodes: refused, search: refused });
  await server.heal();
  expect(await client.probe()).toEqual({ live: works, episodes: works, search: works });
  expect(server.state().groups).toEqual({});
});

test('a probe ends in time, or when its caller gives up', async () => {
  const { server, client } = await setUp();
  server.fault({ kind: 'hang', match: { path: '/search' } });
  expect(await client.probe({ timeoutMs: 1_000 })).toMatchObject({
    live: { state: 'works' },
    search: { state: 'fails', code: 'timeout' },
  });
  const gone = new Error('gone');
  const abort = new AbortController();
  const probing = client.probe({ signal: abort.signal });
  abort.abort(gone);
  await expect(probing).rejects.toBe(gone);
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
    () => client.deleteEntityEdge('..'),
    () => client.deleteEntityEdge('u', { groupId: 'a b' }),
    () => client.deleteEpisode(' ', { groupId: 'g' }),
    () => client.deleteGroup('a b', { confirm: 'a b' }),
    () => client.deleteGroup('g', { confirm: 'h' }),
    () => client.deleteGroup('g', undefined as never),
    () => client.clear({ confirm: 'clear all' as never }),
    () => client.clear(undefined as never),
    () => client.healthcheck({ timeoutMs: 0 }),
    () => client.probe({ timeoutMs: Number.NaN }),
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
