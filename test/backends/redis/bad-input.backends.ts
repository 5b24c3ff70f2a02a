import { mkdtempSync, readdirSync, rmSync, statSync, truncateSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import { instance, Upstream } from './instance.ts';
import { durable, type RedisServer, redisServer } from './server.ts';

const until = { timeout: 30_000, interval: 50 };

/** Runs an app over a server that is wrong in some way; gives what it told and what came of a write. */
async function appOver(
  url: string,
  look: (app: ReturnType<typeof instance>, upstream: Upstream) => Promise<void>,
  options: Parameters<typeof instance>[3] = {},
  commandTimeout = 10_000,
): Promise<void> {
  const upstream = new Upstream();
  const app = instance(upstream, 'a', { url, commandTimeout }, options);
  try {
    await app.manager.open();
    await look(app, upstream);
  } finally {
    await app.manager.close();
  }
}

/** The app goes on live; what it would have to queue is refused; and it is said why. */
async function expectRefusal(
  { manager, save, warnings }: ReturnType<typeof instance>,
  problem: string,
  words: RegExp,
): Promise<void> {
  await vi.waitFor(() => expect(manager.status().store.problem).toBe(problem), until);
  expect(warnings.filter((warning) => words.test(warning))).toHaveLength(1);
  expect((await save({ lane: 'x', text: 'live' })).outcome).toBe('applied');
  await manager.activate();
  await expect(save({ lane: 'x', text: 'queued' })).rejects.toMatchObject({
    code: 'FALLBACK_STORE_FAILED',
    status: 507,
  });
  expect(manager.status().store.writable).toBe(false);
}

async function withServer(
  settings: readonly string[],
  look: (server: RedisServer) => Promise<void>,
): Promise<void> {
  const server = await redisServer([...durable, ...settings]);
  try {
    await look(server);
  } finally {
    await server.close();
  }
}

test('a server that is not there is told, and used when it comes', () =>
  withServer([], async (server) => {
    await server.kill();
    await appOver(server.url, async (app, upstream) => {
      await expectRefusal(app, 'unreachable', /cannot be reached/);
      await server.restart();
      await vi.waitFor(() => expect(app.manager.status().store.writable).toBe(true), until);
      expect((await app.save({ lane: 'x', text: 'queued' })).outcome).toBe('queued');
      await app.manager.deactivate();
      await vi.waitFor(() => expect(upstream.texts('x')).toEqual(['live', 'queued']), until);
    });
  }));

test('a wrong password is told, and shown nowhere', () =>
  withServer(['--requirepass', 'right'], (server) =>
    appOver(`redis://user:wr0ng-secret@127.0.0.1:${server.port}/0`, async (app) => {
      await expectRefusal(app, 'wrong_password', /refuses the user or the password/);
      const told = JSON.stringify([app.manager.status(), app.warnings, app.manager.inspect()]);
      expect(told).not.toContain('wr0ng-secret');
      expect(told).toContain(`127.0.0.1:${server.port}`);
    }),
  ));

test('a password that is missing is told', () =>
  withServer(['--requirepass', 'right'], (server) =>
    appOver(server.url, (app) =>
      expectRefusal(app, 'wrong_password', /refuses the user or the password/),
    ),
  ));

test('a cluster is refused', () =>
  withServer(['--cluster-enabled', 'yes'], (server) =>
    appOver(server.url, (app) => expectRefusal(app, 'cluster', /is a cluster/)),
  ));

test('a read-only replica is refused', () =>
  withServer([], (primary) =>
    withServer(['--replicaof', `127.0.0.1 ${primary.port}`], (replica) =>
      appOver(replica.url, (app) => expectRefusal(app, 'read_only', /read-only replica/)),
    ),
  ));

test('a server that may evict what is queued is refused', () =>
  withServer(['--maxmemory', '50mb', '--maxmemory-policy', 'allkeys-lru'], (server) =>
    appOver(server.url, (app) => expectRefusal(app, 'evicting', /may evict keys/)),
  ));

test('a user who may not run scripts is refused', () =>
  withServer([], async (server) => {
    const rules = ['on', '>pass', '~*', '&*', '+@all', '-@scripting'];
    await server.command('ACL', 'SETUSER', 'app', ...rules);
    await appOver(`redis://app:pass@127.0.0.1:${server.port}`, (app) =>
      expectRefusal(app, 'scripts_refused', /does not let this user run scripts/),
    );
  }));

test('a user who may do what the README says, and no more, is enough for all that is shared', () =>
  withServer([], async (server) => {
    const commands = ['+@scripting', '+@read', '+@write', '+time', '+info', '+wait'];
    const more = ['+config|get', '+bgrewriteaof'];
    const rules = ['reset', 'on', '>pass', '~gf:*', ...commands, ...more];
    await server.command('ACL', 'SETUSER', 'app', ...rules);
    await appOver(`redis://app:pass@127.0.0.1:${server.port}`, async (app, upstream) => {
      const { manager, save, warnings } = app;
      const get = manager.read('get', {
        run: async (id: string) => id,
        entities: (id) => [{ type: 'note', id }],
      });
      await get('x');
      await save({ lane: 'x', text: 'live' });
      await manager.activate();
      expect(await save({ lane: 'x', text: '1' })).toMatchObject({ durability: 'disk' });
      expect(manager.status()).toMatchObject({ fleet: { connected: true, instances: 1 } });
      expect(manager.status().store).not.toHaveProperty('valuesProblem');
      await manager.deactivate();
      await vi.waitFor(() => expect(upstream.texts('x')).toEqual(['live', '1']), until);
      expect(warnings).toEqual([]);
    });
    expect(await server.command('ACL', 'LOG')).toEqual([]);
  }));

test('a full memory refuses what comes, and what is there is still replayed', () =>
  withServer(['--maxmemory-policy', 'noeviction'], (server) =>
    appOver(server.url, async ({ manager, save }, upstream) => {
      await manager.activate();
      for (const text of ['1', '2', '3'])
        expect((await save({ lane: 'x', text })).outcome).toBe('queued');
      await server.command('CONFIG', 'SET', 'maxmemory', '1');
      await expect(save({ lane: 'x', text: '4' })).rejects.toMatchObject({ status: 507 });
      expect(manager.status().store.problem).toBe('full');
      await manager.deactivate();
      await vi.waitFor(() => expect(upstream.texts('x')).toEqual(['1', '2', '3']), until);
    }),
  ));

test('a user who may run scripts, but not what is in them, is refused', () =>
  withServer([], async (server) => {
    await server.command('ACL', 'SETUSER', 'app', 'on', '>pass', '~*', '&*', '+@all', '-time');
    await appOver(`redis://app:pass@127.0.0.1:${server.port}`, (app) =>
      expectRefusal(app, 'scripts_refused', /does not let this user run scripts/),
    );
  }));

test.each([
  ['syncs every write', durable, 'disk', 0],
  ['syncs every second', ['--appendonly', 'yes', '--appendfsync', 'everysec'], 'memory', 1],
  ['keeps no file', ['--appendonly', 'no'], 'memory', 1],
] as const)('a server that %s: a receipt says so', async (_how, settings, durability, warned) => {
  const server = await redisServer(settings);
  try {
    await appOver(server.url, async ({ manager, save, warnings }) => {
      await manager.activate();
      expect(await save({ lane: 'x', text: '1' })).toMatchObject({ durability });
      expect(manager.status().store.durability).toBe(durability);
      expect(warnings.filter((each) => each.includes('does not sync'))).toHaveLength(warned);
    });
  } finally {
    await server.close();
  }
});

test('with a replica that must have each write a receipt says replica', () =>
  withServer([], (primary) =>
    withServer(['--replicaof', `127.0.0.1 ${primary.port}`], async (replica) => {
      await vi.waitFor(async () => {
        expect(String(await replica.command('INFO', 'replication'))).toContain('link_status:up');
      }, until);
      const upstream = new Upstream();
      const { manager, save } = instance(
        upstream,
        'a',
        { url: primary.url, replicas: 1, commandTimeout: 2_000 },
        { timeouts: { write: 20_000 } },
      );
      await manager.activate();
      expect(await save({ lane: 'x', text: '1' })).toMatchObject({ durability: 'replica' });
      await replica.kill();
      await expect(save({ lane: 'x', text: '2' })).rejects.toMatchObject({ status: 507 });
      await manager.close();
    }),
  ));

test('a server that hangs costs each write a bounded time', () =>
  withServer([], (server) => {
    const patient = { timeouts: { write: 20_000 } };
    const hung = async ({ manager, save }: ReturnType<typeof instance>) => {
      await manager.activate();
      await server.kill('SIGSTOP');
      await expect(save({ lane: 'x', text: '1' })).rejects.toMatchObject({ status: 507 });
      await vi.waitFor(() => expect(manager.status().store.writable).toBe(false), until);
      await server.kill('SIGCONT');
      await vi.waitFor(() => expect(manager.status().store.writable).toBe(true), until);
      expect((await save({ lane: 'x', text: '2' })).outcome).toBe('queued');
    };
    return appOver(server.url, hung, patient, 1_000);
  }));

test('half of a transaction, cut off by a crash, is not done when the server crashes once more', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'redis-cut-'));
  const server = await redisServer([...durable, '--dir', folder]);
  try {
    const filler = 'x'.repeat(100);
    const half = `redis.call('set', 'half', 1) redis.call('set', 'other', '${filler}')`;
    await server.command('EVAL', half, '0');
    await server.kill();
    const [file = ''] = readdirSync(join(folder, 'appendonlydir')).filter((name) =>
      name.endsWith('.incr.aof'),
    );
    const path = join(folder, 'appendonlydir', file);
    truncateSync(path, statSync(path).size - 60);
    await server.restart();
    await appOver(server.url, async ({ manager, save }, upstream) => {
      await manager.activate();
      await save({ lane: 'x', text: '1' });
      await vi.waitFor(async () => {
        const info = String(await server.command('INFO', 'persistence'));
        expect(info).toContain('aof_rewrite_in_progress:0');
      }, until);
      await server.kill();
      await server.restart();
      expect(await server.command('EXISTS', 'half')).toBe(0);
      await manager.deactivate();
      await vi.waitFor(() => expect(upstream.texts('x')).toEqual(['1']), until);
    });
  } finally {
    await server.close();
    rmSync(folder, { recursive: true, force: true });
  }
});
