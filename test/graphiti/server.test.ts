/** The Graphiti-compatible server against what Graphiti's own does: endpoints, errors and faults, case by case. */

import type { GraphitiServer, GraphitiServerOptions } from '@graphiti-fallback/testing';
import { describe, expect, test } from 'vitest';
import { soon, startServer } from './subject.ts';

const hello = { content: 'Tea is hot.', role_type: 'user', role: 'ann' };
const wrong = expect.stringMatching(/^text\/plain/);
const json = expect.stringMatching(/^application\/json/);

interface Answered {
  readonly status: number;
  readonly type: string | null;
  readonly body: unknown;
}

async function ask(server: GraphitiServer, what: string, body?: unknown): Promise<Answered> {
  const [method = '', path = ''] = what.split(' ');
  const response = await fetch(`${server.url}${path}`, {
    method,
    ...(body !== undefined && {
      body: JSON.stringify(body),
      headers: { 'content-type': 'application/json' },
    }),
  });
  const text = await response.text();
  const type = response.headers.get('content-type');
  return { status: response.status, type, body: type?.includes('json') ? JSON.parse(text) : text };
}

/** A server that remembers one fact of one message. */
async function filled(options?: GraphitiServerOptions) {
  const server = await startServer(options);
  await ask(server, 'POST /messages', { group_id: 'g', messages: [hello] });
  await server.ingested();
  const [fact] = server.facts('g');
  const [episode] = server.episodes('g');
  if (!fact || !episode) throw new Error('Nothing is remembered');
  return { server, fact, episode };
}

const aFact = {
  uuid: expect.any(String),
  name: expect.any(String),
  fact: 'Tea is hot.',
  valid_at: expect.any(String),
  invalid_at: null,
  created_at: expect.any(String),
  expired_at: null,
  source_node_uuid: expect.any(String),
  target_node_uuid: expect.any(String),
  episodes: [expect.any(String)],
};

