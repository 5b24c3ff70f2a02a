import { expect, test } from 'vitest';
import type { Fact } from './facts.ts';
import type { EntityNode, Episode } from './graph.ts';
import { call, ingest, message, started } from './server.fixture.ts';

const iso = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;
const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const internal = { status: 500, body: 'Internal Server Error', type: 'text/plain; charset=utf-8' };

test('GET /healthcheck is a constant', async () => {
  const { url } = await started();
  const answer = await call(url, 'GET', '/healthcheck');
  expect(answer).toMatchObject({ status: 200, body: { status: 'healthy' } });
});

test('POST /messages acknowledges with 202 and stores an episode of each message', async () => {
  const server = await started();
  const answer = await call(server.url, 'POST', '/messages', {
    group_id: 'g1',
    messages: [
      message('I like tea.', { role: 'Ann', name: 'gf:1', source_description: 'chat' }),
      message('Noted.', { role_type: 'assistant', timestamp: '2020-01-02T03:04:05+02:00' }),
    ],
  });
  expect(answer.status).toBe(202);
  expect(answer.body).toEqual({ message: 'Messages added to processing queue', success: true });

  await server.ingested();
  const { body } = await call<Episode[]>(server.url, 'GET', '/episodes/g1?last_n=10');
  expect(body).toEqual([
    {
      uuid: expect.stringMatching(uuid),
      name: '',
      group_id: 'g1',
      labels: [],
      created_at: expect.stringMatching(iso),
      source: 'message',
      source_description: '',
      content: '(assistant): Noted.',
      valid_at: '2020-01-02T01:04:05.000Z',
      entity_edges: [expect.stringMatching(uuid)],
    },
    expect.objectContaining({
      name: 'gf:1',
      content: 'Ann(user): I like tea.',
      source_description: 'chat',
      valid_at: expect.stringMatching(iso),
    }),
  ]);
});

test('POST /messages without uuid stores the same message twice', async () => {
  const server = await started();
  const twin = message('Once or twice?', { name: 'gf:1' });
  await ingest(server, 'g1', twin);
  await ingest(server, 'g1', twin);
  expect(server.episodes('g1').map(({ name }) => name)).toEqual(['gf:1', 'gf:1']);
});

test('POST /messages with the uuid of an episode reprocesses its text and ignores the new one', async () => {
  const server = await started();
  await ingest(server, 'g1', message('Tea is hot.', { name: 'first' }));
  const [before] = server.episodes('g1');
  await call(server.url, 'DELETE', `/entity-edge/${before?.entity_edges[0]}`);
  await ingest(server, 'g1', message('Coffee is cold.', { uuid: before?.uuid, name: 'second' }));

  const [after, ...rest] = server.episodes('g1');
  expect(rest).toEqual([]);
  expect(after).toMatchObject({
    uuid: before?.uuid,
    name: 'first',
    content: '(user): Tea is hot.',
  });
  expect(server.facts('g1').map(({ fact }) => fact)).toEqual(['Tea is hot.']);
  expect(server.state().workerAlive).toBe(true);
});

test('GET /episodes/{group_id} gives the newest last_n, oldest first', async () => {
  const server = await started();
  await ingest(server, 'g1', message('one'), message('two'), message('three'));
  const contents = async (n: number) => {
    const { body } = await call<Episode[]>(server.url, 'GET', `/episodes/g1?last_n=${n}`);
    return body.map(({ content }) => content);
  };
  expect(await contents(2)).toEqual(['(user): two', '(user): three']);
  expect(await contents(9)).toEqual(['(user): one', '(user): two', '(user): three']);
  expect(await contents(0)).toEqual([]);
});

test('GET /episodes/{group_id} leaves out episodes of the future', async () => {
  const server = await started();
  await ingest(server, 'g1', message('later', { timestamp: '2999-01-01T00:00:00Z' }));
  const { body } = await call(server.url, 'GET', '/episodes/g1?last_n=1');
  expect(body).toEqual([]);
  expect(server.episodes('g1')).toHaveLength(1);
});

test('GET /episodes/{group_id} of an unknown group is an empty array', async () => {
  const { url } = await started();
  expect(await call(url, 'GET', '/episodes/nobody?last_n=5')).toMatchObject({
    status: 200,
    body: [],
  });
});

test('GET /episodes/{group_id} with last_n = -1 is a 500 in plain text', async () => {
  const { url } = await started();
  expect(await call(url, 'GET', '/episodes/g1?last_n=-1')).toMatchObject(internal);
});

