/** What becomes of leases when somebody sets the clock of Redis. */

import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { SharedQueue } from '@graphiti-fallback/core';
import { redisStore } from '@graphiti-fallback/store-redis';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { durable, type RedisServer, redisServer } from './server.ts';

const bounds = { maxEntries: 100, maxBytes: 1e6, maxDead: 10, maxInterruptions: 3 };
const held = {
  id: '1',
  lane: 'a',
  operation: 'save',
  priority: 0,
  body: '{}',
  progress: '',
  delayMs: 0,
  hold: true,
};
const request = { max: 10, operations: ['save'], forMs: 100 };
const leaseMs = 2_000;

/** A compiler makes what stands between Redis and its clock. */
const isMissing = spawnSync('cc', ['--version']).status !== 0;
if (isMissing) console.warn('Clocks that are set are not tested: they need a C compiler, cc.');

let server: RedisServer;
let library: string;
let folder: string;
const opened: SharedQueue[] = [];
const setClock = (seconds: number) => writeFileSync(join(folder, 'clock'), `${seconds}`);

beforeAll(() => {
  library = mkdtempSync(join(tmpdir(), 'redis-clock-'));
  const source = join(import.meta.dirname, 'set-clock.c');
  const made = ['-shared', '-fPIC', '-O2', '-o', join(library, 'set-clock.so')];
  if (!isMissing) execFileSync('cc', ['-D_GNU_SOURCE', ...made, source]);
});
afterAll(() => rmSync(library, { recursive: true, force: true }));
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'redis-clock-'));
  setClock(0);
  server = await redisServer(durable, {
    LD_PRELOAD: join(library, 'set-clock.so'),
    CLOCK_FILE: join(folder, 'clock'),
  });
});
afterEach(async () => {
  await Promise.all(opened.splice(0).map((each) => each.close()));
  await server.close();
  rmSync(folder, { recursive: true, force: true });
});

async function queue(): Promise<SharedQueue> {
  const { shared } = redisStore({ url: server.url, lease: leaseMs });
  if (!shared) throw new Error('It shares nothing');
  opened.push(shared);
  await shared.open({ manager: 'm', hash: 'h' }, bounds, () => {});
  return shared;
}

test.skipIf(isMissing).each([[3_600], [3], [-3_600]])(
  'a clock that is set by %i s ends no lease of one who is there',
  async (by) => {
    const [holder, other] = [await queue(), await queue()];
    const [[appended] = []] = await holder.append([[held]]);
    if (!appended || !('claim' in appended) || !appended.claim) throw new Error('It holds nothing');
    const { claim } = appended;
    await other.claim(request);
    await pause(leaseMs);
    setClock(by);
    const late = await queue();
    for (const until = performance.now() + 2 * leaseMs; performance.now() < until; ) {
      expect(await other.claim(request)).toEqual([]);
      expect(await late.claim(request)).toEqual([]);
      expect(claim.held(0)).toBe(true);
      await pause(50);
    }
    const verdict = { kind: 'release' } as const;
    expect(await holder.settle({ claim, verdict, next: [] })).toEqual({ status: 'ok' });
    expect(await other.claim(request)).toMatchObject([{ record: { id: '1' } }]);
  },
);

test.skipIf(isMissing)('one that is gone is missed all the same after it was set', async () => {
  const [gone, other] = [await queue(), await queue()];
  await gone.append([[held]]);
  await other.claim(request);
  await pause(leaseMs);
  // It is heard no more, and says no goodbye.
  const [sessions = ''] = (await server.command('KEYS', '*:sessions')) as string[];
  const [heldBy = ''] = (await server.command('KEYS', '*:held')) as string[];
  const [lane = '', value = ''] = (await server.command('HGETALL', heldBy)) as string[];
  await server.command('HSET', heldBy, lane, value.replace(/^[^|]+/, 'gone'));
  await server.command('ZADD', sessions, String(Date.now() + leaseMs), 'gone');
  setClock(3_600);
  const since = performance.now();
  let claimed: readonly unknown[] = [];
  while (claimed.length === 0 && performance.now() - since < 10 * leaseMs) {
    await pause(50);
    claimed = await other.claim(request);
  }
  expect(claimed).toMatchObject([{ record: { id: '1' } }]);
});
