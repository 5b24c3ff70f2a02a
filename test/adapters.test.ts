import { once } from 'node:events';
import { createServer, request as httpRequest, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { FallbackManager, fallbackStatus, memoryJournal } from '@graphiti-fallback/core';
import { lowdbStore } from '@graphiti-fallback/store-lowdb';
import { type GraphitiServer, graphitiServer } from '@graphiti-fallback/testing';
import supertest from 'supertest';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { readEvents } from './adapters/event-reader.ts';
import { type Setup, type SubjectOptions, subjects } from './adapters/subjects.ts';

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
            timeouts: { read: 2_000, write: 2_000 },
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
      port: (server.address() as AddressInfo).port,
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

  describe('probes', () => {
    const ask = async ({ agent }: App) => {
      const answers = await Promise.all(
        ['live', 'ready', 'degraded'].map((probe) => agent.get(`/health/fallback/${probe}`)),
      );
      return answers.map(({ status, body }) => [status, body.status, body.reasons] as const);
    };

    test('live: all is well', async () => {
      const app = await start();
      expect(await ask(app)).toEqual([
        [200, 'ok', []],
        [200, 'ok', []],
        [200, 'ok', []],
      ]);
      expect((await app.agent.head('/health/fallback/ready')).status).toBe(200);
    });

    test('an outage makes the app degraded, not unready', async () => {
      const app = await start({ options: { breaker: { openFor: 60_000 } } });
      graphiti.fault({ kind: 'refuse' });
      await untilActive(app);
      const reasons = expect.arrayContaining(['fallback_active']);
      expect(await ask(app)).toEqual([
        [200, 'degraded', reasons],
        [200, 'degraded', reasons],
        [503, 'degraded', reasons],
      ]);
    });

    test('an app is unready before its store is open, and after it was closed', async () => {
      const slow = memoryJournal();
      const open = slow.open.bind(slow);
      let letOpen = () => {};
      const waiting = new Promise<void>((resolve) => {
        letOpen = resolve;
      });
      const store = Object.assign(slow, {
        open: async (...args: Parameters<typeof open>) => {
          await waiting;
          return open(...args);
        },
      });
      const app = await start({ options: { store } });
      const starting = [200, 503, 503].map((status) => [status, 'starting', []]);
      expect(await ask(app)).toEqual(starting);
      letOpen();
      await expect.poll(async () => (await ask(app))[1]?.[0]).toBe(200);
      await app.fallback.close();
      expect(await ask(app)).toEqual([200, 503, 503].map((status) => [status, 'closed', []]));
    });
  });

  describe('the stream of changes', () => {
    test('tells the status at once, and whenever it changes', async () => {
      const app = await start({ options: { breaker: { openFor: 60_000 } } });
      const stream = await readEvents(app.port, '/health/fallback/events');
      expect(stream.response.statusCode).toBe(200);
      expect(stream.response.headers).toMatchObject({
        'content-type': 'text/event-stream; charset=utf-8',
        'cache-control': 'no-store, no-transform',
        connection: 'close',
      });
      await expect.poll(() => stream.statuses[0]?.active).toBe(false);
      await app.fallback.manager.activate('read_only', 'secret reason');
      await expect.poll(() => stream.statuses.at(-1)?.mode.current).toBe('read_only');
      expect(stream.text).not.toContain('secret reason');
      await app.fallback.manager.deactivate();
      stream.leave();
    });

    test('ends by itself when the server closes, which waits for nothing else', async () => {
      const app = await start();
      const streams = await Promise.all(
        [1, 2, 3].map(() => readEvents(app.port, '/health/fallback/events')),
      );
      const closed = once(app.server, 'close');
      app.server.close();
      await Promise.all(streams.map(({ ended }) => ended));
      await closed;
    });

    test('ends with the manager', async () => {
      const app = await start();
      const stream = await readEvents(app.port, '/health/fallback/events');
      await app.fallback.close();
      await stream.ended;
      expect((await readEvents(app.port, '/health/fallback/events')).response.statusCode).toBe(503);
    });

    test('is bounded in number and in length; whoever finds no place may ask again', async () => {
      const app = await start({ options: { events: { most: 2, lastFor: 2_000 } } });
      const path = '/health/fallback/events';
      const streams = [await readEvents(app.port, path), await readEvents(app.port, path)];
      const refused = await app.agent.get(path);
      expect(refused.status).toBe(503);
      expect(refused.headers['retry-after']).toBe('5');
      expect(refused.body).toMatchObject({ code: 'FALLBACK_TOO_MANY_STREAMS' });
      expect((await app.agent.get('/health/fallback')).status).toBe(200);
      await Promise.all(streams.map(({ ended }) => ended));
      const again = await readEvents(app.port, path);
      expect(again.response.statusCode).toBe(200);
      again.leave();
    });

    test('HEAD tells the type, and ends', async () => {
      const app = await start();
      const head = await app.agent.head('/health/fallback/events');
      expect(head.status).toBe(200);
      expect(head.headers['content-type']).toMatch('text/event-stream');
    });
  });

  test('the history: transitions and counts', async () => {
    const app = await start();
    await app.agent.get('/facts?q=museum');
    await app.fallback.manager.activate();
    await app.fallback.manager.deactivate();
    const { status, body } = await app.agent.get('/health/fallback/history');
    expect(status).toBe(200);
    const own = body.transitions.filter(
      ({ breaker }: { breaker: string }) => breaker === 'graphiti',
    );
    expect(own[0]).toMatchObject({ from: 'closed', to: 'isolated', reason: 'manual' });
    expect(own[1]).toMatchObject({ from: 'isolated', to: 'half_open' });
    expect(body.columns).toEqual(['at', 'live', 'stale', 'kept', 'failed', 'waiting']);
    expect(body.rows[0]).toHaveLength(6);
  });

  describe('the page', () => {
    const accept = 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8';
    const files = /(?:href|src)="([^"]*page\/[^"]+)"/g;
    const policy = /^default-src 'none'; script-src 'self'; style-src 'self';/;

    /** Where a browser at `address` would look for the page's files. */
    const addressesOf = (html: string, address: string) =>
      [...html.matchAll(files)].map(
        ([, file = '']) => new URL(file, `http://app${address}`).pathname,
      );

    test('is for browsers; programs get JSON, and caches are told', async () => {
      const app = await start();
      const ask = (given: string) => app.agent.get('/health/fallback').set('accept', given);
      const page = await ask(accept);
      expect(page.status).toBe(200);
      expect(page.headers).toMatchObject({
        'content-type': 'text/html; charset=utf-8',
        'cache-control': 'no-store',
        'content-security-policy': expect.stringMatching(policy),
        'x-content-type-options': 'nosniff',
        'x-frame-options': 'DENY',
      });
      expect(page.headers.vary).toMatch(/\bAccept\b/);
      for (const other of ['*/*', 'application/json', 'image/png', 'application/json, text/html']) {
        const answer = await ask(other);
        expect(answer.headers['content-type']).toMatch('application/json');
        expect(answer.headers.vary).toMatch(/\bAccept\b/);
        expect(answer.body).toMatchObject({ name: 'graphiti' });
      }
      const head = await app.agent.head('/health/fallback').set('accept', accept);
      expect(head.headers['content-type']).toMatch('text/html');
      expect(head.text).toBeUndefined();
    });

    test.each(['/health/fallback', '/health/fallback/', '/health/fallback?x=/y/'])(
      'has its files beside it, however it is asked for: %s',
      async (path) => {
        const app = await start();
        const { text } = await app.agent.get(path).set('accept', accept);
        expect(addressesOf(text, path)).toEqual([
          '/health/fallback/page/page.css',
          '/health/fallback/page/main.js',
        ]);
      },
    );

    test.each(Object.entries(subject.mounts))('below a prefix, too (%s)', async (mount, prefix) => {
      for (const statusPath of ['/health/fallback', '/']) {
        const app = await start({ mount, options: { statusPath } });
        for (const end of ['', '/']) {
          const path = `${prefix}${statusPath.replace(/\/$/, '')}${end}`;
          const { text } = await app.agent.get(path).set('accept', accept);
          const [styles] = addressesOf(text, path);
          expect(styles).toBe(`${path.replace(/\/$/, '')}/page/page.css`);
        }
      }
    });

    test('behind a proxy that changes paths its files have the public one', async () => {
      const app = await start({ options: { publicPath: '/ops/fallback/' } });
      const { text } = await app.agent.get('/health/fallback').set('accept', accept);
      const [styles] = addressesOf(text, '/anything/else');
      expect(styles).toBe('/ops/fallback/page/page.css');
    });

    test('nothing but its files is served, whatever the path says', async () => {
      const app = await start();
      for (const name of ['none.js', '__proto__', 'constructor', '..%2fpackage.json', 'a/b/c'])
        expect((await app.agent.get(`/health/fallback/page/${name}`)).status).toBe(404);
    });
  });

  describe('an operator', () => {
    const secret = 'the-operators-token';
    const authorize: SubjectOptions['authorize'] = ({ headers }) =>
      headers.authorization === `Bearer ${secret}` && 'ann';
    const act = ({ agent, prefix = '' }: App, body: object, headers: Record<string, string> = {}) =>
      agent
        .post(`${prefix}/health/fallback/actions`)
        .set({ authorization: `Bearer ${secret}`, ...headers })
        .send(body);
    const look = ({ agent, prefix = '' }: App, headers: Record<string, string> = {}) =>
      agent
        .get(`${prefix}/health/fallback/queue`)
        .set({ authorization: `Bearer ${secret}`, ...headers });

    /** An app whose acts are heard. */
    async function startOperated(setup: Partial<Setup> = {}) {
      const app = await start({ ...setup, options: { authorize, ...setup.options } });
      const audit: object[] = [];
      app.fallback.manager.on('operatorActed', ({ at: _at, ...act }) => audit.push(act));
      app.fallback.manager.on('operatorDenied', () => audit.push({ denied: true }));
      return { ...app, audit };
    }

    test('there is none without `authorize`: 404', async () => {
      const app = await start();
      expect((await act(app, { action: 'pause' })).status).toBe(404);
      expect((await look(app)).status).toBe(404);
      expect(app.fallback.manager.queue.paused).toBe(false);
    });

    test('whom the app does not let may neither look nor act, which is audited', async () => {
      const app = await startOperated();
      const nobody = { authorization: 'Bearer somebody-else' };
      const denied = await act(app, { action: 'pause' }, nobody);
      expect(denied.status).toBe(403);
      expect(denied.body).toMatchObject({ code: 'FALLBACK_FORBIDDEN' });
      const look = await app.agent.get('/health/fallback/queue').set(nobody);
      expect(look.status).toBe(403);
      expect(app.fallback.manager.queue.paused).toBe(false);
      expect(app.audit).toEqual([{ denied: true }, { denied: true }]);
    });

    test('what another site’s page sends is refused before the app is asked who it is', async () => {
      let asked = 0;
      const app = await startOperated({
        options: {
          authorize: () => {
            asked += 1;
            return true;
          },
        },
      });
      const elsewhere = { 'sec-fetch-site': 'cross-site' };
      expect((await act(app, { action: 'pause' }, elsewhere)).status).toBe(403);
      expect((await look(app, elsewhere)).status).toBe(403);
      expect([asked, app.audit.length]).toEqual([0, 2]);
    });

    test('an act that fails is told, too: nobody knows how far it got', async () => {
      const app = await startOperated();
      app.fallback.manager.activate = () => Promise.reject(new Error('a secret of the disk'));
      const answer = await act(app, { action: 'activate' });
      expect(answer.status).toBe(500);
      expect(answer.text).not.toContain('secret');
      expect(app.audit).toEqual([
        { action: 'activate', target: 'graphiti', result: 'failed', by: 'ann' },
      ]);
    });

    test.each([
      ['ops.example', 200],
      ['OPS.example:8080', 200],
      ['127.0.0.1:3000', 200],
      ['127.0.0.1:4000', 403],
      ['rebound.evil.example', 403],
    ])('with `hosts` the app is asked by those names only: %s is %i', async (host, status) => {
      const hosts = ['ops.example', '127.0.0.1:3000'];
      const app = await startOperated({ options: { hosts } });
      expect((await look(app, { host })).status).toBe(status);
      expect((await act(app, { action: 'pause' }, { host })).status).toBe(status);
      expect((await app.agent.get('/health/fallback').set({ host })).status).toBe(200);
    });

    test('sees which writes were acknowledged and not seen in time, without what is in them', async () => {
      const app = await startOperated({
        options: { confirm: { within: 50, interval: 20, maxInterval: 20 } },
      });
      graphiti.fault({ kind: 'dead_worker' });
      const { body } = await say(app, 'the lost one');
      const view = async () => (await look(app)).body;
      await expect.poll(view, { timeout: 5_000 }).toMatchObject({
        unconfirmedCount: 1,
        unconfirmed: [{ id: body.operation, state: 'unconfirmed', acceptedAt: expect.any(Number) }],
      });
      expect(JSON.stringify(await view())).not.toContain('the lost one');
      expect((await act(app, { action: 'skip', operation: body.operation })).status).toBe(200);
      graphiti.restart();
    });

    test('an `authorize` that throws denies', async () => {
      const app = await startOperated({
        options: {
          authorize: () => {
            throw new Error('no session');
          },
        },
      });
      expect((await act(app, { action: 'pause' })).status).toBe(403);
      expect((await app.agent.get('/plain')).status).toBe(200);
    });

    test.each([
      [{ 'sec-fetch-site': 'cross-site' }, 403],
      [{ 'sec-fetch-site': 'same-site' }, 403],
      [{ 'sec-fetch-site': 'same-origin', origin: 'https://behind.a.proxy' }, 200],
      [{ origin: 'https://evil.example' }, 403],
      [{ origin: 'null' }, 403],
      [{ 'content-type': 'text/plain' }, 415],
      [{ 'content-type': 'application/x-www-form-urlencoded' }, 415],
      [{}, 200],
    ])('what another site’s page can send is refused: %j is %i', async (headers, status) => {
      const app = await startOperated();
      const answer = await app.agent
        .post('/health/fallback/actions')
        .set({ authorization: `Bearer ${secret}`, 'content-type': 'application/json', ...headers })
        .send(JSON.stringify({ action: 'pause' }));
      expect(answer.status).toBe(status);
      expect(app.fallback.manager.queue.paused).toBe(status === 200);
    });

    test('the page’s own origin may act, without the word of a newer browser', async () => {
      const app = await startOperated();
      const origin = `http://127.0.0.1:${app.port}`;
      expect((await act(app, { action: 'pause' }, { origin })).status).toBe(200);
    });

    test('pauses and resumes', async () => {
      const app = await startOperated();
      expect((await act(app, { action: 'pause' })).body).toEqual({
        action: 'pause',
        target: 'graphiti',
        done: true,
      });
      expect(app.fallback.manager.queue.paused).toBe(true);
      const twice = await act(app, { action: 'pause' });
      expect(twice.status).toBe(409);
      expect(twice.body).toMatchObject({ code: 'FALLBACK_NOT_POSSIBLE' });
      expect((await act(app, { action: 'resume' })).status).toBe(200);
      expect(app.fallback.manager.queue.paused).toBe(false);
      expect(app.audit).toEqual([
        { action: 'pause', target: 'graphiti', result: 'done', by: 'ann' },
        { action: 'pause', target: 'graphiti', result: 'not_possible', by: 'ann' },
        { action: 'resume', target: 'graphiti', result: 'done', by: 'ann' },
      ]);
    });

    test('activates and deactivates', async () => {
      const app = await startOperated();
      const { manager } = app.fallback;
      const activate = { action: 'activate', mode: 'read_only', reason: 'maintenance' };
      expect((await act(app, activate)).status).toBe(200);
      expect(manager.mode).toBe('read_only');
      expect(manager.status().breakers.graphiti?.isolation?.reason).toBe('maintenance');
      expect((await act(app, { action: 'deactivate' })).status).toBe(200);
      expect(manager.status().breakers.graphiti?.isolation).toBeUndefined();
      expect((await act(app, { action: 'deactivate' })).status).toBe(409);
    });

    test('sets one breaker apart, and lets it go', async () => {
      const app = await startOperated();
      const { manager } = app.fallback;
      const name = manager.breaker('reports').name;
      const stateOf = () => manager.status().breakers[name]?.state;
      const isolate = { action: 'isolate', breaker: name, reason: 'the report is moved' };
      expect((await act(app, isolate)).status).toBe(200);
      expect((await look(app)).body.isolated).toEqual({ [name]: 'the report is moved' });
      expect((await app.agent.get('/health/fallback')).text).not.toContain('is moved');
      expect(stateOf()).toBe('isolated');
      expect(manager.active).toBe(false);
      expect((await act(app, { action: 'restore', breaker: name })).status).toBe(200);
      expect(stateOf()).not.toBe('isolated');
      const unknown = await act(app, { action: 'isolate', breaker: 'none of that name' });
      expect(unknown.status).toBe(404);
      expect(unknown.body).toMatchObject({ code: 'FALLBACK_UNKNOWN_BREAKER' });
      expect(Object.keys(app.fallback.manager.status().breakers)).not.toContain(
        'none of that name',
      );
    });

    test('sees lanes without what is in them, gives up one write, and has it tried again', async () => {
      const app = await startOperated({ options: { breaker: { openFor: 60_000 } } });
      await act(app, { action: 'activate' });
      const ids: string[] = [];
      for (const text of ['the first', 'the second'])
        ids.push((await say(app, text)).body.operation);
      const [id = ''] = ids;
      const before = await look(app);
      expect(before.body).toMatchObject({
        laneCount: 1,
        lanes: [{ waiting: 2, state: 'ready', head: { id, operation: 'graphiti.add_message' } }],
        deadLetterCount: 0,
      });
      expect(before.text).not.toContain('the first');
      expect((await act(app, { action: 'skip', operation: id })).status).toBe(200);
      await expect
        .poll(async () => (await look(app)).body)
        .toMatchObject({
          lanes: [{ waiting: 1, head: { id: ids[1] } }],
          deadLetterCount: 1,
          deadLetters: [{ id, state: 'dead', reason: 'skipped' }],
        });
      expect((await act(app, { action: 'skip', operation: id })).status).toBe(409);
      expect((await act(app, { action: 'retry', operation: id })).status).toBe(200);
      await act(app, { action: 'deactivate' });
      await expect
        .poll(async () => (await app.agent.get(`/health/fallback/operations/${id}`)).body.state)
        .toMatch(/^(accepted|confirmed|done)$/);
      expect(app.audit).toContainEqual({ action: 'retry', target: id, result: 'done', by: 'ann' });
      expect((await act(app, { action: 'retry', operation: 'none' })).status).toBe(404);
    });

    test.each([
      ['{', 400],
      ['[]', 400],
      ['null', 400],
      ['{}', 400],
      ['{"action":"purge"}', 400],
      ['{"action":"retry"}', 400],
      ['{"action":"pause","operation":"x"}', 400],
      ['{"action":"activate","mode":"magic"}', 400],
      ['{"action":"activate","reason":"two\\nlines"}', 400],
      [`{"action":"activate","reason":"${'x'.repeat(201)}"}`, 400],
      ['{"__proto__":{"action":"pause"}}', 400],
      ['{"action":"pause","__proto__":{"polluted":true}}', 400],
      ['{"constructor":{"prototype":{"action":"pause"}}}', 400],
    ])('what is no action is refused, and does nothing: %s', async (text, status) => {
      const app = await startOperated();
      const answer = await app.agent
        .post('/health/fallback/actions')
        .set({ authorization: `Bearer ${secret}`, 'content-type': 'application/json' })
        .send(text);
      expect(answer.status).toBe(status);
      expect(app.fallback.manager.queue.paused).toBe(false);
      expect(app.fallback.manager.active).toBe(false);
      expect(Reflect.get({}, 'polluted')).toBeUndefined();
      expect((await app.agent.get('/plain')).status).toBe(200);
    });

    test.each(Object.entries(subject.mounts))('acts below a prefix, too (%s)', async (mount) => {
      const app = await startOperated({ mount });
      expect((await act(app, { action: 'pause' })).status).toBe(200);
      const stream = await readEvents(app.port, `${app.prefix}/health/fallback/events`);
      await expect.poll(() => stream.statuses[0]?.queue.paused).toBe(true);
      stream.leave();
    });
  });

  test('behind a proxy that changes paths a Location has the public one', async () => {
    const app = await start({ options: { publicPath: '/ops/fallback' } });
    graphiti.fault({ kind: 'refuse' });
    const { headers, body } = await say(app, 'queued');
    expect(headers.location).toBe(`/ops/fallback/operations/${body.operation}`);
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
    const { port } = app;
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
    [{ publicPath: '//evil.example' }, /`publicPath`.*"\/\/evil.example"/],
    [{ publicPath: '/a\r\nSet-Cookie: x' }, /`publicPath`/],
    [{ traceUrl: 'http://jaeger/trace' }, /`traceUrl`.*\{traceId\}/],
    [{ traceUrl: 'javascript:alert({traceId})' }, /`traceUrl`/],
    [{ authorize: true }, /`authorize`.*a function/],
    [{ events: { most: -1 } }, /`most` of events/],
    [{ breaker: { openFor: -1 } }, /`openFor` of `breaker`.*-1/],
    [{ mode: 'magic' }, /`mode`.*disabled.*queue_writes.*"magic"/],
  ])('the options %j are refused, naming what came and what was expected', (options, message) => {
    expect(() => subject.build({ options: options as object, errors: true })).toThrow(message);
  });
});
