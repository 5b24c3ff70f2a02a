import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, vi } from 'vitest';
import { fleetTest, until } from './fleet-test.ts';
import { type RedisServer, redisServer } from './server.ts';

const test = fleetTest.concurrent;

/** Waits until an answer that an instance was given is known to all. */
async function shared(at: RedisServer): Promise<void> {
  const isThere = async () =>
    expect(String(await at.command('KEYS', '*:answer:*'))).toContain('answer');
  await vi.waitFor(isThere, until);
}

test('an answer of one instance is served by another that has none, while the upstream is down', async ({
  server,
  upstream,
  start,
}) => {
  const [a, b] = [await start(), await start()];
  expect(await a.ask('get', 'x')).toMatchObject({ body: { outcome: 'live' } });
  await shared(server);
  upstream.status = 503;
  await vi.waitFor(
    async () =>
      expect(await b.ask('get', 'x')).toMatchObject({
        status: 200,
        body: { outcome: 'stale', value: { text: 'first' } },
      }),
    until,
  );
});

test('what one instance has removed no other one serves, nor brings back by a late answer', async ({
  server,
  upstream,
  start,
}) => {
  const [a, b] = [await start(), await start()];
  await a.ask('get', 'x');
  await b.ask('get', 'x');
  await shared(server);
  let answer = () => {};
  upstream.hold = new Promise((resolve) => {
    answer = resolve;
  });
  const late = b.ask('get', 'x');
  await vi.waitFor(() => expect(upstream.requests).toHaveLength(3), until);
  expect((await a.ask('remove', 'x')).status).toBe(200);
  answer();
  expect((await late).body).toMatchObject({ outcome: 'live' });
  // The late answer had the time to be handed on.
  await new Promise((resolve) => setTimeout(resolve, 1_500));
  upstream.status = 503;
  for (const app of [b, a, await start()]) expect((await app.ask('get', 'x')).status).toBe(503);
});

test('a newer answer of another instance takes the place of an older one', async ({
  server,
  upstream,
  start,
}) => {
  const [a, b] = [await start(), await start()];
  await b.ask('get', 'x');
  await shared(server);
  upstream.text = 'second';
  await a.ask('save', 'x');
  expect((await a.ask('get', 'x')).body).toMatchObject({ value: { text: 'second' } });
  await new Promise((resolve) => setTimeout(resolve, 1_000));
  upstream.status = 503;
  // A machine that is busy may need longer than the 50 ms that a read asks for.
  const second = { outcome: 'stale', value: { text: 'second' } };
  await vi.waitFor(
    async () => expect((await b.ask('get', 'x')).body).toMatchObject(second),
    10_000,
  );
});

test('a server that hangs costs a read 50 ms, and it is served from memory', async ({
  server,
  upstream,
  start,
}) => {
  const a = await start();
  await a.ask('get', 'x');
  upstream.status = 503;
  await server.kill('SIGSTOP');
  const began = performance.now();
  expect((await a.ask('get', 'x')).body).toMatchObject({ outcome: 'stale' });
  expect(performance.now() - began).toBeLessThan(1_000);
});

test('what was removed while Redis was away is told when it is back', async ({
  server,
  upstream,
  start,
}) => {
  const [a, b] = [await start(), await start()];
  await b.ask('get', 'x');
  await shared(server);
  await server.kill();
  expect((await a.ask('remove', 'x')).status).toBe(200);
  await server.restart();
  upstream.status = 503;
  await vi.waitFor(async () => expect((await b.ask('get', 'x')).status).toBe(503), until);
});

test('a local entity stays on its instance, where its queue is, whatever Redis holds', async ({
  server,
  start,
}) => {
  const [a, b] = [await start(), await start()];
  expect((await a.ask('keep', 'x')).body).toMatchObject({ outcome: 'local' });
  expect((await a.ask('things')).body).toHaveLength(1);
  await server.command('FLUSHALL');
  await new Promise((resolve) => setTimeout(resolve, 1_500));
  expect((await a.ask('things')).body).toHaveLength(1);
  expect((await b.ask('things')).body).toEqual([]);
  expect((await a.ask('drop', 'x')).body).toMatchObject({ outcome: 'local' });
  expect((await a.ask('things')).body).toEqual([]);
});

