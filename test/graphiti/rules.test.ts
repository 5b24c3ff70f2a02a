/** How the client treats Graphiti, rule by rule, where the other files here do not say it already. */

import type { CallOptions } from '@graphiti-fallback/core';
import { lowdbStore } from '@graphiti-fallback/store-lowdb';
import { expect, test } from 'vitest';
import { temporaryFolder } from '../temporary-folder.ts';
import {
  atHand,
  clientOf,
  outage,
  said,
  setUp,
  soon,
  startProxy,
  startServer,
  taken,
} from './subject.ts';

const folder = temporaryFolder('graphiti-rules-');

test.each([
  ['429', { kind: 'throttle' }, false],
  ['503', { kind: 'unavailable' }, true],
  ['500', { kind: 'error' }, true],
] as const)('%s: whether it trips the breaker', async (_status, fault, trips) => {
  const { server, client, manager } = await setUp();
  server.fault(fault);
  for (let call = 0; call < 5; call += 1) await atHand(client.getEpisodes('g', 1));
  expect(manager.active).toBe(trips);
});

test("a 404 and a 422 are the caller's, and never trip a breaker", async () => {
  const { client, manager } = await setUp();
  for (let call = 0; call < 5; call += 1)
    await expect(client.getEntityEdge('none')).rejects.toMatchObject({ status: 404 });
  expect([manager.active, client.health().state]).toEqual([false, 'live']);
});

test('408 is an unknown outcome: a message that arrived is found, one that did not is sent again', async () => {
  const server = await startServer();
  const late = [true, false];
  const url = await startProxy(server, (_method, path) => {
    const passesOn = path === '/messages' ? late.shift() : undefined;
    return passesOn === undefined ? undefined : { status: 408, passesOn };
  });
  const { client, manager } = clientOf(server, { url });
  expect((await client.addMessages('g', [said('arrived')])).outcome).toBe('queued');
  await expect.poll(() => manager.status().queue.size, soon).toBe(0);
  expect((await client.addMessages('g', [said('lost')])).outcome).toBe('queued');
  await expect.poll(() => manager.status().queue.size, soon).toBe(0);
  expect(taken(server)).toEqual(['arrived', 'lost']);
});

test('408 counts against the breaker, and leaves open whether a group was erased', async () => {
  const server = await startServer();
  const url = await startProxy(server, () => ({ status: 408, passesOn: false }));
  const { client, manager } = clientOf(server, { url });
  await expect(client.deleteGroup('g', { confirm: 'g' })).rejects.toMatchObject({
    code: 'FALLBACK_UNKNOWN_OUTCOME',
  });
  expect(server.received({ path: '/group' })).toEqual([]);
  await atHand(client.getEpisodes('g', 1));
  expect(manager.active).toBe(true);
});

test('of a 422 the body is kept for the caller; of a 404 the answer, and what is cached goes', async () => {
  const server = await startServer();
  let status: number | undefined;
  const url = await startProxy(server, () =>
    status === undefined ? undefined : { status, passesOn: false },
  );
  const { client } = clientOf(server, { url });
  await client.addMessages('g', [said('Tea is hot.')]);
  await server.ingested();
  const [fact] = server.facts('g');
  const uuid = String(fact?.uuid);
  await client.getEntityEdge(uuid);
  await fetch(`${server.url}/entity-edge/${uuid}`, { method: 'DELETE' });
  await expect(client.getEntityEdge(uuid)).rejects.toMatchObject({
    upstreamStatus: 404,
    detail: expect.stringContaining('not found'),
  });
  status = 503;
  expect(await atHand(client.getEntityEdge(uuid))).toBe(false);
});

test('read keys of search: groups in any order, the query as it is, max_facts; null differs from []', async () => {
  const { server, client } = await setUp();
  await client.search({ query: 'Tea', group_ids: ['a', 'b'], max_facts: 10 });
  await client.search({ query: 'Tea', group_ids: null });
  server.fault({ kind: 'refuse' });
  const asked = (query: Parameters<typeof client.search>[0]) => atHand(client.search(query));
  expect(await asked({ query: 'Tea', group_ids: ['b', 'a'] })).toBe(true);
  expect(await asked({ query: 'Tea' })).toBe(true);
  expect(await asked({ query: 'Tea', group_ids: [] })).toBe(false);
  expect(await asked({ query: 'tea', group_ids: ['a', 'b'] })).toBe(false);
  expect(await asked({ query: 'Tea ', group_ids: ['a', 'b'] })).toBe(false);
  expect(await asked({ query: 'Tea', group_ids: ['a', 'b'], max_facts: 9 })).toBe(false);
});

test('read keys hold the base URL: in one folder the answers of two addresses are never mixed', async () => {
  const cache = () => ({ cache: { store: lowdbStore({ directory: folder.path }) } });
  const first = await setUp({}, cache());
  await first.client.getEpisodes('g', 1);
  await first.manager.close();
  const again = clientOf(first.server, {}, cache());
  first.server.fault({ kind: 'refuse' });
  expect(await atHand(again.client.getEpisodes('g', 1))).toBe(true);
  const other = await setUp({}, cache());
  other.server.fault({ kind: 'refuse' });
  expect(await atHand(other.client.getEpisodes('g', 1))).toBe(false);
});

