/** Local entities over HTTP: an Express app whose questions are stored as entities, and an upstream that fails. */

import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { FallbackManager } from '@graphiti-fallback/core';
import { errors, fallback } from '@graphiti-fallback/express';
import { lowdbStore } from '@graphiti-fallback/store-lowdb';
import express from 'express';
import request from 'supertest';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { temporaryFolder } from './temporary-folder.ts';

interface Question {
  readonly id: string;
  readonly text: string;
}

const folder = temporaryFolder('entities-');
const closing: (() => unknown)[] = [];
let saved: Map<string, unknown>;
let upstream: Server;
let url: string;
let up: boolean;

beforeEach(async () => {
  saved = new Map();
  up = true;
  upstream = createServer(async (req, res) => {
    const id = req.url ?? '';
    const chunks = await req.toArray();
    if (!up) return void req.socket.destroy();
    if (req.method === 'PUT') saved.set(id, JSON.parse(Buffer.concat(chunks).toString()));
    const found = saved.get(id);
    res.statusCode = found ? 200 : 404;
    res.end(JSON.stringify(found ?? {}));
  });
  await new Promise<void>((resolve) => upstream.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(upstream.address() as AddressInfo).port}`;
});

afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
  upstream.closeAllConnections();
  await new Promise((resolve) => upstream.close(resolve));
});

function start() {
  const manager = new FallbackManager({
    name: 'questions',
    application: 'entities',
    upstream: url,
    store: lowdbStore({ directory: folder.path }),
    logger: false,
    recoveryRamp: 0,
    retry: { retries: 0 },
    breaker: { failureThreshold: 2, openFor: 100 },
  });
  const ask = async (id: string, init: RequestInit): Promise<Question> => {
    const response = await fetch(`${url}/${id}`, init);
    if (!response.ok) throw Object.assign(new Error('upstream'), { status: response.status });
    return response.json() as Promise<Question>;
  };
  const get = manager.read('question.get', {
    run: (id: string, { signal }) => ask(id, { signal }),
    entities: (id) => [{ type: 'question', id }],
    fromEntity: ({ type: _type, ...question }) => question as unknown as Question,
  });
  manager.write('question.save', {
    run: (question: Question, { signal }) =>
      ask(question.id, { method: 'PUT', body: JSON.stringify(question), signal }),
    entity: ({ id }) => ({ type: 'question', id }),
    owns: 'question',
    idempotent: true,
  });
  const app = express();
  app.use(express.json(), fallback(manager));
  app.get('/questions/:id', async (req, res) => void res.json(await get(req.params.id)));
  app.put('/questions/:id', async (req, res) => {
    const receipt = await manager.storeEntity({ ...req.body, type: 'question', id: req.params.id });
    res.status(receipt.outcome === 'applied' ? 200 : 202).json(receipt);
  });
  app.use(errors());
  closing.push(() => manager.close());
  return { manager, agent: request(app) };
}

test('an entity is stored, answers in the outage, and is replayed by a later process', async () => {
  const before = start();
  await before.agent.put('/questions/1').send({ text: 'one' }).expect(200);
  expect((await before.agent.get('/questions/1')).headers).not.toHaveProperty('x-fallback-mode');

  up = false;
  const queued = await before.agent.put('/questions/2').send({ text: 'two' }).expect(202);
  expect(queued.body).toMatchObject({ outcome: 'queued', durability: 'disk' });
  expect(queued.headers.location).toBe(`/health/fallback/operations/${queued.body.operation}`);
  const answer = await before.agent.get('/questions/2').expect(200);
  expect(answer.body).toEqual({ id: '2', text: 'two' });
  expect(answer.headers['x-fallback-mode']).toBe('queue_writes');
  // It is no cached answer, and has no age of one.
  expect(answer.headers).not.toHaveProperty('age');
  expect(answer.headers).not.toHaveProperty('cache-status');
  await before.agent.get('/questions/3').expect(503);
  const status = await before.agent.get('/health/fallback');
  expect(status.body).toMatchObject({ operations: { entity: 1 }, entities: { entries: 2 } });
  expect(status.text).not.toContain('two');
  await before.manager.close();

  const after = start();
  expect((await after.agent.get('/questions/2').expect(200)).body).toMatchObject({ text: 'two' });
  up = true;
  await expect.poll(() => saved.get('/2'), { timeout: 5_000 }).toEqual({ id: '2', text: 'two' });
});