test('POST /search ranks facts by the words they share with the query', async () => {
  const server = await started();
  await ingest(
    server,
    'g1',
    message('Ann lives in Oslo. Ann likes green tea. Bob likes coffee.', { role: 'Ann' }),
  );
  const { status, body } = await call<{ facts: Fact[] }>(server.url, 'POST', '/search', {
    query: 'Who likes green tea?',
    group_ids: ['g1'],
  });
  expect(status).toBe(200);
  expect(body.facts.map(({ fact }) => fact)).toEqual(['Ann likes green tea.', 'Bob likes coffee.']);
  const [episode] = server.episodes('g1');
  expect(body.facts[0]).toEqual({
    uuid: expect.stringMatching(uuid),
    name: 'STATES',
    fact: 'Ann likes green tea.',
    valid_at: episode?.valid_at,
    invalid_at: null,
    created_at: expect.stringMatching(iso),
    expired_at: null,
    source_node_uuid: expect.stringMatching(uuid),
    target_node_uuid: expect.stringMatching(uuid),
    episodes: [episode?.uuid],
  });
});

test('POST /search answers an empty list where nothing fits', async () => {
  const server = await started();
  await ingest(server, 'g1', message('Ann likes tea.'));
  const answer = await call(server.url, 'POST', '/search', { query: 'volcano' });
  expect(answer).toMatchObject({ status: 200, body: { facts: [] } });
});

test('POST /search looks into the groups named, and into all for null, none or an empty list', async () => {
  const server = await started();
  await ingest(server, 'g1', message('Tea in one.'));
  await ingest(server, 'g2', message('Tea in two.'));
  const facts = async (groups: object) => {
    const request = { query: 'tea', ...groups };
    const { body } = await call<{ facts: Fact[] }>(server.url, 'POST', '/search', request);
    return body.facts.map(({ fact }) => fact);
  };
  expect(await facts({ group_ids: ['g2'] })).toEqual(['Tea in two.']);
  expect(await facts({ group_ids: ['g1', 'g2'] })).toEqual(['Tea in one.', 'Tea in two.']);
  expect(await facts({ group_ids: ['other'] })).toEqual([]);
  expect(await facts({ group_ids: null })).toEqual(['Tea in one.', 'Tea in two.']);
  expect(await facts({ group_ids: [] })).toEqual(['Tea in one.', 'Tea in two.']);
  expect(await facts({})).toEqual(['Tea in one.', 'Tea in two.']);
});

test('POST /search gives max_facts at most, 10 by default', async () => {
  const server = await started();
  const sentences = Array.from({ length: 12 }, (_, index) => `Tea number ${index}.`);
  await ingest(server, 'g1', message(sentences.join(' ')));
  const count = async (rest: object) => {
    const request = { query: 'tea', ...rest };
    const { body } = await call<{ facts: Fact[] }>(server.url, 'POST', '/search', request);
    return body.facts.length;
  };
  expect(await count({})).toBe(10);
  expect(await count({ max_facts: 3 })).toBe(3);
  expect(await count({ max_facts: 50 })).toBe(12);
});

test('POST /search with bad characters in group_ids is a 500 in plain text', async () => {
  const { url } = await started();
  const request = { query: 'tea', group_ids: ['good', 'not:good'] };
  expect(await call(url, 'POST', '/search', request)).toMatchObject(internal);
});

test('POST /get-memory finds the facts of a group that its messages ask for', async () => {
  const server = await started();
  await ingest(server, 'g1', message('Ann likes green tea. Oslo is cold.'));
  await ingest(server, 'g2', message('Tea elsewhere.'));
  const { status, body } = await call<{ facts: Fact[] }>(server.url, 'POST', '/get-memory', {
    group_id: 'g1',
    messages: [message('Hello'), message('Which tea?')],
    center_node_uuid: null,
  });
  expect(status).toBe(200);
  expect(body.facts.map(({ fact }) => fact)).toEqual(['Ann likes green tea.']);
});

test('POST /get-memory with a bad group_id is a 500 in plain text', async () => {
  const { url } = await started();
  const request = { group_id: 'a b', messages: [], center_node_uuid: null };
  expect(await call(url, 'POST', '/get-memory', request)).toMatchObject(internal);
});

