import { expect, test } from 'vitest';
import { call, ingest, message, started } from './server.fixture.ts';

test('PUT /faults replaces all faults by one or by a list, and answers them', async () => {
  const { url, controlUrl } = await started();
  const one = await call(controlUrl, 'PUT', '/faults', {
    kind: 'throttle',
    retryAfter: 3,
    count: 2,
  });
  expect(one).toMatchObject({
    status: 200,
    body: [{ kind: 'throttle', retryAfter: 3, count: 2, struck: 0 }],
  });
  expect((await call(url, 'GET', '/healthcheck')).status).toBe(429);
  expect((await call(controlUrl, 'GET', '/faults')).body).toMatchObject([{ count: 1, struck: 1 }]);

  const list = [{ kind: 'slow', ms: 1 }, { kind: 'unavailable' }];
  await call(controlUrl, 'PUT', '/faults', list);
  expect((await call(controlUrl, 'GET', '/faults')).body).toMatchObject(list);
  expect((await call(url, 'GET', '/healthcheck')).status).toBe(503);
});

test('DELETE /faults opens a refusing port before it answers', async () => {
  const { url, controlUrl } = await started();
  await call(controlUrl, 'PUT', '/faults', [{ kind: 'refuse' }]);
  await expect(fetch(`${url}/healthcheck`)).rejects.toThrow();
  expect((await call(controlUrl, 'GET', '/state')).body).toMatchObject({ listening: false });
  expect(await call(controlUrl, 'DELETE', '/faults')).toMatchObject({ status: 200, body: [] });
  expect((await call(url, 'GET', '/healthcheck')).status).toBe(200);
});

test('a bad fault is a 400 that says what was expected and what came, and changes nothing', async () => {
  const server = await started();
  server.fault({ kind: 'unavailable' });
  const list = [{ kind: 'hang' }, { kind: 'slow', ms: 'long' }];
  expect(await call(server.controlUrl, 'PUT', '/faults', list)).toMatchObject({
    status: 400,
    body: { error: 'Expected `[1].ms` to be a whole number of 0 or more, got "long"' },
  });
  expect(server.faults()).toMatchObject([{ kind: 'unavailable' }]);
});

test.each([
  ['{oops', 'Expected the body to be JSON: '],
  ['', 'Expected `kind` to be one of refuse, '],
  ['7', 'Expected a fault to be an object like { kind: "hang", count: 2 }, got 7'],
  ['null', 'Expected a fault to be an object like { kind: "hang", count: 2 }, got null'],
])('a body %j is a 400', async (body, error) => {
  const { controlUrl } = await started();
  expect(await call(controlUrl, 'PUT', '/faults', body)).toMatchObject({
    status: 400,
    body: { error: expect.stringContaining(error) },
  });
});

test('GET /records gives what came in, by method and path, and DELETE forgets it', async () => {
  const { url, controlUrl } = await started();
  await call(url, 'GET', '/healthcheck');
  await call(url, 'DELETE', '/group/g1');
  const all = await call(controlUrl, 'GET', '/records');
  expect(all.body).toMatchObject([{ path: '/healthcheck', status: 200 }, { path: '/group/g1' }]);
  const some = await call(controlUrl, 'GET', '/records?method=DELETE&path=/group');
  expect(some.body).toMatchObject([{ seq: 2 }]);
  expect(await call(controlUrl, 'DELETE', '/records')).toMatchObject({ status: 200, body: [] });
  expect((await call(controlUrl, 'GET', '/records')).body).toEqual([]);
});

test('GET /state counts what is stored and what waits, and POST /restart revives the worker', async () => {
  const server = await started();
  await ingest(server, 'g1', message('One. Two.'));
  await call(server.controlUrl, 'PUT', '/faults', { kind: 'dead_worker' });
  await call(server.url, 'POST', '/messages', { group_id: 'g1', messages: [message('lost')] });
  expect((await call(server.controlUrl, 'GET', '/state')).body).toEqual({
    listening: true,
    workerAlive: false,
    pending: 1,
    episodes: 1,
    groups: { g1: { episodes: 1, facts: 2, nodes: 0 } },
  });
  const restarted = await call(server.controlUrl, 'POST', '/restart');
  expect(restarted).toMatchObject({ status: 200, body: { workerAlive: true, pending: 0 } });
});

test('any other request is a 404 that names those there are', async () => {
  const { controlUrl } = await started();
  expect(await call(controlUrl, 'POST', '/faults')).toMatchObject({
    status: 404,
    body: { error: expect.stringMatching(/^Expected GET, PUT .* got POST \/faults$/) },
  });
});
