import { once } from 'node:events';
import { createServer, type Server, type ServerResponse } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { FallbackManager } from '@graphiti-fallback/core';
import { fallback } from '@graphiti-fallback/express';
import type { PipelineOptions } from '@graphiti-fallback/http';
import express, { type Request } from 'express';
import { afterEach, expect, test } from 'vitest';
import { readEvents } from './adapters/event-reader.ts';

const closing: (() => Promise<unknown>)[] = [];

afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

let count = 0;

/** A real server with the middleware, and what it answers with. */
async function start(options: PipelineOptions<Request> = {}, mount = '/') {
  count += 1;
  const manager = new FallbackManager({ name: `abused-${count}`, logger: false });
  const responses: ServerResponse[] = [];
  const app = express();
  app.use((_req, res, next) => {
    responses.push(res);
    next();
  });
  app.use(mount, fallback(manager, options));
  app.get('/plain', (_req, res) => void res.json({ plain: true }));
  const server: Server = createServer(app).listen(0, '127.0.0.1');
  await once(server, 'listening');
  closing.push(async () => {
    server.close();
    server.closeAllConnections();
    await manager.close();
  });
  const { port } = server.address() as AddressInfo;
  const connections = () =>
    new Promise<number>((resolve) => server.getConnections((_error, open) => resolve(open)));
  const isWell = async () => (await fetch(`http://127.0.0.1:${port}/plain`)).status === 200;
  return { manager, server, port, responses, connections, isWell };
}

/** A client that says what no library would. */
async function client(port: number, text = ''): Promise<{ socket: Socket; heard: () => string }> {
  const socket = connect({ host: '127.0.0.1', port });
  let heard = '';
  socket
    .on('error', () => {})
    .on('data', (chunk) => {
      heard += chunk;
    });
  await once(socket, 'connect');
  socket.write(text);
  closing.push(async () => socket.destroy());
  return { socket, heard: () => heard };
}

const eventually = { timeout: 20_000, interval: 20 };
const events = 'GET /health/fallback/events HTTP/1.1\r\nHost: app\r\n\r\n';
const post = (headers: string, body = '') =>
  `POST /health/fallback/actions HTTP/1.1\r\nHost: app\r\n${headers}\r\n\r\n${body}`;
const json = 'Content-Type: application/json';

test('of thousands of event streams as many are served as may be, and the app goes on', async () => {
  const app = await start({ events: { most: 50 } });
  const clients: Awaited<ReturnType<typeof client>>[] = [];
  for (let batch = 0; batch < 20; batch += 1)
    clients.push(
      ...(await Promise.all(Array.from({ length: 100 }, () => client(app.port, events)))),
    );
  const answered = (status: string) =>
    clients.filter(({ heard }) => heard().startsWith(`HTTP/1.1 ${status}`)).length;
  await expect.poll(() => answered('503'), eventually).toBe(1_950);
  expect(answered('200')).toBe(50);
  expect(await app.isWell()).toBe(true);
  // Who was refused is not even kept as a connection.
  await expect.poll(app.connections, eventually).toBeLessThanOrEqual(51);
  for (const { socket } of clients) socket.destroy();
  await expect
    .poll(async () => {
      const stream = await readEvents(app.port, '/health/fallback/events');
      stream.leave();
      return stream.response.statusCode;
    }, eventually)
    .toBe(200);
});

test('a client that does not read costs no more than one status, and is sent away', async () => {
  const app = await start({ events: { lastFor: 6_000 } });
  for (let index = 0; index < 3_000; index += 1) app.manager.breaker(`breaker-${index}`);
  const message = JSON.stringify(app.manager.status()).length;
  expect(message).toBeGreaterThan(500_000);
  const { socket } = await client(app.port, events);
  socket.pause();
  await expect.poll(() => app.responses.at(-1)?.headersSent, eventually).toBe(true);
  const response = app.responses.at(-1);
  let most = 0;
  for (let turn = 0; turn < 30; turn += 1) {
    await app.manager.breaker('breaker-0').isolate();
    await pause(60);
    await app.manager.breaker('breaker-0').restore();
    most = Math.max(most, response?.writableLength ?? 0);
  }
  expect(most).toBeGreaterThan(0);
  expect(most).toBeLessThan(2 * message);
  await expect.poll(() => response?.destroyed, eventually).toBe(true);
  await expect.poll(app.connections, eventually).toBe(0);
});

