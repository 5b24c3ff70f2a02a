import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { systemClock } from '../clock.ts';
import { testManager } from '../upstream.test.support.ts';
import { httpCheck } from './http-check.ts';

/** A server that answers as the test says, and how often it was asked. */
async function serverOf(answer: (req: IncomingMessage, res: ServerResponse) => void) {
  const state = { requests: 0 };
  const server = createServer((req, res) => {
    state.requests += 1;
    answer(req, res);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const close = async () => {
    server.closeAllConnections();
    if (server.listening) await new Promise((closed) => server.close(closed));
  };
  onTestFinished(close);
  const { port } = server.address() as AddressInfo;
  return Object.assign(state, { url: `http://127.0.0.1:${port}/health`, close });
}

const signal = new AbortController().signal;

test.each([
  [200, 'healthy'],
  [204, 'healthy'],
  [302, 'unhealthy'],
  [408, 'unhealthy'],
  [500, 'unhealthy'],
  [503, 'unhealthy'],
  [401, 'degraded'],
  [404, 'degraded'],
  [429, 'degraded'],
])('%i is %s', async (status, health) => {
  const { url } = await serverOf((_req, res) => {
    res.writeHead(status, { location: '/elsewhere' });
    res.end(status === 204 ? undefined : 'a text');
  });
  expect(await httpCheck({ url }).check({ signal })).toBe(health);
});

test('what is expected can be chosen, and nothing else is healthy then', async () => {
  const server = await serverOf((req, res) => res.writeHead(Number(req.headers['x-say'])).end());
  const say = (status: number) =>
    httpCheck({
      url: server.url,
      expect: [401, 418],
      headers: () => ({ 'x-say': String(status) }),
    }).check({ signal });
  expect(await say(401)).toBe('healthy');
  expect(await say(418)).toBe('healthy');
  expect(await say(200)).toBe('unhealthy');
});

test('a redirect is not followed: a login page is no healthy answer', async () => {
  const server = await serverOf((req, res) => {
    if (req.url === '/login') res.end('welcome');
    else res.writeHead(303, { location: '/login' }).end();
  });
  expect(await httpCheck({ url: server.url }).check({ signal })).toBe('unhealthy');
  expect(server.requests).toBe(1);
});

test('no answer is unhealthy: refused, and later than the deadline', async () => {
  const refusing = await serverOf((_req, res) => res.end());
  await refusing.close();
  let left = (): void => {};
  const gone = new Promise<void>((resolve) => {
    left = resolve;
  });
  const hanging = await serverOf((_req, res) => res.on('close', left));
  const { manager } = testManager({
    clock: systemClock as never,
    health: {
      interval: 0,
      checks: [
        httpCheck({ name: 'refusing', url: refusing.url }),
        httpCheck({ name: 'hanging', url: hanging.url, timeoutMs: 50 }),
      ],
    },
  });
  expect(await manager.checkAndActivate()).toBe(true);
  expect(manager.health.system().components).toMatchObject([
    { name: 'refusing', status: 'unhealthy' },
    { name: 'hanging', status: 'unhealthy' },
    { name: 'fallback.store' },
    { name: 'fallback.queue' },
  ]);
  // The request ends with the check.
  await gone;
  await manager.close();
});

test('it can be asked through a fetch of the app, and tells it the deadline', async () => {
  const asked: unknown[] = [];
  const check = httpCheck({
    url: 'http://upstream.internal/health',
    fetch: async (url, options) => {
      asked.push([url, options?.signal]);
      return new Response('fine');
    },
  });
  expect(await check.check({ signal })).toBe('healthy');
  expect(asked).toEqual([['http://upstream.internal/health', signal]]);
});

test('what a checker says of itself is passed on', () => {
  const applies = () => false;
  expect(
    httpCheck({ url: 'http://a.test', name: 'a', proves: false, critical: false, applies }),
  ).toMatchObject({ name: 'a', proves: false, critical: false, applies });
  expect(httpCheck({ url: 'http://a.test', timeoutMs: 5, degradedAbove: 6 })).toMatchObject({
    name: 'http',
    timeoutMs: 5,
    degradedAbove: 6,
  });
});

test.each([
  [{}, /`url` of httpCheck to be an http or https URL, got undefined/],
  [{ url: 'ftp://a' }, /`url` of httpCheck to be an http or https URL, got "ftp:\/\/a"/],
  [{ url: 'http://a.test', expect: ['ok'] }, /`expect`.*a list of which each is a whole number/],
  [{ url: 'http://a.test', timeout: 5 }, /Unknown option `timeout` of httpCheck/],
])('wrong options are refused: %#', (options, message) => {
  expect(() => httpCheck(options as never)).toThrow(message);
});

test('credentials in the address are refused, and not shown', () => {
  const create = () => httpCheck({ url: 'https://ann:secret@a.test/health' });
  expect(create).toThrow(/without credentials/);
  expect(create).not.toThrow(/secret/);
});