test('what is poison for Graphiti is refused: a bad group id, and a uuid of the caller', async () => {
  const { server, client } = await setUp();
  const invalid = { code: 'FALLBACK_INVALID_INPUT' };
  await expect(client.addMessages('a b', [said('one')])).rejects.toMatchObject(invalid);
  const poison = { ...said('one'), uuid: 'u' } as never;
  await expect(client.addMessages('g', [poison])).rejects.toMatchObject(invalid);
  expect(server.received()).toEqual([]);
});

test('messages are sent one by one, with `role: null`, a name of their own and the time of the first try', async () => {
  const { server, client, manager } = await setUp();
  server.fault({ kind: 'refuse' });
  await outage(manager, client);
  const before = Date.now();
  const hello = { role_type: 'user', content: 'hello' } as const;
  await client.addMessages('g', [hello, hello]);
  const after = Date.now();
  const ids = manager.queue.list().map(({ id }) => id);
  await new Promise((resolve) => setTimeout(resolve, 50));
  await server.heal();
  await expect.poll(() => manager.status().queue.size, soon).toBe(0);
  const sent = server.received({ path: '/messages' }).map(({ body }) => body as SentMessages);
  expect(sent.map(({ messages }) => messages.length)).toEqual([1, 1]);
  const all = sent.flatMap(({ messages }) => messages);
  expect(all.map(({ name }) => name)).toEqual(ids.map((id) => `gf:${id}`));
  for (const { role, timestamp } of all) {
    expect(role).toBeNull();
    expect(timestamp).toMatch(/^\d{4}-\d\d-\d\dT[\d:]+\.\d{6}Z$/);
    expect(Date.parse(timestamp)).toBeGreaterThanOrEqual(before);
    expect(Date.parse(timestamp)).toBeLessThanOrEqual(after);
  }
});

test('a message has 5 s: one that hangs so long is queued', { timeout: 20_000 }, async () => {
  const { server, client } = await setUp({}, { closeTimeout: 100 });
  server.fault({ kind: 'hang', match: { path: '/messages' } });
  const began = performance.now();
  expect((await client.addMessages('g', [said('one')])).outcome).toBe('queued');
  const took = performance.now() - began;
  expect(took).toBeGreaterThan(4_500);
  expect(took).toBeLessThan(7_000);
});

test('every call takes a signal and a deadline of its own', async () => {
  const { server, client, manager } = await setUp(
    {},
    { breaker: { failureThreshold: 99 }, closeTimeout: 100 },
  );
  server.fault({ kind: 'hang' });
  const node = { uuid: 'n', group_id: 'g', name: 'Ann' };
  const memory = { group_id: 'g', messages: [said('tea')] };
  const calls: ((options: CallOptions) => Promise<unknown>)[] = [
    (options) => client.search({ query: 'q' }, options),
    (options) => client.getMemory(memory, options),
    (options) => client.getEntityEdge('u', options),
    (options) => client.getEpisodes('h', 1, options),
    (options) => client.addMessages('g', [said('one')], options),
    (options) => client.addEntityNode({ ...node, group_id: 'h' }, options),
    (options) => client.deleteEntityEdge('u', options),
    (options) => client.deleteEpisode('u', { ...options, groupId: 'i' }),
    (options) => client.deleteGroup('j', { ...options, confirm: 'j' }),
    (options) => client.healthcheck(options),
  ];
  for (const call of calls) {
    const began = performance.now();
    await call({ timeoutMs: 50 }).catch(() => {});
    const gone = new AbortController();
    const aborted = call({ signal: gone.signal }).catch(() => {});
    gone.abort();
    await aborted;
    expect(performance.now() - began).toBeLessThan(2_500);
  }
  expect(manager.active).toBe(false);
});

test('the preset: 5 s for reads and messages, 10 s for other writes, one try more, four replays at once', async () => {
  const { upstream } = await setUp();
  expect(upstream.preset).toMatchObject({
    upstream: upstream.url,
    timeouts: { read: 5_000, write: 10_000 },
    retry: { retries: 1 },
    drain: { limit: 4 },
    health: { checks: upstream.checkers },
  });
});

test('a queue is replayed slowly: 202 is no backpressure', async () => {
  const { server, client, manager } = await setUp();
  server.fault({ kind: 'refuse' });
  await outage(manager, client);
  const groups = Array.from({ length: 12 }, (_, index) => `g${index}`);
  for (const group of groups) await client.addMessages(group, [said('one')]);
  await server.heal();
  let most = 0;
  await expect
    .poll(() => {
      most = Math.max(most, manager.status().queue.states.in_flight);
      return manager.status().queue.size;
    }, soon)
    .toBe(0);
  expect(most).toBeLessThanOrEqual(4);
  expect(manager.status().queue.drainLimit).toBeLessThanOrEqual(4);
});

test('a custom fetch and a `headers()` hook see every request, also those that nobody asked for', async () => {
  const sent: string[] = [];
  const { client, manager } = await setUp({
    headers: () => ({ authorization: 'Bearer token' }),
    fetch: (input, init) => {
      sent.push(
        `${new URL(String(input)).pathname} ${new Headers(init?.headers).get('authorization')}`,
      );
      return fetch(input, init);
    },
  });
  await client.addMessages('g', [said('one')]);
  await expect.poll(() => manager.status().queue.confirmed, soon).toBe(1);
  expect(new Set(sent)).toEqual(new Set(['/messages Bearer token', '/episodes/g Bearer token']));
});

interface SentMessages {
  readonly messages: readonly {
    readonly name: string;
    readonly role: null;
    readonly timestamp: string;
  }[];
}