test('a body that is too long, in one piece or in many, is refused, and the connection ended', async () => {
  const app = await start({ authorize: () => true });
  const long = await client(app.port, post(`${json}\r\nContent-Length: 9000000`));
  await expect.poll(long.heard, eventually).toMatch(/^HTTP\/1.1 413 /);
  const pieces = await client(app.port, post(`${json}\r\nTransfer-Encoding: chunked`));
  for (let piece = 0; piece < 20; piece += 1)
    pieces.socket.write(`400\r\n${'x'.repeat(1_024)}\r\n`);
  await expect.poll(pieces.heard, eventually).toMatch(/^HTTP\/1.1 413 /);
  for (const { heard } of [long, pieces]) expect(heard()).toMatch(/\r\nConnection: close\r\n/i);
  await expect.poll(app.connections, eventually).toBe(0);
});

test('a body that does not come is not waited for', async () => {
  const app = await start({ authorize: () => true });
  const slow = await client(app.port, post(`${json}\r\nContent-Length: 100`, '{"action":'));
  await expect.poll(slow.heard, eventually).toMatch(/^HTTP\/1.1 408 /);
  await expect.poll(app.connections, eventually).toBe(0);
  expect(app.manager.queue.paused).toBe(false);
});

test('whoever may not act is answered before the body is read', async () => {
  const app = await start({ authorize: () => false });
  const stranger = await client(app.port, post(`${json}\r\nContent-Length: 9000000`));
  await expect.poll(stranger.heard, eventually).toMatch(/^HTTP\/1.1 403 /);
  await expect.poll(app.connections, eventually).toBe(0);
});

test('a client that leaves, at whatever step, leaves nothing behind', async () => {
  const app = await start({
    events: { most: 1 },
    authorize: async () => {
      await pause(50);
      return true;
    },
  });
  const steps = [
    '',
    'GET /health/fall',
    'GET /health/fallback HTTP/1.1\r\nHost: a',
    'GET /health/fallback HTTP/1.1\r\nHost: app\r\n\r\n',
    'GET /health/fallback/ready HTTP/1.1\r\nHost: app\r\n\r\n',
    'GET /health/fallback/queue HTTP/1.1\r\nHost: app\r\n\r\n',
    'GET /health/fallback HTTP/1.1\r\nHost: app\r\nAccept: text/html\r\n\r\n',
    events,
    post(`${json}\r\nContent-Length: 18`),
    post(`${json}\r\nContent-Length: 18`, '{"action":'),
    post(`${json}\r\nContent-Length: 19`, '{"action":"resume"}'),
  ];
  for (const wait of [0, 20, 80])
    for (const step of steps) {
      const { socket } = await client(app.port, step);
      await pause(wait);
      socket.resetAndDestroy();
    }
  await expect.poll(app.connections, eventually).toBe(0);
  expect(await app.isWell()).toBe(true);
  const stream = await readEvents(app.port, '/health/fallback/events');
  expect(stream.response.statusCode).toBe(200);
  stream.leave();
});

test('a name with line breaks stays one line in the audit', async () => {
  const app = await start({ authorize: () => `ann\r\nlevel=error forged\u2028${'x'.repeat(500)}` });
  const heard: (string | undefined)[] = [];
  app.manager.on('operatorActed', ({ by }) => heard.push(by));
  const { status } = await fetch(`http://127.0.0.1:${app.port}/health/fallback/actions`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: '{"action":"pause"}',
  });
  expect(status).toBe(200);
  expect(heard[0]).toMatch(/^ann {2}level=error forged[ x]+$/);
  expect(heard[0]?.length).toBeLessThanOrEqual(100);
});

