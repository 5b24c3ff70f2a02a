import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';

const show = join(import.meta.dirname, '../examples/cluster/src/show.ts');

test('four workers under load, one killed by kill -9: the others replay what it had queued, in lane order', {
  timeout: 180_000,
}, async () => {
  const { VITEST: _vitest, NODE_ENV: _env, NODE_OPTIONS: _options, ...env } = process.env;
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ['--conditions=@graphiti-fallback/source', show, '--json'],
    { env },
  );
  const found = JSON.parse(stdout.trim().split('\n').at(-1) ?? '');
  expect(found).toMatchObject({ ok: true, lost: 0, outOfOrder: 0 });
  expect(found.orphaned).toBeGreaterThan(10);
  expect(found.duplicates).toBeLessThanOrEqual(8);
});
