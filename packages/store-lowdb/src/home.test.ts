import { existsSync } from 'node:fs';
import { chmod, mkdir, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeEach, expect, onTestFinished, test, vi } from 'vitest';
import { startChild } from './child.test.support.ts';
import { identity, keysOnDisk, opened, put, queueOf, slotIn } from './store.test.support.ts';
import { lowdbStore } from './store.ts';
import { temporary } from './temporary.test.support.ts';

let directory: string;
beforeEach(async () => {
  directory = join(await temporary(), 'data');
});

test('nothing is created before the first commit', async () => {
  const { store, report } = await opened(directory);
  expect(report).toMatchObject({ records: 0, quarantined: [] });
  expect(store.status()).toEqual({
    kind: 'lowdb',
    durability: 'disk',
    writable: true,
    location: directory,
    commits: { count: 0, p50Ms: 0, p99Ms: 0 },
  });
  await store.close();
  expect(existsSync(directory)).toBe(false);
  await store.open(identity);
  await store.commit([put('a', 1)]);
  expect((await readdir(slotIn(directory))).sort()).toEqual(['lock.db', 'wal-00000001.ndjson']);
  const { size } = await stat(join(slotIn(directory), 'wal-00000001.ndjson'));
  expect(store.status()).toMatchObject({
    location: slotIn(directory),
    slot: 'slot-0',
    segments: 1,
    bytes: size,
    files: { snapshot: 0, previous: 0, journal: size },
    commits: { count: 1 },
  });
});

test('two stores on one folder never write each other’s file', async () => {
  const { store: one } = await opened(directory);
  await one.commit([put('one', 1)]);
  const { store: two, report } = await opened(directory);
  expect(report.records).toBe(0);
  await Promise.all([two.commit([put('two', 2)]), one.commit([put('more', 1)])]);
  expect(two.status().location).toBe(slotIn(directory, 1));
  expect(await keysOnDisk(directory)).toEqual(['one', 'more']);
  expect(await keysOnDisk(directory, 1)).toEqual(['two']);
});

test('another identity sees nothing of this one', async () => {
  const { store } = await opened(directory);
  await store.commit([put('a', 1)]);
  await store.close();
  for (const other of [
    { manager: 'graphiti', hash: 'fedcba9876543210' },
    { manager: 'other', hash: identity.hash },
  ]) {
    const stranger = lowdbStore({ directory });
    expect(await stranger.open(other)).toMatchObject({ records: 0 });
    await stranger.close();
  }
});

test('a folder that was removed is noticed within a second, and costs one commit then', async () => {
  vi.useFakeTimers({ toFake: ['performance'] });
  onTestFinished(() => void vi.useRealTimers());
  const { store } = await opened(directory);
  const removed = async () => {
    await rm(directory, { recursive: true });
    vi.advanceTimersByTime(1_001);
  };
  await store.commit([put('a', 1)]);
  await removed();
  await expect(store.commit([put('b', 1)])).rejects.toMatchObject({ code: 'ENOENT' });
  await store.commit([put('c', 1)]);
  expect(await keysOnDisk(directory)).toEqual(['a', 'c']);
  await removed();
  await expect(store.commit([put('d', 1)])).rejects.toMatchObject({ code: 'ENOENT' });
  await store.close();
});

test('a folder that cannot be made shows in the status, and starting goes on', async () => {
  const path = join(directory, '..', 'file');
  await writeFile(path, '');
  const { store, report } = await opened(join(path, 'below'));
  expect(report.warnings).toEqual([expect.stringContaining('cannot be used (ENOTDIR)')]);
  expect(store.status()).toMatchObject({ writable: false, problem: 'ENOTDIR' });
  await expect(store.commit([put('a', 1)])).rejects.toMatchObject({ code: 'ENOTDIR' });
  await store.commit([put('b', 1, 'cache')], { lazy: true });
  expect(queueOf(store)).toEqual([]);
  await rm(path);
  await store.commit([put('c', 1)]);
  expect(store.status().writable).toBe(true);
});

test.each([
  ['queue', 'refuse', /^The queue's folder .* \(ENOTDIR\): writes are not queued until it can be/],
  ['queue', 'memory', /writes are queued in memory only until it can be written/],
  ['cache', 'refuse', /^The cache's folder .* answers are cached in memory only until it can be/],
  [undefined, 'refuse', /^The folder .* nothing is kept until it can be/],
] as const)(
  'of a folder that cannot be used it says what it is for: %s, %s',
  async (role, onUnwritable, words) => {
    const path = join(directory, '..', 'file');
    await writeFile(path, '');
    const options = { directory: join(path, 'below'), onUnwritable };
    const { warnings } = await lowdbStore({ ...options, setting: 'MY_FOLDER' }).open(
      identity,
      role,
    );
    expect(warnings).toEqual([expect.stringMatching(words)]);
    expect(warnings[0]).toMatch(/written\. MY_FOLDER chooses another\.$/);
    const [unset] = (await lowdbStore(options).open(identity, role)).warnings;
    expect(unset).toContain('`directory` of lowdbStore chooses another.');
  },
);

test('without permission nothing is read or written, and it says so', async () => {
  const { store } = await opened(directory);
  await store.commit([put('a', 1)]);
  await store.close();
  await chmod(directory, 0); // means nothing to root, who runs the child as nobody
  const child = startChild(
    directory,
    `const store = lowdbStore({ directory });
     const report = await store.open(identity);
     const refused = await store.commit([{ bucket: 'queue', key: 'b', put: 1 }]).catch((error) => error.code);
     print(JSON.stringify({ ...report, ...store.status(), refused }));`,
    { asNobody: true },
  );
  await child.printed(1);
  await chmod(directory, 0o700);
  expect(JSON.parse(child.lines[0] ?? '')).toMatchObject({
    records: 0,
    warnings: [expect.stringContaining('EACCES')],
    writable: false,
    problem: 'EACCES',
    refused: 'EACCES',
  });
  expect(await keysOnDisk(directory)).toEqual(['a']);
});

test('a slot that cannot be locked leaves its records alone', async () => {
  const { store } = await opened(directory);
  await store.commit([put('a', 1)]);
  await store.close();
  vi.spyOn(process, 'getBuiltinModule').mockReturnValue(undefined as never);
  const { store: lockless, report } = await opened(directory);
  expect(report).toMatchObject({ records: 0 });
  expect(lockless.status()).toMatchObject({ writable: false, problem: 'ERR_NO_SQLITE' });
  vi.restoreAllMocks();
  await lockless.commit([put('b', 1)]);
  expect(lockless.status()).toMatchObject({ writable: true });
  expect(lockless.status().location).toContain('slot-1');
  expect(await keysOnDisk(directory)).toEqual(['a']);
});

test('a folder on a filesystem in memory is warned about', async ({ skip }) => {
  if (!existsSync('/dev/shm')) skip('there is no /dev/shm here');
  const path = join('/dev/shm', `store-lowdb-${process.pid}`);
  onTestFinished(() => rm(path, { recursive: true, force: true }));
  await mkdir(path);
  const { warnings } = await lowdbStore({ directory: path }).open(identity);
  expect(warnings).toEqual([expect.stringContaining('tmpfs, in memory')]);
});
