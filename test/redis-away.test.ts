import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';

/** Runs a program of its own; what it writes, and how it ends. */
async function run(
  program: string,
  more: Readonly<Record<string, string>> = {},
): Promise<{ readonly code: unknown; readonly output: string }> {
  const { NODE_ENV: _env, VITEST: _vitest, ...inherited } = process.env;
  const environment = { ...inherited, ...more };
  const flags = ['--conditions=@graphiti-fallback/source', '--input-type=module', '-e', program];
  const child = spawn(process.execPath, flags, { cwd: import.meta.dirname, env: environment });
  const output: string[] = [];
  child.stdout.on('data', (data) => output.push(String(data)));
  child.stderr.on('data', (data) => output.push(String(data)));
  const [code] = await once(child, 'exit');
  return { code, output: output.join('') };
}

test('a program that only writes goes on to its end, though Redis is away', async () => {
  const { code, output } = await run(`
    import { FallbackManager } from '@graphiti-fallback/core';
    import { redisStore } from '@graphiti-fallback/store-redis';
    const manager = new FallbackManager({
      name: 'm', application: 'a', logger: false, health: { interval: 0 },
      store: redisStore({ url: 'redis://127.0.0.1:1' }),
    });
    const save = manager.write('save', {
      run: async () => console.log('run'), entity: (id) => ({ type: 'item', id }), idempotent: true,
    });
    console.log((await save('x')).outcome);
    await manager.close();
  `);
  expect(output).toBe('run\napplied\n');
  expect(code).toBe(0);
});

test('with the address in the environment alone it is said once that Redis is away, without its password', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'redis-away-'));
  try {
    const { output } = await run(
      `
      import { composeGraphiti } from '@graphiti-fallback/http';
      const { manager } = composeGraphiti({ url: 'http://127.0.0.1:1', name: 'm', application: 'a' });
      await manager.open();
      await manager.close();
      console.log('closed');
      `,
      {
        FALLBACK_REDIS_URL: 'redis://user:s3cret@127.0.0.1:1/2',
        FALLBACK_DB_PATH: join(folder, 'queue'),
        FALLBACK_CACHE_DIR: join(folder, 'cache'),
      },
    );
    expect(output.match(/Redis at redis:\/\/127\.0\.0\.1:1\/2 cannot be reached/g)).toHaveLength(1);
    expect(output).toMatch(/closed\n$/);
    expect(output).not.toContain('s3cret');
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

test('an app without a Redis does not load its client', async () => {
  const { output } = await run(`
    import { registerHooks } from 'node:module';
    const loaded = [];
    registerHooks({ load(url, context, next) { loaded.push(url); return next(url, context); } });
    const { composeGraphiti } = await import('@graphiti-fallback/http');
    await composeGraphiti({ url: "http://127.0.0.1:1", logger: false, name: 'm', application: 'a' }).manager.close();
    console.log(loaded.filter((url) => url.includes('@redis')).length, loaded.length > 10);
  `);
  expect(output).toBe('0 true\n');
});
