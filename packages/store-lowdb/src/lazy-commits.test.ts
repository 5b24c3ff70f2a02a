import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { failHandles } from './faults.test.support.ts';
import { keysOnDisk, opened, put, queueOf, slotIn } from './store.test.support.ts';
import { temporary } from './temporary.test.support.ts';

let directory: string;
beforeEach(async () => {
  directory = join(await temporary(), 'data');
});
afterEach(() => vi.useRealTimers());

test('a lazy commit shows at once and is written within about a second', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  const { store } = await opened(directory);
  expect(await store.commit([put('a', 1, 'cache')], { lazy: true })).toBe('memory');
  expect([...store.entries('cache')]).toEqual([['a', 1]]);
  expect(existsSync(slotIn(directory))).toBe(false);
  vi.advanceTimersByTime(1000);
  vi.useRealTimers();
  await expect.poll(() => store.status().segments).toBe(1);
  expect(await keysOnDisk(directory)).toEqual(['a']);
});

test('a lazy commit is written with the next one, and by close', async () => {
  const { store } = await opened(directory);
  await store.commit([put('a', 1, 'cache')], { lazy: true });
  await store.commit([put('b', 1)]);
  expect(await keysOnDisk(directory)).toEqual(['b', 'a']);
  await store.commit([put('c', 1, 'cache')], { lazy: true });
  await store.close();
  expect(await keysOnDisk(directory)).toEqual(['b', 'a', 'c']);
});

test('lazy and waiting commits of one key end in the order in which they came', async () => {
  const { store } = await opened(directory);
  await store.commit([put('start', 0)]);
  const first = store.commit([put('a', 'durable 1'), put('b', 'durable 1')]);
  await store.commit([put('a', 'lazy 2')], { lazy: true });
  await new Promise(setImmediate);
  await store.commit([put('b', 'lazy 2'), put('c', 'lazy 2')], { lazy: true });
  const third = store.commit([put('c', 'durable 3')]);
  expect(queueOf(store)).toContainEqual(['a', 'lazy 2']);
  await Promise.all([first, third]);
  const expected = [
    ['start', 0],
    ['a', 'lazy 2'],
    ['b', 'lazy 2'],
    ['c', 'durable 3'],
  ];
  expect(queueOf(store)).toEqual(expected);
  await store.close();
  expect(queueOf((await opened(directory)).store)).toEqual(expected);
});

test('a lazy commit during a write shows before and after the write is done', async () => {
  const { store } = await opened(directory);
  const durable = store.commit([put('a', 'durable')]);
  await new Promise(setImmediate);
  await store.commit([put('b', 'lazy')], { lazy: true });
  expect(queueOf(store)).toEqual([['b', 'lazy']]);
  await durable;
  expect(queueOf(store)).toEqual([
    ['a', 'durable'],
    ['b', 'lazy'],
  ]);
  expect(await keysOnDisk(directory)).toEqual(['a']);
  await store.close();
  expect(await keysOnDisk(directory)).toEqual(['a', 'b']);
});

test('a lazy commit on top of one that fails stays', async () => {
  const { store } = await opened(directory);
  await store.commit([put('start', 0)]);
  await failHandles('write', 'EIO', [1, 2]);
  const failing = store.commit([put('a', 'durable')]);
  await new Promise(setImmediate);
  await store.commit([put('b', 'lazy')], { lazy: true });
  await expect(failing).rejects.toThrow('EIO');
  expect(queueOf(store)).toEqual([
    ['start', 0],
    ['b', 'lazy'],
  ]);
  await store.close();
  expect(await keysOnDisk(directory)).toEqual(['start', 'b']);
});

test('a lazy write that fails shows in the status and is repeated', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  const { store } = await opened(directory);
  await store.commit([put('a', 1)]);
  await failHandles('write', 'EROFS', [1, 2]);
  await store.commit([put('b', 1, 'cache')], { lazy: true });
  vi.advanceTimersByTime(1000);
  await vi.waitUntil(() => store.status().problem === 'EROFS');
  expect(await keysOnDisk(directory)).toEqual(['a']);
  vi.advanceTimersByTime(2000);
  vi.useRealTimers();
  await expect.poll(() => store.status().writable).toBe(true);
  expect(await keysOnDisk(directory)).toEqual(['a', 'b']);
});