test('GET and DELETE /entity-edge/{uuid} find a fact, and a repeated delete is a 404', async () => {
  const server = await started();
  await ingest(server, 'g1', message('Ann likes tea.'));
  const [fact] = server.facts();
  const path = `/entity-edge/${fact?.uuid}`;
  expect(await call(server.url, 'GET', path)).toMatchObject({ status: 200, body: fact });
  expect(await call(server.url, 'DELETE', path)).toMatchObject({
    status: 200,
    body: { message: 'Entity Edge deleted', success: true },
  });
  const gone = { status: 404, body: { detail: `edge ${fact?.uuid} not found` } };
  expect(await call(server.url, 'DELETE', path)).toMatchObject(gone);
  expect(await call(server.url, 'GET', path)).toMatchObject(gone);
});

test('DELETE /episode/{uuid} removes the episode and the facts it was first to state', async () => {
  const server = await started();
  await ingest(server, 'g1', message('Tea is hot.'));
  await ingest(server, 'g1', message('Tea is hot. Ice is cold.'));
  const [first, second] = server.episodes('g1');
  expect(server.facts()[0]?.episodes).toEqual([first?.uuid, second?.uuid]);

  const path = `/episode/${second?.uuid}`;
  expect(await call(server.url, 'DELETE', path)).toMatchObject({
    status: 200,
    body: { message: 'Episode deleted', success: true },
  });
  expect(server.episodes('g1')).toEqual([first]);
  expect(server.facts().map(({ fact }) => fact)).toEqual(['Tea is hot.']);
  expect(await call(server.url, 'DELETE', path)).toMatchObject({
    status: 404,
    body: { detail: `node ${second?.uuid} not found` },
  });
});

test('POST /entity-node answers 201 with the node and an embedding of 1024 numbers', async () => {
  const { url } = await started();
  const node = { uuid: 'n1', group_id: 'g1', name: 'Ann' };
  const { status, body } = await call<EntityNode>(url, 'POST', '/entity-node', node);
  expect(status).toBe(201);
  const { name_embedding, ...rest } = body;
  const created_at = expect.stringMatching(iso);
  expect(rest).toEqual({ ...node, summary: '', labels: [], attributes: {}, created_at });
  expect(name_embedding).toHaveLength(1024);
  expect(name_embedding.every((number) => typeof number === 'number')).toBe(true);
});

test('POST /entity-node again resets created_at and overwrites the summary', async () => {
  let now = Date.parse('2024-01-01');
  const server = await started({ now: () => now });
  const node = { uuid: 'n1', group_id: 'g1', name: 'Ann' };
  await call(server.url, 'POST', '/entity-node', { ...node, summary: 'likes tea' });
  now += 1000;
  await call(server.url, 'POST', '/entity-node', node);
  expect(server.nodes()).toMatchObject([{ summary: '', created_at: '2024-01-01T00:00:01.000Z' }]);
});

test('DELETE /group/{id} removes a group, and is a 200 even if there is none', async () => {
  const server = await started();
  await ingest(server, 'g1', message('Tea.'));
  await ingest(server, 'g2', message('Coffee.'));
  await call(server.url, 'POST', '/entity-node', { uuid: 'n1', group_id: 'g1', name: 'Ann' });
  const deleted = { status: 200, body: { message: 'Group deleted', success: true } };
  expect(await call(server.url, 'DELETE', '/group/g1')).toMatchObject(deleted);
  expect(server.state().groups).toEqual({ g2: { episodes: 1, facts: 1, nodes: 0 } });
  expect(await call(server.url, 'DELETE', '/group/g1')).toMatchObject(deleted);
});

test('POST /clear wipes everything', async () => {
  const server = await started();
  await ingest(server, 'g1', message('Tea.'));
  await call(server.url, 'POST', '/entity-node', { uuid: 'n1', group_id: 'g2', name: 'Ann' });
  expect(await call(server.url, 'POST', '/clear')).toMatchObject({
    status: 200,
    body: { message: 'Graph cleared', success: true },
  });
  expect(server.state()).toMatchObject({ episodes: 0, groups: {} });
});

test('an unknown path is a 404, and a wrong method a 405 that names the right ones', async () => {
  const { url } = await started();
  expect(await call(url, 'GET', '/nothing/here/at/all')).toMatchObject({
    status: 404,
    body: { detail: 'Not Found' },
  });
  const wrong = await call(url, 'PUT', '/entity-edge/1');
  expect(wrong).toMatchObject({ status: 405, body: { detail: 'Method Not Allowed' } });
  expect(wrong.headers.get('allow')).toBe('GET, DELETE');
});

test('an id in a path is decoded', async () => {
  const { url } = await started();
  const { body } = await call(url, 'DELETE', '/episode/a%20b');
  expect(body).toEqual({ detail: 'node a b not found' });
});
