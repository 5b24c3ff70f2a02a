import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Json } from '@graphiti-fallback/core';
import { Low } from 'lowdb';
import { JSONFile } from 'lowdb/node';
import { beforeEach, expect, test } from 'vitest';
import { failAfterWriting, failHandles } from './faults.test.support.ts';
import { identity, keysOnDisk, opened, put, queueOf, slotIn } from './store.test.support.ts';
import { temporary } from './temporary.test.support.ts';

let directory: string;
let file: string;
beforeEach(async () => {
  directory = join(await temporary(), 'data');
  file = join(slotIn(directory), 'db.json');
});

test('what was committed is in the file of a closed store, which plain lowdb reads too', async () => {
  const { store } = await opened(directory);
  expect(await store.commit([put('a', { n: 1 }), put('b', [true], 'state')])).toBe('disk');
  await store.close();
  const low = new Low<Record<string, unknown>>(new JSONFile(file), {});
  await low.read();
  expect(low.data).toMatchObject({
    queue: [{ key: 'a', value: { n: 1 } }],
    state: [{ key: 'b', value: [true] }],
  });
});

test('what was committed is there after closing and opening, in order of first put', async () => {
  const { store } = await opened(directory);
  await store.commit([put('b', 1), put('a', 2), put('c', 3), put('x', 4, 'cache')]);
  await store.commit([put('b', 5), { bucket: 'queue', key: 'c', delete: true }]);
  await store.close();
  const { store: again, report } = await opened(directory);
  expect(queueOf(again)).toEqual([
    ['b', 5],
    ['a', 2],
  ]);
  expect([...again.entries('cache')]).toEqual([['x', 4]]);
  expect(report).toMatchObject({ records: 3, quarantined: [] });
});

test('an opened store can be opened and closed again and again', async () => {
  const { store } = await opened(directory);
  await store.commit([put('a', 1)]);
  expect(await store.open(identity)).toMatchObject({ records: 1 });
  expect(queueOf(store)).toEqual([['a', 1]]);
  await Promise.all([store.close(), store.close()]);
  expect(queueOf(store)).toEqual([]);
  await expect(store.commit([put('b', 1)])).rejects.toMatchObject({
    code: 'FALLBACK_STORE_CLOSED',
  });
  await expect(store.commit([put('b', 1)], { lazy: true })).rejects.toThrow('is not open');
  expect(store.status()).toMatchObject({ writable: false, problem: 'FALLBACK_STORE_CLOSED' });
});

test('commits under way are on disk when closing is done', async () => {
  const { store } = await opened(directory);
  const commits = ['a', 'b'].map((key) => store.commit([put(key, 1)]));
  await store.close();
  expect(await keysOnDisk(directory)).toEqual(['a', 'b']);
  expect(await Promise.all(commits)).toEqual(['disk', 'disk']);
});

test('commits of one moment share a write', async () => {
  const { store } = await opened(directory);
  await Promise.all(Array.from({ length: 50 }, (_, i) => store.commit([put(`k${i}`, i)])));
  const journal = await readFile(join(slotIn(directory), 'wal-00000001.ndjson'), 'utf8');
  const batches = journal
    .split('\n')
    .slice(1, -1)
    .map((line) => JSON.parse(line).slice(2, 4));
  expect(batches).toEqual(Array.from({ length: 50 }, () => [1, 50]));
  expect(queueOf(store).map(([, value]) => value)).toEqual(Array.from({ length: 50 }, (_, i) => i));
});

test('a value that is not JSON refuses its commit alone, whole', async () => {
  const { store } = await opened(directory);
  const cycle: Record<string, unknown> = {};
  cycle.self = cycle;
  const bad = [1n, cycle, undefined, () => {}].map((value) =>
    store.commit([put('half', 1), put('bad', value as never)]),
  );
  const badBucket = store.commit([put('a', 1, 'drawer' as never)]);
  const badKey = store.commit([put(1 as never, 1)]);
  const good = store.commit([put('good', 1)]);
  for (const each of [...bad, badBucket, badKey]) await expect(each).rejects.toThrow(TypeError);
  await good;
  expect(await keysOnDisk(directory)).toEqual(['good']);
  expect(queueOf(store)).toEqual([['good', 1]]);
});

