import type { Detailed, Receipt } from '@graphiti-fallback/core';
import { expect, expectTypeOf, test } from 'vitest';
import type { GraphitiHealth } from './capability.ts';
import type { GraphitiClient } from './client.ts';
import type { EntityNode, Episode, Fact, Facts, Result, StoredEntityNode } from './model.ts';
import type { Capabilities } from './probe.ts';
import { json, testClient, testServer } from './server.test.support.ts';

const result = { message: 'Messages added to processing queue', success: true };
const hello = { role_type: 'user', content: 'hello' } as const;

test('an answer that is letter by letter what it was is the same object, another one is not', async () => {
  const facts = [{ uuid: 'f1', fact: 'Ann knows Ben' }];
  const server = await testServer(json(200, { facts }));
  const { client } = testClient({ url: server.url });
  const query = { query: 'who?', group_ids: ['a'] };
  const first = await client.search(query);
  expect(await client.search(query)).toBe(first);
  expect(await client.search({ ...query, query: 'what?' })).not.toBe(first);
  server.answer = json(200, { facts: [{ uuid: 'f1', fact: 'Ann knows Bob' }] });
  expect((await client.search(query)).facts[0]?.fact).toBe('Ann knows Bob');
  server.answer = json(200, { detail: 'a page of a proxy' });
  await expect(client.search(query)).resolves.toMatchObject({ facts: [{ fact: 'Ann knows Bob' }] });
  expect(server.received).toHaveLength(5);
});

test('a search is sent as it is, with its groups in order', async () => {
  const facts = [{ uuid: 'f', name: 'LIKES', fact: 'Ann likes tea', more: 1 }];
  const server = await testServer(json(200, { facts }));
  const { client } = testClient({ url: server.url });
  const query = { query: ' Tea? ', group_ids: ['b', 'a'], max_facts: 3 };
  expect(await client.search(query)).toEqual({ facts });
  expect(server.received).toMatchObject([
    {
      method: 'POST',
      url: '/search',
      body: { query: ' Tea? ', group_ids: ['a', 'b'], max_facts: 3 },
    },
  ]);
});

test('the order of groups makes no other question; null and an empty list do', async () => {
  const server = await testServer(json(200, { facts: [] }));
  const { client } = testClient({ url: server.url });
  await client.search({ query: 'q', group_ids: ['a', 'b'] });
  await client.search({ query: 'q', group_ids: null });
  server.answer = json(503, {});
  const stale = { outcome: 'stale' };
  expect(await client.search.detailed({ query: 'q', group_ids: ['b', 'a'] })).toMatchObject(stale);
  expect(await client.search.detailed({ query: 'q' })).toMatchObject(stale);
  expect(await client.search.detailed({ query: 'q', max_facts: 10 })).toMatchObject(stale);
  for (const other of [{ group_ids: [] }, { group_ids: ['a'] }, { max_facts: 9 }])
    await expect(client.search({ query: 'q', ...other })).rejects.toMatchObject({
      code: 'FALLBACK_UNAVAILABLE',
    });
});

test('an answer that is too old for the caller is not served', async () => {
  const server = await testServer(json(200, []));
  const { client } = testClient({ url: server.url });
  await client.getEpisodes('g', 3);
  server.answer = json(503, {});
  expect(await client.getEpisodes('g', 3, { maxStaleMs: 60_000 })).toEqual([]);
  await expect(client.getEpisodes('g', 3, { maxStaleMs: -1 })).rejects.toMatchObject({
    code: 'FALLBACK_UNAVAILABLE',
  });
});

test("headers of a read go along, win over the hook's, and are part of what is asked", async () => {
  const server = await testServer(json(200, { facts: [] }));
  const { client } = testClient({
    url: server.url,
    headers: () => ({ authorization: 'app', a: '1' }),
  });
  const ann = { headers: { Authorization: 'ann', 'content-type': 'text/plain' } };
  await client.search({ query: 'q' }, ann);
  await client.getMemory({ group_id: 'g', messages: [hello] }, ann);
  server.answer = json(200, []);
  await client.getEpisodes('g', 1, ann);
  server.answer = json(200, { uuid: 'f', name: 'LIKES', fact: 'Ann likes tea' });
  await client.getEntityEdge('f', ann);
  const sent = { authorization: 'ann', a: '1', 'content-type': 'application/json' };
  expect(server.received.map(({ headers }) => headers)).toMatchObject([sent, sent, sent, sent]);
  server.answer = json(503, {});
  expect(await client.search.detailed({ query: 'q' }, ann)).toMatchObject({ outcome: 'stale' });
  await expect(client.search({ query: 'q' })).rejects.toMatchObject({
    code: 'FALLBACK_UNAVAILABLE',
  });
});

test('a write takes no headers: they would not be stored', async () => {
  const server = await testServer(json(202, result));
  const { client } = testClient({ url: server.url });
  const options = { headers: { authorization: 'ann' } } as object;
  await expect(client.addMessages('g', [hello], options)).rejects.toMatchObject({
    code: 'FALLBACK_INVALID_INPUT',
  });
  expect(server.received).toEqual([]);
});

