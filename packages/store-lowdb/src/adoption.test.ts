import type { Adopted } from '@graphiti-fallback/core';
import { afterEach, expect, test, vi } from 'vitest';
import { startChild } from './child.test.support.ts';
import { failHandles } from './faults.test.support.ts';
import { identity, keysOnDisk, opened, put, queueOf } from './store.test.support.ts';
import { temporary } from './temporary.test.support.ts';

vi.setConfig({ testTimeout: 60_000 }); // processes, on a machine that may be busy
afterEach(() => vi.useRealTimers());

/** Commits three operations and something else, says so, and waits to be killed. */
const writer = `
  const store = lowdbStore({ directory });
  await store.open(identity);
  for (const n of [1, 2, 3])
    await store.commit([{ bucket: 'queue', key: process.pid + '-' + n, put: { n } }]);
  await store.commit([{ bucket: 'state', key: 'breaker', put: 'theirs' }]);
  print(process.pid);
  setInterval(() => {}, 1000);`;

async function killed(directory: string): Promise<string[]> {
  const child = startChild(directory, writer);
  await child.printed(1);
  await child.kill();
  return [1, 2, 3].map((n) => `${child.lines[0]}-${n}`);
}

test('operations of processes that are gone are taken over at the start, and done in place', async () => {
  const directory = await temporary();
  const { store: first } = await opened(directory);
  await first.commit([put('own', 1)]);
  const theirs = await killed(directory);
  await first.close();
  const { store, report, keys } = await opened(directory);
  expect(keys).toEqual(['own', ...theirs]);
  expect(report).toMatchObject({ records: 5, missing: 0 });
  expect(store.status()).toMatchObject({ slot: 'slot-0', adopted: 1 });
  expect([...store.entries('state')]).toEqual([]);
  const [one = '', two = '', three = ''] = theirs;
  await store.commit([
    { bucket: 'queue', key: one, delete: true },
    put(`ended:${one}`, 1, 'state'),
    put(two, { n: 2, inFlight: true }),
  ]);
  expect(await keysOnDisk(directory, 0)).toEqual(['own']);
  expect(await keysOnDisk(directory, 1)).toEqual([two, three]);
  expect([...store.entries('state')]).toEqual([[`ended:${one}`, 1]]);
  await store.close();
  expect((await opened(directory)).keys).toEqual(['own', two, three]);
});

test('a removal that a full disk refused is tried again where the operation is', async () => {
  const directory = await temporary();
  const { store: first } = await opened(directory);
  await first.commit([put('own', 1)]);
  const theirs = await killed(directory);
  await first.close();
  const { store } = await opened(directory);
  const [one = '', two, three] = theirs;
  const remove = () => store.commit([{ bucket: 'queue', key: one, delete: true }]);
  await failHandles('write', 'ENOSPC', [1, 2, 3, 4]);
  await expect(remove()).rejects.toMatchObject({ code: 'ENOSPC' });
  expect([...store.entries('queue')].map(([key]) => key)).toEqual(['own', ...theirs]);
  await remove();
  await store.close();
  expect((await opened(directory)).keys).toEqual(['own', two, three]);
});

test('a slot whose operations are all done is let go, with nothing of them in its files', async () => {
  const directory = await temporary();
  const { store: first } = await opened(directory);
  await first.commit([put('own', 1)]);
  const theirs = await killed(directory);
  await first.close();
  const { store } = await opened(directory);
  await store.commit(theirs.map((key) => ({ bucket: 'queue', key, delete: true })));
  await expect.poll(() => store.status().adopted).toBeUndefined();
  const { store: other, keys } = await opened(directory);
  expect(keys).toEqual([]);
  expect(other.status().slot).toBe('slot-1');
  expect([...other.entries('state')]).toEqual([['breaker', 'theirs']]);
});

test('while it runs it looks every 30 s, and tells who listens', async () => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
  const directory = await temporary();
  const { store } = await opened(directory);
  const told: Adopted[] = [];
  const stop = store.onAdopted?.((records) => told.push(...records));
  await store.commit([put('own', 1)]);
  const theirs = await killed(directory);
  expect(told).toEqual([]);
  vi.advanceTimersByTime(30_000);
  vi.useRealTimers();
  await expect
    .poll(() => told.map(([bucket, key]) => [bucket, key]))
    .toEqual(theirs.map((key) => ['queue', key]));
  expect(queueOf(store).map(([key]) => key)).toEqual(['own', ...theirs]);
  stop?.();
});

test('of several that look at once, one takes over', async () => {
  const directory = await temporary();
  const { store: first } = await opened(directory);
  await first.commit([put('own', 1)]);
  const theirs = await killed(directory);
  const { store: holder } = await opened(directory);
  expect(queueOf(holder).map(([key]) => key)).toEqual(theirs);
  const many = await Promise.all(Array.from({ length: 4 }, () => opened(directory)));
  expect(many.flatMap(({ keys }) => keys)).toEqual([]);
});

test('a process that lives keeps its operations', async () => {
  const directory = await temporary();
  const child = startChild(directory, writer);
  await child.printed(1);
  const { store, keys } = await opened(directory);
  expect(keys).toEqual([]);
  expect(store.status().adopted).toBeUndefined();
  expect(await store.open(identity)).toMatchObject({ records: 0 });
});
