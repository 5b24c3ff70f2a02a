import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type RequestListener, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { FallbackError, FallbackManager } from '@graphiti-fallback/core';
import * as onExpress from '@graphiti-fallback/express';
import * as onKoa from '@graphiti-fallback/koa';
import Router from '@koa/router';
import express from 'express';
import express4 from 'express4';
import Koa from 'koa';
import supertest from 'supertest';
import { afterEach, describe, expect, test, vi } from 'vitest';

const closing: (() => Promise<unknown>)[] = [];

afterEach(async () => {
  vi.restoreAllMocks();
  for (const close of closing.splice(0).reverse()) await close();
});

async function serve(listener: RequestListener) {
  const server = createServer(listener).listen(0, '127.0.0.1');
  await once(server, 'listening');
  closing.push(async () => server.close());
  return supertest(server);
}

function managerOf(name: string) {
  const manager = new FallbackManager({ name, logger: false, breaker: { failureThreshold: 1 } });
  closing.push(() => manager.close());
  const save = manager.write(`${name}.save`, {
    run: async (_input: { readonly id: string }) => {
      throw Object.assign(new Error('down'), { status: 503 });
    },
    idempotent: true,
  });
  return { manager, save };
}

describe('Express', () => {
  const refused = () => new FallbackError('FALLBACK_UNAVAILABLE', 'Not now', { retryAfterMs: 900 });

  test.each([
    ['4', express4],
    ['5', express],
  ])(
    'handler() on Express %s: what a handler throws, at once or later, is answered',
    async (_name, make) => {
      const { handler } = onExpress.graphitiFallback;
      const app = make();
      app.get(
        '/later',
        handler(async () => {
          await Promise.resolve();
          throw refused();
        }),
      );
      app.get(
        '/at-once',
        handler(() => {
          throw refused();
        }),
      );
      app.get(
        '/without-a-reason',
        handler(() => Promise.reject()),
      );
      app.get('/without-a-reason', (_req, res) => void res.send('as if nothing had happened'));
      app.get(
        '/answers',
        handler(async (req, res) => res.json({ q: req.query.q })),
      );
      app.use(onExpress.graphitiFallback.errors());
      app.use(((_error, _req, res, _next) => {
        res.status(500).send('the app’s own');
      }) satisfies express.ErrorRequestHandler);
      const agent = await serve(app);
      for (const path of ['/later', '/at-once']) {
        const answer = await agent.get(path);
        expect(answer.status).toBe(503);
        expect(answer.headers['retry-after']).toBe('1');
        expect(answer.body).toMatchObject({ code: 'FALLBACK_UNAVAILABLE' });
      }
      expect((await agent.get('/without-a-reason')).text).toBe('the app’s own');
      expect((await agent.get('/answers?q=1')).body).toEqual({ q: '1' });
    },
  );

  test('on Express 4 a process lives through a rejected handler, but not without handler()', async () => {
    const code = `
      import express from 'express4';
      import { graphitiFallback } from '@graphiti-fallback/express';
      const app = express();
      const reject = async () => { throw Object.assign(new Error('no'), { status: 503 }); };
      app.get('/wrapped', graphitiFallback.handler(reject));
      app.get('/bare', reject);
      const server = app.listen(0, '127.0.0.1', () => console.log(server.address().port));
    `;
    const child: ChildProcess = spawn(
      process.execPath,
      ['--conditions=@graphiti-fallback/source', '--input-type=module', '--eval', code],
      { cwd: import.meta.dirname, stdio: ['ignore', 'pipe', 'ignore'] },
    );
    closing.push(async () => child.kill('SIGKILL'));
    const [port] = await once(child.stdout as NodeJS.EventEmitter, 'data');
    const url = `http://127.0.0.1:${String(port).trim()}`;
    expect((await fetch(`${url}/wrapped`)).status).toBe(503);
    expect((await fetch(`${url}/wrapped`)).status).toBe(503);
    const exited = once(child, 'exit');
    await expect(fetch(`${url}/bare`)).rejects.toThrow();
    expect((await exited)[0]).toBe(1);
  });

  test('a body that is not JSON is the framework’s 400, and the app goes on', async () => {
    const { manager } = managerOf('bodies');
    const app = express();
    app.use(onExpress.fallback(manager), express.json());
    app.post('/', (req, res) => void res.json(req.body));
    app.use(onExpress.errors());
    const agent = await serve(app);
    const send = (body: string) =>
      agent.post('/').set('content-type', 'application/json').send(body);
    expect((await send('{"text": ')).status).toBe(400);
    expect((await send('{"text": 1}')).body).toEqual({ text: 1 });
  });

  test('two managers in one app: each Location leads to the operation of its own', async () => {
    const first = managerOf('first');
    const second = managerOf('second');
    const app = express();
    app.use('/a', onExpress.fallback(first.manager, { statusPath: '/status' }));
    app.use('/a', onExpress.fallback(second.manager, { statusPath: '/other' }));
    app.post('/a/first', async (_req, res) => {
      res.status(202).json(await first.save({ id: '1' }));
    });
    app.post('/a/second', async (_req, res) => {
      res.status(202).json(await second.save({ id: '1' }));
    });
    const agent = await serve(app);
    for (const [path, status] of [
      ['/a/first', '/a/status'],
      ['/a/second', '/a/other'],
    ] as const) {
      const kept = await agent.post(path);
      expect(kept.headers.location).toBe(`${status}/operations/${kept.body.operation}`);
      const { body } = await agent.get(kept.headers.location ?? '');
      expect(body).toMatchObject({ id: kept.body.operation });
    }
  });
});

