import { stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeEach, expect, test, vi } from 'vitest';
import { takeLock } from './lock.ts';
import { temporary } from './temporary.test.support.ts';

let path: string;
beforeEach(async () => {
  path = join(await temporary(), 'lock.db');
});

test('a lock has one holder at a time, and can be taken again', async () => {
  const unlock = await takeLock(path);
  expect(unlock).toBeDefined();
  expect(await takeLock(path)).toBeUndefined();
  unlock?.();
  unlock?.();
  const again = await takeLock(path);
  expect(again).toBeDefined();
  again?.();
});

test('asking for a lock that is held does not loosen it', async () => {
  const unlock = await takeLock(path);
  for (let i = 0; i < 5; i += 1) expect(await takeLock(path)).toBeUndefined();
  unlock?.();
});

test('the file is empty and for this user only', async () => {
  const unlock = await takeLock(path);
  const { mode, size } = await stat(path);
  expect([mode & 0o777, size]).toEqual([0o600, 0]);
  unlock?.();
});

test('where there can be no lock, it says why', async () => {
  await expect(takeLock(join(path, 'below'))).rejects.toMatchObject({ code: 'ENOENT' });
  vi.spyOn(process, 'getBuiltinModule').mockReturnValue(undefined as never);
  await expect(takeLock(path)).rejects.toMatchObject({ code: 'ERR_NO_SQLITE' });
  vi.restoreAllMocks();
});

test('only the one warning of Node 22 is kept back', async () => {
  const warned = vi.spyOn(process, 'emitWarning').mockImplementation(() => {});
  const getBuiltinModule = process.getBuiltinModule;
  vi.spyOn(process, 'getBuiltinModule').mockImplementation(((name: string) => {
    process.emitWarning(
      'SQLite is an experimental feature and might change',
      'ExperimentalWarning',
    );
    process.emitWarning('Something else');
    return getBuiltinModule(name);
  }) as never);
  (await takeLock(path))?.();
  process.emitWarning('Later');
  expect(warned.mock.calls.map(([warning]) => warning)).toEqual(['Something else', 'Later']);
  vi.restoreAllMocks();
});

test('a damaged lock file is kept aside, and the lock is taken all the same', async () => {
  await writeFile(path, 'garbage that is no database, and longer than its header. '.repeat(20));
  const unlock = await takeLock(path);
  expect(unlock).toBeDefined();
  expect(await takeLock(path)).toBeUndefined();
  unlock?.();
});
