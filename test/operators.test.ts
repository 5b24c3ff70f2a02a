import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import { connect, createServer as createHttp2Server } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { FallbackManager } from '@graphiti-fallback/core';
import * as onExpress from '@graphiti-fallback/express';
import * as onKoa from '@graphiti-fallback/koa';
import compression from 'compression';
import express from 'express';
import express4 from 'express4';
import helmet from 'helmet';
import Koa from 'koa';
import supertest from 'supertest';
import { afterEach, describe, expect, test } from 'vitest';
import { readEvents } from './adapters/event-reader.ts';

const closing: (() => Promise<unknown>)[] = [];

afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

let count = 0;

function makeManager() {
  count += 1;
  const manager = new FallbackManager({ name: `operated-${count}`, logger: false });
  closing.push(() => manager.close());
  return manager;
}

async function serve(listener: RequestListener) {
  const server = createServer(listener).listen(0, '127.0.0.1');
  await once(server, 'listening');
  closing.push(async () => {
    server.close();
    server.closeAllConnections();
  });
  return { agent: supertest(server), port: (server.address() as AddressInfo).port };
}

const path = '/health/fallback/actions';
/** Operators of an app that a proxy asks for by another name. */
const named = { authorize: () => true, hosts: ['internal:3000', 'ops.example'] };

describe.each([
  ['4', express4],
  ['5', express],
])('Express %s', (_version, make) => {
  test('a body parser may have been there before', async () => {
    const manager = makeManager();
    const app = make();
    app.use(express.json(), onExpress.fallback(manager, { authorize: () => true }));
    const { agent } = await serve(app);
    expect((await agent.post(path).send({ action: 'pause' })).status).toBe(200);
    expect(manager.queue.paused).toBe(true);
    expect((await agent.post(path).send({ action: 'none' })).status).toBe(400);
    expect((await agent.post(path).send({})).status).toBe(400);
  });

  test('`authorize` has what middleware before it has found out', async () => {
    const manager = makeManager();
    const app = make();
    app.use((req, _res, next) => {
      Object.assign(req, { user: { role: req.get('x-role') } });
      next();
    });
    const authorize = (req: express.Request) => Reflect.get(req, 'user').role === 'operator';
    app.use(onExpress.fallback(manager, { authorize }));
    const { agent } = await serve(app);
    const act = (role: string) => agent.post(path).set('x-role', role).send({ action: 'pause' });
    expect((await act('guest')).status).toBe(403);
    expect((await act('operator')).status).toBe(200);
  });

  test.each([
    [true, 200],
    [false, 403],
  ])('a forwarded host counts as the app trusts it: %s', async (trusted, status) => {
    const app = make().set('trust proxy', trusted);
    app.use(onExpress.fallback(makeManager(), { authorize: () => true }));
    const { agent } = await serve(app);
    const answer = await agent
      .post(path)
      .set({ origin: 'https://public.example', 'x-forwarded-host': 'public.example' })
      .send({ action: 'pause' });
    expect(answer.status).toBe(status);
  });
});

describe('Koa', () => {
  test('`authorize` gets the context, with what middleware before it has found out', async () => {
    const manager = makeManager();
    const app = new Koa();
    app.use(async (ctx, next) => {
      ctx.state.user = ctx.get('x-role');
      await next();
    });
    app.use(onKoa.fallback(manager, { authorize: (ctx) => ctx.state.user === 'operator' }));
    const { agent } = await serve(app.callback());
    const act = (role: string) => agent.post(path).set('x-role', role).send({ action: 'pause' });
    expect((await act('guest')).status).toBe(403);
    expect((await act('operator')).status).toBe(200);
  });

  test('a body parser may have been there before', async () => {
    const manager = makeManager();
    const app = new Koa();
    app.use(async (ctx, next) => {
      if (ctx.method === 'POST')
        Object.assign(ctx.request, { body: JSON.parse(await text(ctx.req)) });
      await next();
    });
    app.use(onKoa.fallback(manager, { authorize: () => true }));
    const { agent } = await serve(app.callback());
    expect((await agent.post(path).send({ action: 'pause' })).status).toBe(200);
    expect((await agent.post(path).send({})).status).toBe(400);
  });

  test.each([
    [true, 200],
    [false, 403],
  ])('a forwarded host counts as the app trusts it: %s', async (proxy, status) => {
    const app = new Koa({ proxy });
    app.use(onKoa.fallback(makeManager(), { authorize: () => true }));
    const { agent } = await serve(app.callback());
    const answer = await agent
      .post(path)
      .set({ origin: 'https://public.example', 'x-forwarded-host': 'public.example' })
      .send({ action: 'pause' });
    expect(answer.status).toBe(status);
  });
});