test('messages go one by one, dated in order, named by their ids, with the keys that Graphiti wants', async () => {
  const server = await testServer(json(202, result));
  const { client } = testClient({ url: server.url });
  const before = new Date().toISOString();
  const messages = [hello, { ...hello, role: 'ann', name: 'mine', source_description: 'chat' }];
  expect(await client.addMessages('g', messages)).toMatchObject({ outcome: 'accepted' });
  const sent = server.received.map(({ body }) => body as Sent);
  expect(sent).toMatchObject([
    {
      group_id: 'g',
      messages: [{ ...hello, role: null, name: expect.stringMatching(/^gf:[0-9a-f-]{36}$/) }],
    },
    { group_id: 'g', messages: [messages[1]] },
  ]);
  const times = sent.map(({ messages: [message] }) => message.timestamp);
  expect(times.toSorted()).toEqual(times);
  expect(new Set(times).size).toBe(2);
  expect(Date.parse(String(times[0]))).toBeGreaterThanOrEqual(Date.parse(before));
});

test('a message keeps its name and its time when it is sent again', async () => {
  const server = await testServer(json(503, {}));
  const { client, manager } = testClient({ url: server.url });
  expect(await client.addMessages('g', [hello])).toMatchObject({ outcome: 'queued' });
  server.answer = json(202, result);
  await expect.poll(() => manager.status().queue.replayed, { timeout: 5_000 }).toBe(1);
  const [first, second] = server.received;
  expect(second?.body).toEqual(first?.body);
});

test('an entity node is sent as it is', async () => {
  const node = { uuid: 'n', group_id: 'g', name: 'Ann' };
  const server = await testServer(json(201, { ...node, summary: '', created_at: '2026-01-01' }));
  const { client } = testClient({ url: server.url });
  expect(await client.addEntityNode(node)).toMatchObject({ outcome: 'applied', value: node });
  expect(server.received[0]).toMatchObject({ method: 'POST', url: '/entity-node', body: node });
});

test('writes of one group share a lane, whatever they are', async () => {
  const server = await testServer(json(503, {}));
  const { client, manager } = testClient({ url: server.url });
  await client.addMessages('g', [hello]);
  await client.addEntityNode({ uuid: 'n', group_id: 'g', name: 'Ann' });
  expect(manager.queue.list().map(({ lane }) => lane)).toEqual(['group:g', 'group:g']);
});

test('the liveness answer comes past fallback, and has a deadline', async () => {
  const server = await testServer(json(200, { status: 'healthy' }));
  const { client } = testClient({ url: server.url });
  expect(await client.healthcheck()).toEqual({ status: 'healthy' });
  server.answer = () => {};
  await expect(client.healthcheck({ timeoutMs: 20 })).rejects.toMatchObject({
    code: 'FALLBACK_TIMEOUT',
  });
  const gone = new Error('gone');
  const signal = AbortSignal.abort(gone);
  await expect(client.healthcheck({ signal })).rejects.toBe(gone);
});

test('the client is typed', () => {
  expectTypeOf<Awaited<ReturnType<GraphitiClient['search']>>>().toEqualTypeOf<Facts>();
  expectTypeOf<GraphitiClient['search']['detailed']>().returns.resolves.toEqualTypeOf<
    Detailed<Facts>
  >();
  expectTypeOf<GraphitiClient['getMemory']>().returns.resolves.toEqualTypeOf<Facts>();
  expectTypeOf<GraphitiClient['getMemory']['detailed']>().returns.resolves.toEqualTypeOf<
    Detailed<Facts>
  >();
  expectTypeOf<GraphitiClient['getEntityEdge']>().returns.resolves.toEqualTypeOf<Fact>();
  expectTypeOf<GraphitiClient['getEpisodes']>().returns.resolves.toEqualTypeOf<
    readonly Episode[]
  >();
  expectTypeOf<GraphitiClient['getEpisodes']>().parameter(1).toEqualTypeOf<number>();
  expectTypeOf<GraphitiClient['addMessages']>().returns.resolves.toEqualTypeOf<Receipt<Result>>();
  expectTypeOf<GraphitiClient['addEntityNode']>().returns.resolves.toEqualTypeOf<
    Receipt<StoredEntityNode>
  >();
  for (const call of ['deleteEntityEdge', 'deleteEpisode', 'deleteGroup', 'clear'] as const)
    expectTypeOf<GraphitiClient[typeof call]>().returns.resolves.toEqualTypeOf<Receipt<Result>>();
  expectTypeOf<GraphitiClient['getPendingEntity']>().returns.resolves.toEqualTypeOf<
    EntityNode | undefined
  >();
  expectTypeOf<GraphitiClient['health']>().returns.toEqualTypeOf<GraphitiHealth>();
  expectTypeOf<GraphitiHealth['state']>().toEqualTypeOf<
    'live' | 'search_degraded' | 'ingest_stalled' | 'down'
  >();
  expectTypeOf<GraphitiClient['probe']>().returns.resolves.toEqualTypeOf<Capabilities>();
  // @ts-expect-error an erasure has to be confirmed
  expectTypeOf<GraphitiClient['deleteGroup']>().toBeCallableWith('g');
  // @ts-expect-error in these words
  expectTypeOf<GraphitiClient['clear']>().toBeCallableWith({ confirm: 'yes' });
  // @ts-expect-error a caller's uuid ends Graphiti's ingestion
  const poison: Parameters<GraphitiClient['addMessages']>[1] = [{ ...hello, uuid: 'u' }];
  expect(poison).toHaveLength(1);
});

interface Sent {
  readonly group_id: string;
  readonly messages: [{ readonly timestamp: string }];
}