test('values may be in a server of their own that evicts; the queue stays where it is', async ({
  server,
  upstream,
  start,
}) => {
  const cache = await redisServer(['--maxmemory', '50mb', '--maxmemory-policy', 'allkeys-lru']);
  try {
    const [a, b] = [await start({ VALUES: cache.url }), await start({ VALUES: cache.url })];
    await a.ask('get', 'x');
    await shared(cache);
    expect(await server.command('KEYS', '*:answer:*')).toEqual([]);
    upstream.status = 503;
    await vi.waitFor(
      async () => expect((await b.ask('get', 'x')).body).toMatchObject({ outcome: 'stale' }),
      until,
    );
    expect((await b.ask('save', 'x')).body).toMatchObject({ outcome: 'queued' });
    const status = (await b.ask('status')).body as { store: object; warnings: string[] };
    expect(status.store).not.toHaveProperty('problem');
    expect(status.store).not.toHaveProperty('valuesProblem');
    expect(status.warnings).toEqual([]);
    await cache.kill();
    await vi.waitFor(
      async () =>
        expect((await b.ask('status')).body).toMatchObject({
          store: { writable: true, valuesProblem: 'unreachable' },
        }),
      until,
    );
    expect((await b.ask('get', 'x')).body).toMatchObject({ outcome: 'stale' });
  } finally {
    await cache.close();
  }
});

test('nothing of what is shared beside the queue stays in Redis for ever', async ({
  server,
  upstream,
  start,
}) => {
  const [a, b] = [await start(), await start()];
  for (const app of [a, b]) await app.ask('get', 'x');
  await shared(server);
  await a.ask('save', 'x');
  await a.ask('remove', 'y');
  await a.ask('forget', 'x');
  upstream.status = 503;
  for (const app of [a, b]) for (const id of ['1', '2', '3']) await app.ask('get', id);
  await new Promise((resolve) => setTimeout(resolve, 2_500));
  const keys = (await server.command('KEYS', '*')) as readonly string[];
  const besides = keys.filter((key) => /:(values|fleet|answer):/.test(key));
  expect(besides.length).toBeGreaterThan(6);
  for (const key of besides)
    expect([key, await server.command('PTTL', key)]).toEqual([key, expect.toSatisfy(isTime)]);
});

const isTime = (left: unknown) => Number(left) > 0;

test('answers are on a connection of their own: no write waits for them', async ({
  server,
  start,
}) => {
  const a = await start();
  await a.ask('get', 'x');
  await shared(server);
  const names = String(await server.command('CLIENT', 'LIST')).match(/ cmd=\S+/g) ?? [];
  expect(names.length).toBe(4);
});

test('what one instance clears is gone everywhere, and what is read after that stays', async ({
  server,
  upstream,
  start,
}) => {
  const [a, b] = [await start(), await start()];
  for (const app of [a, b]) await app.ask('get', 'x');
  await shared(server);
  await a.ask('clear');
  // A read that begins before Redis has it may have been answered before.
  await new Promise((resolve) => setTimeout(resolve, 500));
  upstream.text = 'second';
  await a.ask('get', 'y');
  // Everybody has heard of it by then, also who did it.
  await new Promise((resolve) => setTimeout(resolve, 2_500));
  await server.kill();
  upstream.status = 503;
  for (const app of [a, b]) expect((await app.ask('get', 'x')).status).toBe(503);
  expect((await a.ask('get', 'y')).body).toMatchObject({ value: { text: 'second' } });
});

