import { expect, test } from 'vitest';
import { call, started } from './server.fixture.ts';

test('every request is recorded in order, with what was sent and what was answered', async () => {
  const server = await started({ now: () => 1_700_000_000_000 });
  await call(server.url, 'POST', '/search', { query: 'tea' });
  await call(server.url, 'GET', '/episodes/g1?last_n=3');
  await call(server.url, 'GET', '/nowhere');
  await call(server.url, 'POST', '/messages', 'no json');
  const at = 1_700_000_000_000;
  expect(server.received()).toMatchObject([
    {
      seq: 1,
      method: 'POST',
      path: '/search',
      body: { query: 'tea' },
      status: 200,
      applied: true,
      at,
    },
    { seq: 2, method: 'GET', path: '/episodes/g1', query: { last_n: '3' }, status: 200 },
    { seq: 3, path: '/nowhere', body: undefined, status: 404, applied: false, fault: null },
    { seq: 4, path: '/messages', body: 'no json', status: 422, applied: false },
  ]);
});

test('records can be asked for by method and path, and forgotten', async () => {
  const server = await started();
  await call(server.url, 'GET', '/healthcheck');
  await call(server.url, 'DELETE', '/group/g1');
  await call(server.url, 'DELETE', '/episode/1');
  expect(server.received({ method: 'DELETE' }).map(({ seq }) => seq)).toEqual([2, 3]);
  expect(server.received({ method: 'delete', path: '/group' }).map(({ seq }) => seq)).toEqual([2]);
  server.forget();
  expect(server.received()).toEqual([]);
  await call(server.url, 'GET', '/healthcheck');
  expect(server.received()).toMatchObject([{ seq: 4 }]);
});

test('a request shows before it is answered', async () => {
  const server = await started();
  server.fault({ kind: 'hang' });
  call(server.url, 'GET', '/healthcheck').catch(() => {});
  await expect
    .poll(() => server.received(), { interval: 2 })
    .toMatchObject([{ path: '/healthcheck', status: null }]);
});

test('the headers of a request are kept', async () => {
  const server = await started();
  await fetch(`${server.url}/healthcheck`, { headers: { 'Idempotency-Key': 'abc' } });
  expect(server.received()[0]?.headers).toMatchObject({ 'idempotency-key': 'abc' });
});

test('only the latest records are kept', async () => {
  const server = await started({ maxRecords: 2 });
  for (let round = 0; round < 4; round += 1) await call(server.url, 'GET', '/healthcheck');
  expect(server.received().map(({ seq }) => seq)).toEqual([3, 4]);
});
