import { once } from 'node:events';
import { createServer, request as httpRequest, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { FallbackManager, fallbackStatus, memoryJournal } from '@graphiti-fallback/core';
import { lowdbStore } from '@graphiti-fallback/store-lowdb';
import { type GraphitiServer, graphitiServer } from '@graphiti-fallback/testing';
import supertest from 'supertest';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type Setup, subjects } from './adapters/subjects.ts';

let graphiti: GraphitiServer;
const closing: (() => Promise<unknown>)[] = [];

beforeEach(async () => {
  graphiti = await graphitiServer();
});

afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
  await graphiti.close();
});

describe.each(subjects)('$name', (subject) => {
  /** The app, over real HTTP. */
  async function start({ options, ...setup }: Partial<Setup> = {}) {
    const { listener, fallback } = subject.build({
      options: setup.manager
        ? { ...options }
        : {
            url: graphiti.url,
            store: memoryJournal(),
            logger: false,
            breaker: { openFor: 100 },
            timeouts: { read: 300, write: 300 },
            retry: { retries: 0 },
            recoveryRamp: 0,
            reconcileFor: 300,
            ...options,
          },
      errors: true,
      ...setup,
    });
    const server: Server = createServer(listener).listen(0, '127.0.0.1');
    await once(server, 'listening');
    closing.push(async () => {
      server.close();
      server.closeAllConnections();
      await fallback.close();
    });
    return {
      agent: supertest(server),
      server,
      fallback,
      prefix: subject.mounts[setup.mount ?? ''],
    };
  }

  type App = Awaited<ReturnType<typeof start>>;

  const say = ({ agent, prefix = '' }: App, text: unknown, query = '') =>
    agent.post(`${prefix}/messages${query}`).send({ text });

  /** An app that has seen the facts, and then lost its upstream. */
  async function startStale(setup: Partial<Setup> = {}) {
    const app = await start(setup);
    expect((await app.agent.get('/facts?q=museum')).status).toBe(200);
    graphiti.fault({ kind: 'refuse' });
    return app;
  }

  /** Asks in vain until the breaker opens. */
  async function untilActive({ agent, fallback, prefix = '' }: App) {
    for (let call = 0; call < 20 && !fallback.manager.active; call += 1)
      await agent.get(`${prefix}/episodes`);
    expect(fallback.manager.active).toBe(true);
  }

  test('live: reads and writes pass, and no header tells of fallback', async () => {
    const app = await start();
    const written = await say(app, 'The museum opens at nine');
    expect(written.status).toBe(202);
    expect(written.body).toMatchObject({ outcome: 'accepted' });
    expect(written.headers).not.toHaveProperty('x-fallback-mode');
    expect(written.headers.location).toMatch(/\/operations\//);
    await graphiti.ingested();
    const facts = await app.agent.get('/facts?q=museum');
    expect(facts.status).toBe(200);
    expect(facts.body.facts[0].fact).toContain('museum');
    for (const header of ['x-fallback-mode', 'age', 'cache-status', 'location'])
      expect(facts.headers).not.toHaveProperty(header);
  });

  test('stale: the last answer with Age, Cache-Status and the mode', async () => {
    const app = await start();
    await say(app, 'The museum opens at nine');
    await graphiti.ingested();
    const live = await app.agent.get('/facts?q=museum');
    graphiti.fault({ kind: 'refuse' });
    const stale = await app.agent.get('/facts?q=museum');
    expect(stale.status).toBe(200);
    expect(stale.body).toEqual(live.body);
    expect(stale.headers['x-fallback-mode']).toBe('queue_writes');
    expect(stale.headers.age).toMatch(/^\d+$/);
    expect(stale.headers['cache-status']).toMatch(
      /^graphiti-fallback;\s?hit;\s?ttl=-?\d+;\s?detail=stale-if-error$/,
    );
  });

  test('nothing cached yet: 503 with Retry-After, as a problem', async () => {
    const app = await start();
    graphiti.fault({ kind: 'refuse' });
    const answer = await app.agent.get('/facts?q=never');
    expect(answer.status).toBe(503);
    expect(answer.headers['retry-after']).toMatch(/^\d+$/);
    expect(answer.headers['content-type']).toMatch('application/problem+json');
    expect(answer.body).toMatchObject({
      type: 'urn:graphiti-fallback:unavailable',
      code: 'FALLBACK_UNAVAILABLE',
      status: 503,
    });
    expect(answer.body.detail).toContain('no cached answer yet');
  });

  test('without errors() the status and Retry-After are right all the same', async () => {
    const app = await start({ errors: false });
    graphiti.fault({ kind: 'refuse' });
    await untilActive(app);
    const answer = await app.agent.get('/facts?q=never');
    expect(answer.status).toBe(503);
    expect(answer.headers['retry-after']).toMatch(/^\d+$/);
    expect(answer.headers['x-fallback-mode']).toBe('queue_writes');
    expect(answer.headers['content-type']).not.toMatch('problem');
  });

  test.each(Object.entries(fallbackStatus))('%s is %i, as a problem', async (code, status) => {
    const app = await start();
    const answer = await app.agent.get(`/refused?code=${code}`);
    expect(answer.status).toBe(status);
    expect(answer.headers['retry-after']).toBe('2');
    expect(answer.headers['content-type']).toMatch('application/problem+json');
    expect(answer.body).toMatchObject({ code, status, detail: 'Not now' });
    expect(answer.body.type).toMatch(/^urn:graphiti-fallback:[a-z-]+$/);
    // What the app had said of another answer is not said of this one.
    expect(answer.headers).not.toHaveProperty('etag');
    expect(answer.headers['cache-control']).toBe('no-store');
    expect(answer.headers['content-length']).toBe(String(Buffer.byteLength(answer.text)));
  });

  test('queued: 202, and a Location that leads to what became of it', async () => {
    // A message that a busy machine cuts off may have arrived: it would be looked for before it is sent again.
    const app = await start({ options: { timeouts: { read: 5_000, write: 5_000 } } });
    graphiti.fault({ kind: 'refuse' });
    const queued = await say(app, 'secret payload');
    expect(queued.status).toBe(202);
    expect(queued.body).toMatchObject({ outcome: 'queued', durability: 'memory' });
    expect(queued.headers['x-fallback-mode']).toBe('queue_writes');
    const location = queued.headers.location ?? '';
    expect(location).toBe(`/health/fallback/operations/${queued.body.operation}`);
    const waiting = await app.agent.get(location);
    expect(waiting.status).toBe(200);
    expect(waiting.headers['cache-control']).toBe('no-store');
    expect(waiting.headers['content-type']).toMatch('application/json');
    expect(waiting.body).toMatchObject({ id: queued.body.operation, state: 'ready' });
    expect(waiting.body.createdAt).toBeLessThanOrEqual(waiting.body.enqueuedAt);
    for (const secret of ['secret', 'demo', 'add_message', 'ECONN'])
      expect(waiting.text).not.toContain(secret);
    const head = await app.agent.head(location);
    expect(head.status).toBe(200);
    expect(head.text).toBeUndefined();
    await graphiti.heal();
    const state = async () => {
      // Users go on: one of their calls finds out that the upstream is back.
      await app.agent.get('/facts?q=tea');
      return (await app.agent.get(location)).body.state;
    };
    await expect.poll(state, { timeout: 10_000 }).toBe('confirmed');
    expect((await app.agent.get(location)).body.endedAt).toBeGreaterThan(0);
  }, 15_000); // longer than what it polls for

  test('a Location of the app’s own stays, and only a 202 gets one', async () => {
    const app = await start();
    graphiti.fault({ kind: 'refuse' });
    const own = await say(app, 'one', '?location=/mine');
    expect(own.headers.location).toBe('/mine');
    expect((await say(app, 'two', '?status=200')).headers).not.toHaveProperty('location');
    expect((await say(app, 'three', '?status=303&location=/x')).headers.location).toBe('/x');
  });

  test.each([
    'unknown-0123',
    '0192f0c1-2222-7333-8444-555555555555',
    '%00',
    '%E0%A4%A',
    '__proto__',
  ])('the operation %s is unknown: 404, as a problem', async (id) => {
    const app = await start();
    const answer = await app.agent.get(`/health/fallback/operations/${id}`);
    expect(answer.status).toBe(404);
    expect(answer.headers['content-type']).toMatch('application/problem+json');
    expect(answer.body).toMatchObject({
      type: 'urn:graphiti-fallback:unknown-operation',
      status: 404,
    });
  });

  test('the status: for GET and HEAD, with a query and with a slash at the end', async () => {
    const app = await start();
    for (const path of ['', '/', '?pretty', '/?x=/y']) {
      const answer = await app.agent.get(`/health/fallback${path}`);
      expect(answer.status).toBe(200);
      expect(answer.headers['cache-control']).toBe('no-store');
      expect(answer.body).toMatchObject({ name: 'graphiti', active: false });
    }
    const head = await app.agent.head('/health/fallback');
    expect(head.status).toBe(200);
    expect(head.headers['content-type']).toMatch('application/json');
    expect(head.text).toBeUndefined();
  });

  test('what is not the kit’s to answer is the app’s', async () => {
    const app = await start({ options: { statusPath: '/up' } });
    const apps = { app: 'knows no such path' };
    expect((await app.agent.get('/up')).body).toMatchObject({ name: 'graphiti' });
    expect((await app.agent.get('/up/operations/x')).status).toBe(404);
    for (const path of ['/health/fallback', '/up/operations', '/up/operations/a/b', '/upper'])
      expect((await app.agent.get(path)).body).toEqual(apps);
    for (const path of ['/up', '/up/operations/x']) {
      expect((await app.agent.post(path)).body).toEqual(apps);
      expect((await app.agent.delete(path)).body).toEqual(apps);
      expect((await app.agent.options(path)).body).toEqual(apps);
    }
  });

  test('a store that cannot tell how it is shows in the status, and the app goes on', async () => {
    const store = { ...memoryJournal(), status: () => JSON.parse('{') };
    const app = await start({ options: { store } });
    const answer = await app.agent.get('/health/fallback');
    expect(answer.status).toBe(200);
    expect(answer.body.store).toMatchObject({ writable: false, problem: 'SyntaxError' });
    expect((await app.agent.get('/plain')).body).toEqual({ plain: true });
  });

  test('a status that cannot be taken is a 500, and the app goes on', async () => {
    const app = await start();
    app.fallback.manager.status = () => JSON.parse('{');
    const answer = await app.agent.get('/health/fallback');
    expect(answer.status).toBe(500);
    expect(answer.body).toMatchObject({ code: 'FALLBACK_STATUS_FAILED' });
    expect((await app.agent.get('/plain')).body).toEqual({ plain: true });
  });

  test('why a person activated fallback is not for everybody', async () => {
    const app = await start();
    await app.fallback.manager.activate('read_only', 'moving to Bob’s machine');
    const { body, text } = await app.agent.get('/health/fallback');
    expect(body).toMatchObject({
      trigger: 'manual',
      mode: { configured: 'queue_writes', current: 'read_only' },
      breakers: { graphiti: { state: 'isolated', isolation: { mode: 'read_only' } } },
    });
    expect(text).not.toContain('Bob');
  });

  test('what Graphiti would not take is refused before anything is sent: 400', async () => {
    const app = await start();
    const group = await say(app, 'text', '?group=not%20a%20group!');
    expect(group.status).toBe(400);
    expect(group.body).toMatchObject({ code: 'FALLBACK_INVALID_INPUT' });
    expect((await app.agent.get('/facts?q=')).status).toBe(400);
    expect((await say(app, 7)).status).toBe(400);
    // On a busy machine the first check of the background has come by now.
    const asked = graphiti.received().filter(({ path }) => path !== '/healthcheck');
    expect(asked).toEqual([]);
  });

  test('an upstream that hangs, with nothing that could stand in: 504', async () => {
    const app = await start();
    graphiti.fault({ kind: 'hang' });
    const answer = await app.agent.get('/health');
    expect(answer.status).toBe(504);
    expect(answer.body).toMatchObject({ code: 'FALLBACK_TIMEOUT' });
  });

  test('a write that can be neither sent nor stored: 507', async () => {
    const store = lowdbStore({ directory: '/proc/graphiti-fallback' });
    const app = await start({ options: { store } });
    graphiti.fault({ kind: 'refuse' });
    const answer = await say(app, 'kept nowhere');
    expect(answer.status).toBe(507);
    expect(answer.body).toMatchObject({ code: 'FALLBACK_STORE_FAILED' });
  });

  test('read-only: reads from the cache, writes refused with 503', async () => {
    const app = await startStale({ options: { mode: 'read_only', breaker: { openFor: 60_000 } } });
    await untilActive(app);
    const stale = await app.agent.get('/facts?q=museum');
    expect(stale.headers['x-fallback-mode']).toBe('read_only');
    const answer = await say(app, 'refused');
    expect(answer.status).toBe(503);
    expect(answer.headers['retry-after']).toMatch(/^\d+$/);
    expect(answer.headers['x-fallback-mode']).toBe('read_only');
    expect(answer.body).toMatchObject({
      code: 'FALLBACK_READ_ONLY',
      type: 'urn:graphiti-fallback:read-only',
    });
  });

  test('stored until somebody syncs: 202 with a Location, too', async () => {
    const app = await start({ options: { mode: 'local_storage' } });
    graphiti.fault({ kind: 'refuse' });
    const stored = await say(app, 'local');
    expect(stored.status).toBe(202);
    expect(stored.body).toMatchObject({ outcome: 'stored' });
    expect(stored.headers['x-fallback-mode']).toBe('local_storage');
    expect((await app.agent.get(stored.headers.location ?? '')).body).toMatchObject({
      id: stored.body.operation,
      state: 'local',
    });
  });

  test('the mode is told while fallback is active, whatever the handler does', async () => {
    const app = await start();
    await app.fallback.manager.activate('memory_only', 'maintenance');
    for (const path of ['/plain', '/active', '/nowhere'])
      expect((await app.agent.get(path)).headers['x-fallback-mode']).toBe('memory_only');
    expect((await app.agent.get('/active')).body).toEqual({ active: true, mode: 'memory_only' });
    await app.fallback.manager.deactivate();
  });

  test('handlers see whether fallback is active, and what they were served from', async () => {
    const app = await startStale({ options: { breaker: { openFor: 60_000 } } });
    expect((await app.agent.get('/active')).body).toEqual({ active: false, mode: 'none' });
    const served = [{ operation: 'graphiti.search', outcome: 'stale' }];
    expect((await app.agent.get('/served?q=museum')).body).toEqual(served);
    await untilActive(app);
    const during = await app.agent.get('/active');
    expect(during.body).toEqual({ active: true, mode: 'queue_writes' });
    expect(during.headers['x-fallback-mode']).toBe('queue_writes');
  });

  test('the app’s own headers win', async () => {
    const app = await startStale();
    const { headers } = await app.agent.get('/mine?q=museum');
    expect(headers).toMatchObject({
      'x-fallback-mode': 'mine',
      age: '7',
      'cache-status': 'mine; hit',
    });
  });

  test('HEAD has the headers of GET, and no body', async () => {
    const app = await startStale();
    const head = await app.agent.head('/facts?q=museum');
    expect(head.status).toBe(200);
    expect(head.headers['cache-status']).toContain('stale-if-error');
    expect(head.text).toBeUndefined();
  });

  test('OPTIONS is the app’s to answer', async () => {
    const app = await startStale();
    const answer = await app.agent.options('/facts');
    expect(answer.status).toBe(204);
    expect(answer.headers.allow).toBe('GET, HEAD');
  });

  test('a 304 stays one', async () => {
    const app = await startStale();
    const answer = await app.agent.get('/not-modified?q=museum');
    expect(answer.status).toBe(304);
    expect(answer.headers.etag).toBe('"1"');
    expect(answer.text).toBe('');
  });

  test('a stream tells what was served before its head, and goes on', async () => {
    const app = await startStale();
    const answer = await app.agent.get('/stream?q=museum').buffer();
    expect(answer.status).toBe(200);
    expect(answer.headers['cache-status']).toContain('stale-if-error');
    expect(String(answer.body.length ? answer.body : answer.text)).toBe('ab');
  });

  test('a failure after the head was sent cuts nothing off', async () => {
    const app = await start();
    graphiti.fault({ kind: 'refuse' });
    const answer = await app.agent.get('/too-late');
    expect(answer.status).toBe(200);
    expect(answer.text).toBe('sent before, and after');
    expect(answer.headers).not.toHaveProperty('retry-after');
    expect((await app.agent.get('/plain')).status).toBe(200);
  });

  test.each([true, false])(
    'an error of the app tells what was served before it (errors(): %s)',
    async (errors) => {
      const app = await startStale({ errors });
      const answer = await app.agent.get('/throws-after?q=museum');
      expect(answer.status).toBe(500);
      expect(answer.headers['content-type']).not.toMatch('problem');
      expect(answer.headers['x-fallback-mode']).toBe('queue_writes');
      expect(answer.headers['cache-status']).toContain('stale-if-error');
    },
  );

  test('a body parser that loses the async context loses no header', async () => {
    const app = await startStale({ losesContext: true });
    expect((await app.agent.get('/facts?q=museum')).headers).toHaveProperty('cache-status');
    const queued = await say(app, 'queued');
    expect(queued.status).toBe(202);
    expect(queued.headers).toHaveProperty('location');
  });

  test.each(Object.entries(subject.mounts))(
    'mounted below a prefix (%s): the status path and the Location are, too',
    async (mount, prefix) => {
      const app = await start({ mount });
      expect((await app.agent.get(`${prefix}/health/fallback`)).body).toMatchObject({
        name: 'graphiti',
      });
      expect((await app.agent.get('/health/fallback')).status).toBe(404);
      graphiti.fault({ kind: 'refuse' });
      const queued = await say(app, 'queued');
      expect(queued.status).toBe(202);
      const location = queued.headers.location ?? '';
      expect(location).toBe(`${prefix}/health/fallback/operations/${queued.body.operation}`);
      expect((await app.agent.get(location)).body).toMatchObject({ id: queued.body.operation });
      expect((await app.agent.get(`${prefix}/facts?q=never`)).body).toMatchObject({
        code: 'FALLBACK_UNAVAILABLE',
      });
    },
  );

  test('a client that disconnects leaves nothing behind', async () => {
    const app = await start();
    graphiti.fault({ kind: 'slow', ms: 100 });
    const { port } = app.server.address() as AddressInfo;
    for (let client = 0; client < 5; client += 1) {
      const call = httpRequest({ port, path: `/facts?q=gone${client}`, host: '127.0.0.1' }).end();
      call.on('error', () => {});
      await new Promise((resolve) => setTimeout(resolve, 10));
      call.destroy();
    }
    await graphiti.heal();
    expect((await say(app, 'still here')).status).toBe(202);
    const connections = () =>
      new Promise((resolve) => app.server.getConnections((_error, count) => resolve(count)));
    await expect.poll(connections).toBeLessThanOrEqual(1);
  });

  test('a listener that throws does not fail the request', async () => {
    const app = await start();
    app.fallback.manager.on('operation', () => {
      throw new Error('a listener of the app');
    });
    expect((await app.agent.get('/facts?q=museum')).status).toBe(200);
  });

  test('closed, the app goes on without the kit', async () => {
    const app = await start();
    await app.fallback.close();
    expect((await app.agent.get('/facts?q=museum')).status).toBe(200);
    expect((await app.agent.get('/health/fallback')).body).toMatchObject({ closed: true });
  });

  test('any upstream: the same without Graphiti', async () => {
    const manager = new FallbackManager({ name: `weather-${subject.name}`, logger: false });
    const app = await start({ manager, options: { statusPath: '/weather' } });
    const status = await app.agent.get('/weather');
    expect(status.body).toMatchObject({ name: manager.name });
    await manager.activate();
    expect((await app.agent.get('/active')).body).toEqual({ active: true, mode: 'queue_writes' });
    await manager.deactivate();
  });

  test.each([
    [{ ulr: 'x' }, /Unknown option `ulr`/],
    [{ url: 'graphiti' }, /`url`.*URL.*"graphiti"/],
    [{ breaker: 3 }, /`breaker` of graphitiFallback/],
    [[], /graphitiFallback to be an object/],
    [{ upstream: 'http://x' }, /Unknown option `upstream`/],
    [{ statusPath: 'health' }, /`statusPath`.*"health"/],
    [{ breaker: { openFor: -1 } }, /`openFor` of `breaker`.*-1/],
    [{ mode: 'magic' }, /`mode`.*disabled.*queue_writes.*"magic"/],
  ])('the options %j are refused, naming what came and what was expected', (options, message) => {
    expect(() => subject.build({ options: options as object, errors: true })).toThrow(message);
  });
});
