import { memoryJournal } from '@graphiti-fallback/core';
import { createClient } from '@redis/client';
import { expect, test } from 'vitest';
import { resolveOptions } from './options.ts';
import { redisStore } from './store.ts';

const url = 'redis://user:secret@redis.example:6380/2';

test('an address is shown without user and password', () => {
  expect(resolveOptions({ url }).location).toBe('redis://redis.example:6380/2');
  expect(redisStore({ url }).status().location).toBe('redis://redis.example:6380/2');
});

test.each<[object, string]>([
  [{}, 'Expected either `url` or `client` of redisStore, got both or none'],
  [{ url, client: createClient() }, 'Expected either `url` or `client` of redisStore'],
  [
    { url: 'http://user:secret@redis' },
    'Expected `url` of redisStore to be a URL such as redis://',
  ],
  ...[
    'redis://:50%secret@h',
    'redis://%secret@h',
    'redis://h/secret',
    'redis://',
    'redis:secret',
    'redis://user:50#secret@h',
    'redis://user:50?secret@h',
  ].map((broken): [object, string] => [
    { url: broken },
    'Expected `url` of redisStore to be a URL such as redis://localhost:6379, got another text',
  ]),
  [
    { url: 7 },
    'Expected `url` of redisStore to be a URL such as redis://localhost:6379, got number',
  ],
  [{ url, lease: 10 }, 'Expected `lease` of redisStore to be 1000 or more milliseconds, got 10'],
  [{ url, replicas: -1 }, 'Expected `replicas` of redisStore to be a whole number, 0 or more'],
  [{ url, commandTimeout: 0 }, 'Expected `commandTimeout` of redisStore to be 10 or more'],
  [{ url, local: {} }, 'Expected `local` of redisStore to be a journal'],
  [{ url, client: {} }, 'Expected `client` of redisStore to be a client of @redis/client'],
  [{ url, lane: 1 }, 'Unknown option `lane` of redisStore'],
  [{ uri: url }, 'Unknown option `uri` of redisStore (got "redis://…@redis.example:6380/2")'],
  [{ url, local: url }, 'Expected `local` of redisStore to be a journal'],
  [url as unknown as object, 'Expected redisStore to be an object of options'],
])('%o is refused, and no secret is shown', (options, message) => {
  const make = () => redisStore(options as never);
  expect(make).toThrow(TypeError);
  expect(make).toThrow(message);
  expect(make).not.toThrow('secret');
});

test('what each instance has for itself is in its journal, before and after Redis is asked', async () => {
  const store = redisStore({ url, local: memoryJournal() });
  await store.open({ manager: 'm', hash: 'h' });
  await store.commit([{ bucket: 'cache', key: 'k', put: 1 }]);
  expect([...store.entries('cache')]).toEqual([['k', 1]]);
  expect(store.status()).toMatchObject({ kind: 'redis', writable: true });
});
