import { expect, test } from 'vitest';
import type { GraphitiServer } from './graphiti-server.ts';
import { call, ingest, message, started } from './server.fixture.ts';

async function add(server: GraphitiServer, groupId: string, content: string, rest?: object) {
  const messages = [message(content, rest)];
  return call(server.url, 'POST', '/messages', { group_id: groupId, messages });
}

test('messages are acknowledged before they are stored', async () => {
  const server = await started({ ingestDelayMs: 60_000 });
  expect((await add(server, 'g1', 'one')).status).toBe(202);
  expect(server.episodes('g1')).toEqual([]);
  expect(server.messages()).toMatchObject([{ content: 'one', state: 'waiting' }]);
  expect(server.state()).toMatchObject({ pending: 1, workerAlive: true, episodes: 0 });
});

test('one worker ingests all groups in order, one message after another', async () => {
  let ticks = 0;
  const server = await started({ ingestDelayMs: 20, now: () => ++ticks });
  const began = performance.now();
  await add(server, 'a', 'first');
  await add(server, 'b', 'second');
  await add(server, 'a', 'third');
  await server.ingested();
  expect(performance.now() - began).toBeGreaterThan(50);
  const stored = ['a', 'b'].flatMap((id) => server.episodes(id));
  const inOrder = stored.sort((one, other) => one.created_at.localeCompare(other.created_at));
  expect(inOrder.map(({ content }) => content)).toEqual([
    '(user): first',
    '(user): second',
    '(user): third',
  ]);
  expect(server.messages().map(({ content, state }) => [content, state])).toEqual([
    ['first', 'stored'],
    ['second', 'stored'],
    ['third', 'stored'],
  ]);
});

test.each([
  ['a fresh uuid', 'g1', { uuid: '0b5c1b2e-0000-4000-8000-000000000000' }],
  ['a bad group_id', 'group:1', {}],
])('%s ends the worker without a word', async (_name, groupId, rest) => {
  const server = await started();
  await ingest(server, 'g1', message('before'));
  expect((await add(server, groupId, 'poison', rest)).status).toBe(202);
  await expect.poll(() => server.state().workerAlive, { interval: 2 }).toBe(false);

  expect((await add(server, 'g1', 'after')).status).toBe(202);
  const health = await call(server.url, 'GET', '/healthcheck');
  expect(health).toMatchObject({ status: 200, body: { status: 'healthy' } });
  await expect(server.ingested()).rejects.toThrow('worker is dead, with 1 messages waiting');
  expect(server.episodes('g1').map(({ content }) => content)).toEqual(['(user): before']);
  expect(server.messages().map(({ content, state }) => [content, state])).toEqual([
    ['before', 'stored'],
    ['poison', 'lost'],
    ['after', 'waiting'],
  ]);
});

test('a wait for ingestion ends with the worker', async () => {
  const server = await started({ ingestDelayMs: 10 });
  await add(server, 'bad group', 'poison');
  await add(server, 'g1', 'after');
  await expect(server.ingested()).rejects.toThrow('worker is dead');
});

test('a restart loses what waited, keeps what was stored and starts a new worker', async () => {
  const server = await started();
  await ingest(server, 'g1', message('before'));
  server.fault({ kind: 'dead_worker' });
  await add(server, 'g1', 'lost');
  server.restart();
  await ingest(server, 'g1', message('after'));
  const contents = server.episodes('g1').map(({ content }) => content);
  expect(contents).toEqual(['(user): before', '(user): after']);
  expect(server.messages('g1').map(({ state }) => state)).toEqual(['stored', 'lost', 'stored']);
  expect(server.faults()).toEqual([]);
});

test('the acknowledged messages of one group are told apart from others', async () => {
  const server = await started();
  await add(server, 'a', 'one', { name: 'gf:1' });
  await add(server, 'b', 'two', { name: 'gf:2' });
  const [only, ...rest] = server.messages('b');
  expect(rest).toEqual([]);
  expect(only).toMatchObject({ group_id: 'b', name: 'gf:2', content: 'two' });
});
