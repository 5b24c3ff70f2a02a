import { execFile } from 'node:child_process';
import { readdir, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { promisify } from 'node:util';
import { expect, onTestFinished, test, vi } from 'vitest';
import { startChild } from './child.test.support.ts';
import { keysOnDisk, opened } from './store.test.support.ts';
import { temporary } from './temporary.test.support.ts';

const run = promisify(execFile);

vi.setConfig({ testTimeout: 60_000 }); // processes, on a machine that may be busy

/** Commits without end from several producers at once, and prints what was acknowledged. */
const writer = `
  const store = lowdbStore({ directory });
  await store.open(identity);
  const produce = async (name) => {
    for (let n = 0; ; n += 1) {
      const key = [process.pid, name, n].join('-');
      await store.commit([{ bucket: 'queue', key, put: 'x'.repeat(n % 500) }]);
      print(key);
    }
  };
  for (let name = 0; name < 8; name += 1) produce(name);`;

test('kill -9 in the middle of commits loses nothing that was acknowledged', {
  timeout: 60_000,
}, async () => {
  const directory = await temporary();
  const acknowledged: string[] = [];
  for (let round = 0; round < 6; round += 1) {
    const child = startChild(directory, writer);
    await child.printed(1 + round * 20);
    await child.kill();
    acknowledged.push(...child.lines);
    const { store, report, keys } = await opened(directory);
    expect(report).toMatchObject({ quarantined: [], warnings: [] });
    expect(store.status().location).toMatch(/slot-0$/);
    expect(acknowledged.filter((key) => !keys.includes(key))).toEqual([]);
    await store.close();
  }
  expect(acknowledged.length).toBeGreaterThan(300);
});

test('two processes never write each other’s file, and a killed one’s lock is free', async () => {
  const directory = await temporary();
  const children = [startChild(directory, writer), startChild(directory, writer)];
  await Promise.all(children.map((child) => child.printed(30)));
  const third = await opened(directory);
  expect(third.keys).toEqual([]);
  await third.store.commit([{ bucket: 'queue', key: 'third', put: 1 }]);
  expect(third.store.status().location).toMatch(/slot-2$/);
  await Promise.all(children.map((child) => child.kill()));
  const { store, keys } = await opened(directory);
  expect(store.status()).toMatchObject({ slot: 'slot-0', adopted: 1 });
  const lines = children.flatMap((child) => child.lines);
  expect(lines.filter((key) => !keys.includes(key))).toEqual([]);
  expect(new Set(keys).size).toBe(keys.length);
});

test('folders and files are for this user only, whatever the umask', async () => {
  const directory = join(await temporary(), 'data');
  const child = startChild(
    directory,
    `process.umask(0);
     const store = lowdbStore({ directory });
     for (const key of ['a', 'b']) {
       await store.open(identity);
       await store.commit([{ bucket: 'queue', key, put: 1 }]);
       await store.close();
     }`,
  );
  await child.ended;
  const names = (await readdir(directory, { recursive: true })).sort();
  expect(names.map((name) => basename(name))).toEqual([
    'graphiti-0123456789ab',
    'slot-0',
    'db.json',
    'db.prev.json',
    'lock.db',
    'wal-00000002.ndjson',
  ]);
  for (const name of ['.', ...names]) {
    const found = await stat(join(directory, name));
    expect(found.mode & 0o777, name).toBe(found.isDirectory() ? 0o700 : 0o600);
  }
});

test('a process with something unwritten ends when its work is done, without a word', async () => {
  const child = startChild(
    await temporary(),
    `const store = lowdbStore({ directory });
     await store.open(identity);
     await store.commit([{ bucket: 'queue', key: 'a', put: 1 }]);
     await store.commit([{ bucket: 'cache', key: 'b', put: 1 }], { lazy: true });
     print(performance.now());
     process.on('exit', () => print(performance.now()));`,
  );
  await child.ended;
  await child.printed(2);
  const [done, ended] = child.lines.map(Number);
  expect(Number(ended) - Number(done)).toBeLessThan(500);
  expect(child.complaints()).toBe('');
});

test('a full disk takes nothing new, lets go of what is done, and is written again when that made room', {
  timeout: 60_000,
}, async ({ skip }) => {
  const mount = await temporary();
  const mounted = await run('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'none', mount]).catch(
    () => undefined,
  );
  if (!mounted) skip('mounting a tmpfs needs privileges that are missing here');
  onTestFinished(async () => void (await run('umount', ['-l', mount])));
  const directory = join(mount, 'data');
  const { store } = await opened(directory, { segmentBytes: 64 * 1024 });
  const put = (number: number) =>
    store.commit([{ bucket: 'queue', key: `${number}`, put: 'x'.repeat(20_000) }]);
  let stored = 0;
  const fill = async () => {
    for (;;) {
      await put(stored);
      stored += 1;
    }
  };
  await expect(fill()).rejects.toMatchObject({ code: 'ENOSPC' });
  expect(store.status()).toMatchObject({ writable: false, problem: 'ENOSPC' });
  await expect(put(stored)).rejects.toThrow('The disk is full');
  for (let number = 0; number < stored; number += 1)
    await store.commit([{ bucket: 'queue', key: `${number}`, delete: true }]);
  expect(await keysOnDisk(directory)).toEqual([]);
  await expect.poll(() => put(1).catch(() => 'full'), { timeout: 30_000 }).toBe('disk');
  expect(store.status().writable).toBe(true);
  expect(await keysOnDisk(directory)).toEqual(['1']);
});