describe('endpoints', () => {
  test('POST /search: 200 with facts, of the groups that are named, or of all for null', async () => {
    const { server } = await filled();
    for (const group_ids of [['g'], null, undefined])
      expect(await ask(server, 'POST /search', { query: 'tea', group_ids })).toEqual({
        status: 200,
        type: json,
        body: { facts: [aFact] },
      });
    const elsewhere = { query: 'tea', group_ids: ['h'], max_facts: 3 };
    expect((await ask(server, 'POST /search', elsewhere)).body).toEqual({ facts: [] });
  });

  test('POST /get-memory: 200 with facts; center_node_uuid and role are required, and may be null', async () => {
    const { server } = await filled();
    const question = { group_id: 'g', messages: [hello], center_node_uuid: null };
    expect((await ask(server, 'POST /get-memory', question)).body).toEqual({ facts: [aFact] });
    const { center_node_uuid: _center, ...without } = question;
    expect(await ask(server, 'POST /get-memory', without)).toMatchObject({
      status: 422,
      body: { detail: [{ type: 'missing', loc: ['body', 'center_node_uuid'] }] },
    });
    const { role: _role, ...nobody } = hello;
    const unsaid = { ...question, messages: [nobody] };
    expect(await ask(server, 'POST /get-memory', unsaid)).toMatchObject({
      status: 422,
      body: { detail: [{ type: 'missing', loc: ['body', 'messages', 0, 'role'] }] },
    });
  });

  test('GET /entity-edge/{uuid}: 200 with the fact, 404 where there is none', async () => {
    const { server, fact } = await filled();
    expect(await ask(server, `GET /entity-edge/${fact.uuid}`)).toMatchObject({
      status: 200,
      body: aFact,
    });
    expect(await ask(server, 'GET /entity-edge/none')).toMatchObject({
      status: 404,
      body: { detail: expect.any(String) },
    });
  });

  test('GET /episodes/{group_id}: a bare array, oldest first; last_n is required; an unknown group has none', async () => {
    const { server } = await filled();
    const more = { group_id: 'g', messages: [{ ...hello, content: 'Milk is cold.' }] };
    await ask(server, 'POST /messages', more);
    await server.ingested();
    const { body } = await ask(server, 'GET /episodes/g?last_n=5');
    expect(body).toMatchObject([
      {
        uuid: expect.any(String),
        name: '',
        group_id: 'g',
        labels: [],
        source: 'message',
        source_description: '',
        content: 'ann(user): Tea is hot.',
        entity_edges: [expect.any(String)],
      },
      { content: 'ann(user): Milk is cold.' },
    ]);
    expect((await ask(server, 'GET /episodes/g?last_n=1')).body).toHaveLength(1);
    expect((await ask(server, 'GET /episodes/g')).status).toBe(422);
    expect(await ask(server, 'GET /episodes/h?last_n=1')).toMatchObject({ status: 200, body: [] });
  });

  test('GET /healthcheck: a constant that checks nothing', async () => {
    const server = await startServer();
    const constant = { status: 200, type: json, body: { status: 'healthy' } };
    expect(await ask(server, 'GET /healthcheck')).toEqual(constant);
    server.fault({ kind: 'dead_worker' });
    expect(await ask(server, 'GET /healthcheck')).toEqual(constant);
  });

  test('POST /messages: 202 before anything is stored', async () => {
    const server = await startServer({ ingestDelayMs: 200 });
    const messages = { group_id: 'g', messages: [hello] };
    expect(await ask(server, 'POST /messages', messages)).toEqual({
      status: 202,
      type: json,
      body: { message: expect.any(String), success: true },
    });
    expect(server.episodes('g')).toEqual([]);
    await expect.poll(() => server.episodes('g'), soon).toHaveLength(1);
  });

  test('POST /entity-node: 201 with the node and its embedding; again it resets created_at and the summary', async () => {
    let now = 1_700_000_000_000;
    const server = await startServer({ now: () => now });
    const node = { uuid: 'n', group_id: 'g', name: 'Ann' };
    const first = await ask(server, 'POST /entity-node', { ...node, summary: 'likes tea' });
    expect(first).toMatchObject({ status: 201, body: { ...node, summary: 'likes tea' } });
    expect((first.body as { name_embedding: number[] }).name_embedding).toHaveLength(1024);
    now += 60_000;
    const second = await ask(server, 'POST /entity-node', node);
    expect(second.body).toMatchObject({ ...node, summary: '' });
    const created = [first, second].map(({ body }) => (body as { created_at: string }).created_at);
    expect(new Set(created).size).toBe(2);
    expect(server.nodes('g')).toHaveLength(1);
    expect((await ask(server, 'GET /entity-node/n')).status).toBe(404);
  });

  test('DELETE /entity-edge/{uuid}: 200, repeated 404', async () => {
    const { server, fact } = await filled();
    const path = `DELETE /entity-edge/${fact.uuid}`;
    expect(await ask(server, path)).toMatchObject({ status: 200, body: { success: true } });
    expect(await ask(server, path)).toMatchObject({ status: 404 });
  });

  test('DELETE /episode/{uuid}: 200, repeated 404; the facts that it stated first go along', async () => {
    const { server, episode } = await filled();
    const path = `DELETE /episode/${episode.uuid}`;
    expect(await ask(server, path)).toMatchObject({ status: 200, body: { success: true } });
    expect(server.facts('g')).toEqual([]);
    expect(await ask(server, path)).toMatchObject({ status: 404 });
  });

  test('DELETE /group/{id}: 200 even if it is absent', async () => {
    const { server } = await filled();
    for (const id of ['g', 'g', 'never'])
      expect(await ask(server, `DELETE /group/${id}`)).toMatchObject({ status: 200 });
    expect(server.state().groups).toEqual({});
  });

  test('POST /clear: 200, and everything is gone', async () => {
    const { server } = await filled();
    expect(await ask(server, 'POST /clear')).toMatchObject({ status: 200 });
    expect(server.state().groups).toEqual({});
  });
});

