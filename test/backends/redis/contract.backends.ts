import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { SharedValues } from '@graphiti-fallback/core';
import { lowdbStore } from '@graphiti-fallback/store-lowdb';
import { redisStore } from '@graphiti-fallback/store-redis';
import { sharedValuesContract, storeContract } from '@graphiti-fallback/testing';
import { afterAll, beforeAll, beforeEach, test } from 'vitest';
import { durable, type RedisServer, redisServer } from './server.ts';

let server: RedisServer;
let folder: string;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'redis-contract-'));
  server = await redisServer(durable);
});
beforeEach(async () => {
  await server.command('FLUSHALL');
});
afterAll(async () => {
  await server.close();
  rmSync(folder, { recursive: true, force: true });
});

function valuesOf(): SharedValues {
  const { values } = redisStore({ url: server.url });
  if (!values) throw new Error('A Redis has values');
  return values;
}

sharedValuesContract('redis', valuesOf, { test });
storeContract('redis', () => redisStore({ url: server.url }), { test });
storeContract(
  'redis with a folder beside it',
  () =>
    redisStore({
      url: server.url,
      local: lowdbStore({ directory: mkdtempSync(join(folder, 'local-')) }),
    }),
  { test },
);