test('what is asked for is text on the page, never markup', async () => {
  const app = await start({ statusPath: '/' }, '/:tenant');
  const path = `/"><script>alert(1)</script>'`;
  const asked = `GET ${path} HTTP/1.1\r\nHost: app\r\nAccept: text/html\r\nConnection: close\r\n\r\n`;
  const { heard } = await client(app.port, asked);
  await expect.poll(heard, eventually).toMatch(/<\/html>/);
  expect(heard()).not.toContain('<script>alert');
  expect(heard()).not.toContain('"><');
});

test.each([
  ['a long query', `/health/fallback?${'a=b&'.repeat(3_000)}`, 200],
  ['a query of brackets', `/health/fallback?${'a[b][c]=d&'.repeat(1_200)}`, 200],
  ['a path of slashes', `/health/fallback${'/'.repeat(12_000)}`, 200],
  ['a path of many parts', `/health/fallback${'/a'.repeat(6_000)}`, 404],
  ['a long id', `/health/fallback/operations/${'x'.repeat(12_000)}`, 404],
  ['an id that objects have', '/health/fallback/operations/__proto__', 404],
  ['an id that is a function of objects', '/health/fallback/operations/toString', 404],
  ['a path above', '/health/fallback/page/../../../../package.json', 404],
  ['a path above, encoded', '/health/fallback/page/%2e%2e%2f%2e%2e%2fpackage.json', 404],
  ['more than Node takes', `/health/fallback?${'x'.repeat(40_000)}`, 431],
])('%s harms nobody', async (_what, path, status) => {
  const app = await start();
  const asked = `GET ${path} HTTP/1.1\r\nHost: app\r\nConnection: close\r\n\r\n`;
  const { heard } = await client(app.port, asked);
  await expect.poll(heard, eventually).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
  expect(await app.isWell()).toBe(true);
});

test('a status that cannot be taken ends neither the app nor a stream', async () => {
  const app = await start();
  const stream = await readEvents(app.port, '/health/fallback/events');
  let asked = 0;
  app.manager.status = () => {
    asked += 1;
    throw new Error('no status');
  };
  // By the stream each second, and by the history every three.
  await expect.poll(() => asked, eventually).toBeGreaterThan(5);
  expect(await app.isWell()).toBe(true);
  expect(stream.response.closed).toBe(false);
  for (const path of ['', '/history', '/ready'])
    expect((await fetch(`http://127.0.0.1:${app.port}/health/fallback${path}`)).ok).toBe(
      path === '/history',
    );
  stream.leave();
});

test('a status that is dear to take is taken seldom, however many ask', async () => {
  const app = await start();
  const { manager } = app;
  const take = manager.status.bind(manager);
  let taken = 0;
  manager.status = () => {
    taken += 1;
    const until = performance.now() + 10;
    while (performance.now() < until);
    return take();
  };
  const began = performance.now();
  const paths = ['', '/ready', '/degraded'];
  for (let round = 0; round < 20; round += 1)
    await Promise.all(
      paths.map((path) => fetch(`http://127.0.0.1:${app.port}/health/fallback${path}`)),
    );
  // By those who asked once in 100 ms, and by the history every 3 s.
  expect(taken).toBeLessThan(4 + (performance.now() - began) / 90);
  // What people wait for shows at once.
  await manager.activate();
  const answer = await fetch(`http://127.0.0.1:${app.port}/health/fallback`);
  expect(await answer.json()).toMatchObject({ active: true });
});

test('an Accept of thousands of types is answered with JSON', async () => {
  const app = await start();
  const accept = Array.from({ length: 1_000 }, (_, index) => `a/b${index};q=0.1`).join(',');
  const answer = await fetch(`http://127.0.0.1:${app.port}/health/fallback`, {
    headers: { accept },
  });
  expect(answer.headers.get('content-type')).toMatch('application/json');
});