describe('Koa', () => {
  const warnings = () => vi.spyOn(process, 'emitWarning').mockImplementation(() => {});

  test('on a router it works for the routes, and warns once that the status path does not', async () => {
    const warned = warnings();
    const middleware = onKoa.fallback(managerOf('routed').manager);
    const router = new Router();
    router.use(middleware);
    router.get('/active', (ctx) => {
      ctx.body = { active: ctx.fallback.active };
    });
    const agent = await serve(new Koa().use(router.routes()).callback());
    expect((await agent.get('/health/fallback')).status).toBe(404);
    expect(warned).not.toHaveBeenCalled();
    expect((await agent.get('/active')).body).toEqual({ active: false });
    await agent.get('/active');
    expect(warned).toHaveBeenCalledOnce();
    expect(warned.mock.calls[0]?.[0]).toMatch(/on a router.*app\.use\(graphitiFallback\(\)\)/);
  });

  test('on a router that is nested in another it warns, too', async () => {
    const warned = warnings();
    const inner = new Router();
    inner.use(onKoa.fallback(managerOf('nested').manager));
    inner.get('/active', (ctx) => {
      ctx.body = { active: ctx.fallback.active };
    });
    const outer = new Router({ prefix: '/v1' });
    outer.use('/api', inner.routes());
    const agent = await serve(new Koa().use(outer.routes()).callback());
    expect((await agent.get('/v1/api/active')).status).toBe(200);
    expect(warned).toHaveBeenCalledOnce();
  });

  test('on the app it warns of no router, before it or after it', async () => {
    const warned = warnings();
    const before = new Router();
    before.get('/passes', (_ctx, next) => next());
    const after = new Router();
    after.get('/passes', (ctx) => {
      ctx.body = { active: ctx.fallback.active };
    });
    const app = new Koa();
    app
      .use(before.routes())
      .use(onKoa.fallback(managerOf('on-app').manager))
      .use(after.routes());
    const agent = await serve(app.callback());
    expect((await agent.get('/passes')).body).toEqual({ active: false });
    expect((await agent.get('/health/fallback')).status).toBe(200);
    expect(warned).not.toHaveBeenCalled();
  });

  test('a request for a whole URL gets a Location without its host', async () => {
    const { manager, save } = managerOf('absolute');
    const app = new Koa().use(onKoa.fallback(manager)).use(async (ctx) => {
      ctx.body = await save({ id: '1' });
      ctx.status = 202;
    });
    const server = createServer(app.callback()).listen(0, '127.0.0.1');
    await once(server, 'listening');
    closing.push(async () => server.close());
    const { port } = server.address() as AddressInfo;
    const sent = request({ port, host: '127.0.0.1', path: 'http://elsewhere/save', agent: false });
    const [response] = (await once(sent.end(), 'response')) as [IncomingMessage];
    response.resume();
    expect(response.headers.location).toMatch(/^\/health\/fallback\/operations\//);
  });

  test('middleware outside sees the status answered', async () => {
    const seen: number[] = [];
    const app = new Koa();
    app.use(async (ctx, next) => {
      await next();
      seen.push(ctx.status);
    });
    app.use(onKoa.fallback(managerOf('logged').manager));
    const agent = await serve(app.callback());
    await agent.get('/health/fallback');
    expect(seen).toEqual([200]);
  });
});