test('answers from before a server threw away what it knew of removals are gone', async ({
  server,
  upstream,
  start,
}) => {
  const [a, b] = [await start(), await start()];
  await a.ask('get', 'x');
  await a.ask('get', 'y');
  await shared(server);
  await a.ask('remove', 'y');
  await vi.waitFor(async () => {
    const removed = (await server.command('KEYS', '*:values:removed')) as string[];
    expect(removed).toHaveLength(1);
    await server.command('DEL', ...removed);
  }, until);
  // Everybody hears of it within a second: nobody knows what else was removed.
  await new Promise((resolve) => setTimeout(resolve, 1_500));
  upstream.status = 503;
  for (const app of [a, b]) expect((await app.ask('get', 'x')).status).toBe(503);
});

test('what was removed right before a server lost its data no other instance serves', async ({
  server,
  upstream,
  start,
}) => {
  const [a, b] = [await start(), await start()];
  for (const app of [a, b]) await app.ask('get', 'x');
  await shared(server);
  await a.ask('remove', 'x');
  await server.command('FLUSHALL');
  await new Promise((resolve) => setTimeout(resolve, 2_000));
  upstream.status = 503;
  for (const app of [b, a]) expect((await app.ask('get', 'x')).status).toBe(503);
});

test('what was removed stays gone where a server goes on with an older copy of its data', async ({
  upstream,
  start,
}) => {
  const older = await redisServer(['--appendonly', 'no']);
  try {
    const [a, b] = [await start({ REDIS: older.url }), await start({ REDIS: older.url })];
    for (const app of [a, b]) await app.ask('get', 'x');
    await shared(older);
    await older.command('SAVE');
    await a.ask('remove', 'x');
    await vi.waitFor(
      async () => expect(await older.command('KEYS', '*:values:removed')).toHaveLength(1),
      until,
    );
    await older.kill();
    await older.restart();
    await new Promise((resolve) => setTimeout(resolve, 3_000));
    upstream.status = 503;
    for (const app of [a, b, await start({ REDIS: older.url })])
      expect((await app.ask('get', 'x')).status).toBe(503);
  } finally {
    await older.close();
  }
});

test('an answer that one instance has forgotten is fresh for no other one', async ({
  upstream,
  start,
}) => {
  const [a, b] = [await start({ TTL: '60000' }), await start({ TTL: '60000' })];
  for (const app of [a, b]) await app.ask('get', 'x');
  expect((await b.ask('get', 'x')).body).toMatchObject({ outcome: 'cache' });
  expect((await a.ask('forget', 'x')).body).toBe(true);
  upstream.text = 'second';
  await new Promise((resolve) => setTimeout(resolve, 2_000));
  expect((await b.ask('get', 'x')).body).toMatchObject({
    outcome: 'live',
    value: { text: 'second' },
  });
});

test('what was removed while Redis was away is told by the next start of that instance', async ({
  server,
  upstream,
  start,
}) => {
  const FOLDER = mkdtempSync(join(tmpdir(), 'redis-values-'));
  try {
    const [a, b] = [await start({ FOLDER }), await start()];
    for (const app of [a, b]) await app.ask('get', 'x');
    await shared(server);
    await server.kill();
    await vi.waitFor(
      async () =>
        expect((await a.ask('status')).body).toMatchObject({
          store: { valuesProblem: 'unreachable' },
        }),
      until,
    );
    expect((await a.ask('remove', 'x')).status).toBe(200);
    // At once: who has the answer relies on it.
    await a.end();
    await server.restart();
    const again = await start({ FOLDER });
    await new Promise((resolve) => setTimeout(resolve, 2_500));
    upstream.status = 503;
    for (const app of [again, b]) expect((await app.ask('get', 'x')).status).toBe(503);
  } finally {
    rmSync(FOLDER, { recursive: true, force: true });
  }
});

