import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { classify } from '@graphiti-fallback/core';
import { expect, test } from 'vitest';
import { isHealth } from './answer.ts';
import { GraphitiError, isGraphitiError } from './graphiti-error.ts';
import { json, testServer } from './server.test.support.ts';
import { createTransport, type TransportOptions } from './transport.ts';

const healthy = json(200, { status: 'healthy' });

function ask(options: TransportOptions, signal = new AbortController().signal) {
  return createTransport(options)({
    method: 'GET',
    path: '/healthcheck',
    signal,
    accepts: isHealth,
  });
}

async function failureOf(promise: Promise<unknown>): Promise<GraphitiError> {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!isGraphitiError(error)) throw new Error('Expected a GraphitiError', { cause: error });
  return error;
}

test('the path of the base URL stays, whether or not it ends in slashes', async () => {
  const server = await testServer(healthy);
  await ask({ url: `${server.url}/graph/api//` });
  await ask({ url: `${server.url}/graph/api` });
  expect(server.received.map(({ url }) => url)).toEqual([
    '/graph/api/healthcheck',
    '/graph/api/healthcheck',
  ]);
});

test('credentials are asked for at each request, and what the body is stays ours to say', async () => {
  const server = await testServer(healthy);
  let token = 0;
  const headers = async () => {
    token += 1;
    return { Authorization: `Bearer ${token}`, 'Content-Type': 'text/plain' };
  };
  await ask({ url: server.url, headers });
  await ask({ url: server.url, headers });
  expect(server.received.map((one) => one.headers)).toMatchObject([
    { authorization: 'Bearer 1', 'content-type': 'application/json' },
    { authorization: 'Bearer 2', 'content-type': 'application/json' },
  ]);
});

test('without credentials nothing is sent, and core knows it', async () => {
  const server = await testServer(healthy);
  const cause = Object.assign(new Error('no token'), { status: 401 });
  const error = await failureOf(ask({ url: server.url, headers: () => Promise.reject(cause) }));
  expect(error.cause).toBe(cause);
  expect(classify(error)).toMatchObject({ label: 'unavailable', applied: 'no' });
  expect(server.received).toEqual([]);
});

test('a credential that is no header is in no error', async () => {
  const server = await testServer(healthy);
  const headers = () => ({ authorization: 'Bearer secret\n1' });
  const error = await failureOf(ask({ url: server.url, headers }));
  expect(`${error.stack}${error.cause}`).not.toContain('secret');
});

test.each([
  [401, 502, 'unauthorized'],
  [403, 502, 'unauthorized'],
  [404, 404, 'rejected'],
  [408, 502, 'unknown'],
  [422, 422, 'rejected'],
  [429, 502, 'throttled'],
  [500, 502, 'unknown'],
  [503, 502, 'unavailable'],
  [307, 502, 'unknown'],
])('%i is answered with %i, and means %s', async (upstreamStatus, status, label) => {
  const server = await testServer(json(upstreamStatus, { detail: 'why' }, { location: '/else' }));
  const error = await failureOf(ask({ url: server.url }));
  expect(error).toMatchObject({ upstreamStatus, status, detail: 'why' });
  expect(classify(error).label).toBe(label);
  expect(server.received).toHaveLength(1);
});

test('when to come back is kept', async () => {
  const server = await testServer(json(429, {}, { 'retry-after': '7' }));
  const error = await failureOf(ask({ url: server.url }));
  expect(classify(error).retryAfterMs).toBe(7_000);
});

test.each(['<html>Sign in</html>', '', '{"status":', '{"state":"healthy"}', 'null', '[]'])(
  'a success that is no answer is a failure of the upstream: %j',
  async (body) => {
    const server = await testServer((_request, response) => response.end(body));
    const error = await failureOf(ask({ url: server.url }));
    expect(error).toMatchObject({ upstreamStatus: 200, status: 502 });
    expect(classify(error)).toMatchObject({ label: 'unknown', fault: 'upstream' });
  },
);

test('of an endless error only the beginning is read', async () => {
  let closed = false;
  const server = await testServer((_request, response) => {
    response.writeHead(500);
    const more = () => {
      while (!response.destroyed && response.write('x'.repeat(10_000)));
    };
    response.on('drain', more).on('close', () => {
      closed = true;
    });
    more();
  });
  const error = await failureOf(ask({ url: server.url }));
  expect(String(error.detail).length).toBe(65_536);
  await expect.poll(() => closed).toBe(true);
});

test('a refused connection keeps its cause', async () => {
  const closed = createServer();
  await new Promise<void>((resolve) => closed.listen(0, '127.0.0.1', resolve));
  const { port } = closed.address() as AddressInfo;
  await new Promise((resolve) => closed.close(resolve));
  const error = await ask({ url: `http://127.0.0.1:${port}` }).catch((reason: unknown) => reason);
  expect(classify(error)).toMatchObject({ label: 'unavailable', code: 'ECONNREFUSED' });
});

test('a connection lost in the middle of an answer leaves open what happened', async () => {
  const server = await testServer((_request, response) => {
    response.writeHead(200, { 'content-length': '100' });
    response.write('{"status":', () => response.destroy());
  });
  const error = await ask({ url: server.url }).catch((reason: unknown) => reason);
  expect(classify(error).label).toBe('unknown');
});

test('the signal ends a request, and fetch can be given', async () => {
  const server = await testServer(() => {});
  const abort = new AbortController();
  const urls: unknown[] = [];
  const given: typeof fetch = (url, init) => {
    urls.push(url);
    queueMicrotask(() => abort.abort(new Error('enough')));
    return fetch(url, init);
  };
  await expect(ask({ url: server.url, fetch: given }, abort.signal)).rejects.toThrow('enough');
  expect(urls).toEqual([`${server.url}/healthcheck`]);
});

test('the guard knows a GraphitiError of another copy', () => {
  const twin = Object.assign(new Error('twin'), { name: 'GraphitiError', upstreamStatus: 422 });
  expect(isGraphitiError(twin)).toBe(true);
  expect(isGraphitiError(new GraphitiError('own', { upstreamStatus: 500 }))).toBe(true);
  expect(isGraphitiError(new Error('other'))).toBe(false);
});

test('what a `fetch` of the app adds to one request is not in the next', async () => {
  const server = await testServer(healthy);
  let number = 0;
  const adding: typeof fetch = (input, init) => {
    number += 1;
    Object.assign(init?.headers ?? {}, { [`x-added-${number}`]: 'secret' });
    return fetch(input, init);
  };
  const transport = createTransport({ url: server.url, fetch: adding });
  const request = { method: 'GET', path: '/healthcheck', accepts: isHealth } as const;
  for (let time = 0; time < 2; time += 1)
    await transport({ ...request, signal: new AbortController().signal });
  expect(
    server.received.map(({ headers }) =>
      Object.keys(headers).filter((name) => name.startsWith('x-added')),
    ),
  ).toEqual([['x-added-1'], ['x-added-2']]);
});