test('values are the store’s own: neither the writer’s nor a reader’s mutation shows', async () => {
  const { store } = await opened(directory);
  const value = { list: [1] };
  const commit = store.commit([put('a', value)]);
  value.list.push(2);
  await commit;
  for (const [, read] of store.entries('queue')) (read as typeof value).list.push(3);
  expect(queueOf(store)).toEqual([['a', { list: [1] }]]);
});

test('keys and values of any characters come back', async () => {
  const { store } = await opened(directory);
  const entries: [string, Json][] = ['__proto__', 'constructor', '\ud800', '\u2028\n', ''].map(
    (text) => [text, JSON.parse(`{"__proto__":${JSON.stringify(text)}}`)],
  );
  await store.commit(entries.map(([key, value]) => put(key, value)));
  await store.close();
  expect(queueOf((await opened(directory)).store)).toEqual(entries);
});

test('a commit does not show before it is on disk, and not when it failed', async () => {
  const { store } = await opened(directory);
  await store.commit([put('a', 1), put('b', 1)]);
  await failHandles('write', 'EIO', [1, 2]);
  const refused = store.commit([
    put('a', 2),
    { bucket: 'queue', key: 'b', delete: true },
    put('c', 1),
  ]);
  expect(queueOf(store)).toEqual([
    ['a', 1],
    ['b', 1],
  ]);
  await expect(refused).rejects.toMatchObject({ code: 'EIO' });
  expect(queueOf(store)).toEqual([
    ['a', 1],
    ['b', 1],
  ]);
  expect(store.status()).toMatchObject({ writable: false, problem: 'EIO' });
  await store.commit([put('d', 1)]);
  expect(store.status().problem).toBeUndefined();
  expect(store.status().writable).toBe(true);
  expect(await keysOnDisk(directory)).toEqual(['a', 'b', 'd']);
});

test('what failed to sync is not on the disk, and is written once more in a new segment', async () => {
  const { store } = await opened(directory);
  await store.commit([put('a', 1)]);
  await failHandles('write', 'EIO', [1]);
  expect(await store.commit([put('b', 1)])).toBe('disk');
  expect(await keysOnDisk(directory)).toEqual(['a', 'b']);
  expect((await readdir(slotIn(directory))).sort()).toEqual([
    'lock.db',
    'wal-00000001.ndjson',
    'wal-00000002.ndjson',
  ]);
});

test('what was refused is taken off the disk again', async () => {
  const { store } = await opened(directory);
  await store.commit([put('a', 1)]);
  await failAfterWriting('EIO', [1, 2]);
  await expect(store.commit([put('refused', 1)])).rejects.toMatchObject({ code: 'EIO' });
  expect(await keysOnDisk(directory)).toEqual(['a']);
  await store.commit([put('b', 1)]);
  await store.close();
  expect(await keysOnDisk(directory)).toEqual(['a', 'b']);
});

test('an entry over 1 MiB refuses its commit alone', async () => {
  const { store } = await opened(directory);
  const large = store.commit([put('large', 'x'.repeat(1024 * 1024))]);
  await Promise.all([
    expect(large).rejects.toMatchObject({ code: 'FALLBACK_VALUE_TOO_LARGE' }),
    store.commit([put('a', 1)]),
  ]);
  expect(await keysOnDisk(directory)).toEqual(['a']);
});

test('with `onUnwritable: memory` what the disk does not take is kept, says so, and is written later', async () => {
  const { store } = await opened(directory, { onUnwritable: 'memory' });
  await store.commit([put('a', 1)]);
  await failHandles('write', 'EROFS', [1, 2]);
  expect(await store.commit([put('b', 1)])).toBe('memory');
  expect(queueOf(store).map(([key]) => key)).toEqual(['a', 'b']);
  expect(store.status()).toMatchObject({ durability: 'memory', writable: false, problem: 'EROFS' });
  expect(await store.commit([put('c', 1)])).toBe('disk');
  expect(await keysOnDisk(directory)).toEqual(['a', 'b', 'c']);
  expect(store.status()).toMatchObject({ durability: 'disk', writable: true });
});