describe('errors', () => {
  test.each([
    ['POST /messages', { group_id: 'g' }, ['body', 'messages'], 'missing'],
    [
      'POST /messages',
      { group_id: 'g', messages: [{ ...hello, role_type: 'bot' }] },
      ['body', 'messages', 0, 'role_type'],
      'literal_error',
    ],
    ['POST /search', {}, ['body', 'query'], 'missing'],
    ['POST /entity-node', { uuid: 'n', name: 'Ann' }, ['body', 'group_id'], 'missing'],
    ['GET /episodes/g', undefined, ['query', 'last_n'], 'missing'],
  ])('%s with %j is a 422 that says where and why', async (what, body, loc, type) => {
    const server = await startServer();
    expect(await ask(server, what, body)).toMatchObject({
      status: 422,
      type: json,
      body: { detail: [{ type, loc, msg: expect.any(String) }] },
    });
  });

  test.each([
    ['bad characters in group_ids', 'POST /search', { query: 'q', group_ids: ['a b'] }],
    [
      'a bad group of memory',
      'POST /get-memory',
      { group_id: 'a b', messages: [hello], center_node_uuid: null },
    ],
    ['last_n = -1', 'GET /episodes/g?last_n=-1', undefined],
  ])('%s is a 500 in plain text', async (_what, request, body) => {
    const server = await startServer();
    expect(await ask(server, request, body)).toMatchObject({ status: 500, type: wrong });
  });

  test('a database that is gone is a 500 wherever it is asked, while messages are still taken', async () => {
    const { server, fact } = await filled();
    const paths = [
      '/search',
      '/get-memory',
      '/episodes',
      '/entity',
      '/episode',
      '/group',
      '/clear',
    ];
    for (const path of paths) server.fault({ kind: 'error', match: { path } });
    for (const what of ['GET /episodes/g?last_n=1', `GET /entity-edge/${fact.uuid}`, 'POST /clear'])
      expect(await ask(server, what)).toMatchObject({ status: 500, type: wrong });
    const messages = { group_id: 'g', messages: [hello] };
    expect((await ask(server, 'POST /messages', messages)).status).toBe(202);
    expect((await ask(server, 'GET /healthcheck')).status).toBe(200);
  });

  test('a failing embedder is a late 500 of a search', async () => {
    const { server } = await filled();
    const match = { path: '/search' };
    server.fault({ kind: 'slow', ms: 150, match });
    server.fault({ kind: 'error', match });
    const began = performance.now();
    expect(await ask(server, 'POST /search', { query: 'q' })).toMatchObject({ status: 500 });
    expect(performance.now() - began).toBeGreaterThan(140);
  });

  test('a hanging LLM hangs the request', async () => {
    const { server } = await filled();
    const clear = server.fault({ kind: 'hang', match: { path: '/get-memory' } });
    const asked = ask(server, 'POST /get-memory', {
      group_id: 'g',
      messages: [],
      center_node_uuid: null,
    });
    const outcome = asked.then(
      () => 'answered',
      () => 'cut off',
    );
    await expect.poll(() => server.received({ path: '/get-memory' }).length, soon).toBe(1);
    expect((await ask(server, 'GET /healthcheck')).status).toBe(200);
    expect(server.received({ path: '/get-memory' })[0]?.status).toBeNull();
    await clear();
    expect(await outcome).toBe('cut off');
  });
});