describe.each([
  [
    'Express',
    (manager: FallbackManager) =>
      express().set('trust proxy', 'loopback').use(onExpress.fallback(manager, named)),
  ],
  [
    'Koa',
    (manager: FallbackManager) =>
      new Koa({ proxy: true }).use(onKoa.fallback(manager, named)).callback(),
  ],
] as const)('`hosts` on %s, with a proxy in front of it', (_name, make) => {
  test.each([
    ['evil.example', 'ops.example', 403],
    ['evil.example', undefined, 403],
    ['internal:3000', 'evil.example', 403],
    ['internal:3000', 'ops.example', 200],
    ['internal:3000', undefined, 200],
  ])('asked as %s, forwarded as %s: %i', async (host, forwarded, status) => {
    const { agent } = await serve(make(makeManager()));
    const headers = { host, ...(forwarded && { 'x-forwarded-host': forwarded }) };
    const looked = await agent.get('/health/fallback/queue').set(headers);
    const acted = await agent.post(path).set(headers).send({ action: 'pause' });
    expect([looked.status, acted.status]).toEqual([status, status]);
  });
});

describe('beside helmet and compression', () => {
  async function start() {
    const manager = makeManager();
    const app = express();
    app.use(helmet(), compression({ threshold: 0 }), onExpress.fallback(manager));
    app.get('/page', (_req, res) => void res.send('<p>the app’s</p>'));
    return { manager, ...(await serve(app)) };
  }

  test('the page has a policy of its own, and the app’s pages theirs', async () => {
    const { agent } = await start();
    const own = await agent.get('/health/fallback').set('accept', 'text/html');
    expect(own.headers['content-security-policy']).toMatch(/^default-src 'none';/);
    expect(own.headers['content-security-policy']).not.toContain('upgrade-insecure-requests');
    expect(own.text).not.toMatch(/<script(?![^>]*\ssrc=)|<style|\sstyle=|\son\w+=|https?:\/\//);
    const apps = await agent.get('/page');
    expect(apps.headers['content-security-policy']).toContain('upgrade-insecure-requests');
  });

  test('events come while the stream is open', async () => {
    const { manager, port } = await start();
    const stream = await readEvents(port, '/health/fallback/events');
    expect(stream.response.headers['content-encoding']).toBeUndefined();
    await expect.poll(() => stream.statuses.length).toBeGreaterThan(0);
    await manager.activate('read_only');
    await expect.poll(() => stream.statuses.at(-1)?.mode.current).toBe('read_only');
    stream.leave();
  });
});

test('an operator’s act is a line of the logger, with who it was and what came of it', async () => {
  const lines: string[] = [];
  const log = (line: string) => void lines.push(line);
  const manager = new FallbackManager({
    name: 'logged',
    logger: { info: log, warn: log },
  });
  closing.push(() => manager.close());
  const app = express().use(onExpress.fallback(manager, { authorize: () => 'ann' }));
  const { agent } = await serve(app);
  await agent.post(path).send({ action: 'pause' });
  await agent.post(path).send({ action: 'pause' });
  expect(lines).toEqual([
    '[graphiti-fallback] logged: pause, by ann',
    '[graphiti-fallback] logged: pause (not possible), by ann',
  ]);
});

test('over HTTP/2 the name that was asked for counts as `Host` does', async () => {
  const manager = makeManager();
  const app = new Koa();
  app.use(onKoa.fallback(manager, { authorize: () => true, hosts: ['ops.example'] }));
  const handle = app.callback();
  const server = createHttp2Server((req, res) => void handle(req as never, res as never));
  await once(server.listen(0, '127.0.0.1'), 'listening');
  closing.push(async () => void server.close());
  const client = connect(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  closing.push(async () => void client.close());
  const status = async (authority: string) => {
    const asked = client.request({ ':path': '/health/fallback/queue', ':authority': authority });
    const [headers] = await once(asked, 'response');
    asked.resume();
    return headers[':status'];
  };
  expect(await status('ops.example:8443')).toBe(200);
  expect(await status('evil.example')).toBe(403);
});