test('what was read after all was cleared outlasts a restart', async ({
  server,
  upstream,
  start,
}) => {
  const FOLDER = mkdtempSync(join(tmpdir(), 'redis-values-'));
  try {
    const a = await start({ FOLDER });
    await a.ask('get', 'x');
    await a.ask('clear');
    await new Promise((resolve) => setTimeout(resolve, 300));
    await a.ask('get', 'y');
    await new Promise((resolve) => setTimeout(resolve, 2_500));
    await a.end();
    const again = await start({ FOLDER });
    // It has heard of all by then, and Redis is not there to help.
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    await server.kill();
    upstream.status = 503;
    expect((await again.ask('get', 'y')).body).toMatchObject({ outcome: 'stale' });
    expect((await again.ask('get', 'x')).status).toBe(503);
  } finally {
    rmSync(FOLDER, { recursive: true, force: true });
  }
});

test('a full memory costs nobody an answer, and what is removed then is not served', async ({
  upstream,
  start,
}) => {
  const cache = await redisServer(['--maxmemory-policy', 'noeviction']);
  try {
    const [a, b] = [await start({ VALUES: cache.url }), await start({ VALUES: cache.url })];
    await a.ask('get', 'x');
    await a.ask('get', 'y');
    await shared(cache);
    await cache.command('CONFIG', 'SET', 'maxmemory', '1');
    expect((await a.ask('get', 'z')).body).toMatchObject({ outcome: 'live' });
    expect((await a.ask('remove', 'x')).status).toBe(200);
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    upstream.status = 503;
    for (const app of [a, b]) expect((await app.ask('get', 'x')).status).toBe(503);
    expect((await b.ask('get', 'y')).body).toMatchObject({ outcome: 'stale' });
    expect((await a.ask('get', 'z')).body).toMatchObject({ outcome: 'stale' });
  } finally {
    await cache.close();
  }
});

test.for([
  ['right', 'right', undefined],
  ['wrong', 'other', 'wrong_password'],
] as const)(
  'a %s password is in nothing that an instance tells',
  async ([_how, required, problem], { start, upstream }) => {
    const secret = 's3cret-of-the-url';
    const password = required === 'right' ? secret : required;
    const settings = ['--appendonly', 'yes', '--appendfsync', 'always', '--requirepass'];
    const [queue, cache] = [
      await redisServer([...settings, secret]),
      await redisServer([...settings, password]),
    ];
    const urlOf = ({ port }: RedisServer) => `redis://:${secret}@127.0.0.1:${port}`;
    try {
      const app = await start({
        REDIS: urlOf(queue),
        VALUES: urlOf(cache),
        GRAPHITI_FALLBACK_DEBUG: '*',
      });
      await app.ask('get', 'x');
      await app.ask('keep', 'x');
      upstream.status = 503;
      await app.ask('get', 'x');
      await app.ask('save', 'x');
      const status = (await app.ask('status')).body as { store: { valuesProblem?: string } };
      expect(status.store.valuesProblem).toBe(problem);
      const told = [status, (await app.ask('spans')).body, (await app.ask('inspect')).body];
      expect(told[1]).toContainEqual(expect.objectContaining({ name: 'item.get' }));
      const all = `${JSON.stringify(told)}${app.output.join('')}`;
      expect(app.output.join('')).not.toBe('');
      expect(all).not.toContain(secret);
    } finally {
      await queue.close();
      await cache.close();
    }
  },
);

test('what somebody’s hand has left in Redis costs nobody an answer', async ({
  server,
  upstream,
  start,
}) => {
  const [a, b] = [await start(), await start()];
  await a.ask('get', 'x');
  await shared(server);
  const [answer = ''] = (await server.command('KEYS', '*:answer:*')) as string[];
  await server.command('HSET', answer, 'body', '{broken');
  upstream.status = 503;
  expect((await a.ask('get', 'x')).body).toMatchObject({ outcome: 'stale' });
  expect((await b.ask('get', 'x')).status).toBe(503);
  expect((await (await start()).ask('get', 'x')).status).toBe(503);
  await server.command('DEL', answer);
  await server.command('SET', answer, 'another type');
  expect((await a.ask('get', 'x')).body).toMatchObject({ outcome: 'stale' });
});