describe('what breaks in real life', () => {
  const more = (content: string) => ({ group_id: 'g', messages: [{ ...hello, content }] });

  test.each([
    ['a fault of the LLM', undefined],
    ['a message with a fresh uuid', { group_id: 'g', messages: [{ ...hello, uuid: 'fresh' }] }],
    ['a group_id outside its characters', { group_id: 'a b', messages: [hello] }],
  ])('%s ends the worker until a restart; 202 and healthy go on', async (_what, poison) => {
    const server = await startServer();
    if (poison) expect((await ask(server, 'POST /messages', poison)).status).toBe(202);
    else server.fault({ kind: 'dead_worker' });
    await expect.poll(() => server.state().workerAlive, soon).toBe(false);
    expect((await ask(server, 'POST /messages', more('lost'))).status).toBe(202);
    expect((await ask(server, 'GET /healthcheck')).body).toEqual({ status: 'healthy' });
    await server.heal();
    expect(server.state()).toMatchObject({ workerAlive: false, pending: 1 });
    server.restart();
    await ask(server, 'POST /messages', more('after'));
    await server.ingested();
    expect(server.episodes('g').map(({ content }) => content)).toEqual(['ann(user): after']);
  });

  test('a restart drops what waits, and keeps what is stored', async () => {
    const server = await startServer({ ingestDelayMs: 100 });
    for (const text of ['one', 'two']) await ask(server, 'POST /messages', more(text));
    await expect.poll(() => server.episodes('g').length, soon).toBe(1);
    server.restart();
    expect(server.messages('g').map(({ state }) => state)).toEqual(['stored', 'lost']);
    await server.ingested();
    expect(server.episodes('g')).toHaveLength(1);
  });

  test('one worker serves all groups, one message after another, in order of arrival', async () => {
    const server = await startServer({ ingestDelayMs: 20 });
    for (const [index, group_id] of ['g', 'h', 'g', 'h'].entries())
      await ask(server, 'POST /messages', {
        group_id,
        messages: [{ ...hello, content: `${index}` }],
      });
    const states = () => server.messages().map(({ state }) => state);
    const inOrder = (now: string[]) =>
      now.lastIndexOf('stored') <= now.filter((state) => state === 'stored').length - 1;
    const seen = [states()];
    await expect
      .poll(() => {
        seen.push(states());
        return seen.at(-1);
      }, soon)
      .toEqual(Array(4).fill('stored'));
    expect(seen.every(inOrder)).toBe(true);
  });

  test('a message without uuid is stored twice when it is sent twice', async () => {
    const { server } = await filled();
    await ask(server, 'POST /messages', { group_id: 'g', messages: [hello] });
    await server.ingested();
    expect(server.episodes('g')).toHaveLength(2);
  });

  test('a message with the uuid of an episode is ignored: the stored text is taken once more', async () => {
    const { server, episode } = await filled();
    const again = { ...hello, uuid: episode.uuid, content: 'Something else.' };
    await ask(server, 'POST /messages', { group_id: 'g', messages: [again] });
    await server.ingested();
    expect(server.episodes('g')).toMatchObject([{ content: 'ann(user): Tea is hot.' }]);
  });

  test.each([
    [{ kind: 'unavailable' }, 503],
    [{ kind: 'throttle', retryAfter: 3 }, 429],
    [{ kind: 'error' }, 500],
  ] as const)('%j answers %i, and nothing is stored', async (fault, status) => {
    const server = await startServer();
    server.fault({ ...fault, count: 1 });
    expect((await ask(server, 'POST /messages', more('lost'))).status).toBe(status);
    expect(server.messages()).toEqual([]);
  });

  test('an answer that is lost on its way says nothing of what is stored', async () => {
    const server = await startServer();
    server.fault({ kind: 'reset', applied: true, count: 1 });
    await expect(ask(server, 'POST /messages', more('stored'))).rejects.toThrow();
    server.fault({ kind: 'refuse' });
    await expect(ask(server, 'POST /messages', more('refused'))).rejects.toThrow();
    await server.heal();
    await server.ingested();
    expect(server.episodes('g').map(({ content }) => content)).toEqual(['ann(user): stored']);
  });
});
