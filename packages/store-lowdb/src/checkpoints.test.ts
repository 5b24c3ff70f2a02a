import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Checkpoints } from './checkpoints.ts';
import { opened, put, slotIn } from './store.test.support.ts';
import { temporary } from './temporary.test.support.ts';

beforeEach(() => vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] }));
afterEach(() => vi.useRealTimers());

/** When snapshots are due, in ms from now, and whether for the quiet. */
function watched(mostBytes = 1_000) {
  const due: [number, boolean][] = [];
  const zero = performance.now();
  const checkpoints = new Checkpoints(mostBytes, (quiet) =>
    due.push([Math.round(performance.now() - zero), quiet]),
  );
  return { checkpoints, due };
}

test('after a second of quiet a snapshot is due, once', () => {
  const { checkpoints, due } = watched();
  checkpoints.changed(10);
  vi.advanceTimersByTime(900);
  checkpoints.changed(20);
  vi.advanceTimersByTime(10_000);
  expect(due).toEqual([[1_900, true]]);
});

test('a long journal does not wait for the quiet', () => {
  const { checkpoints, due } = watched();
  checkpoints.changed(1_000);
  expect(due).toEqual([[0, false]]);
});

test('after a snapshot that took long the quiet has to last longer', () => {
  const { checkpoints, due } = watched();
  checkpoints.succeeded(500);
  checkpoints.changed(10);
  vi.advanceTimersByTime(60_000);
  expect(due).toEqual([[10_000, true]]);
});

test('what failed is tried again by the clock, later each time, and not at each commit', () => {
  const { checkpoints, due } = watched();
  checkpoints.failed();
  checkpoints.changed(5_000);
  vi.advanceTimersByTime(1_999);
  expect(due).toEqual([]);
  vi.advanceTimersByTime(1);
  checkpoints.failed();
  vi.advanceTimersByTime(4_000);
  expect(due.map(([at]) => at)).toEqual([2_000, 6_000]);
});

test('a store that rests writes one snapshot, and nothing more', async () => {
  const directory = await temporary();
  const { store } = await opened(directory);
  await store.commit([put('a', 1)]);
  const generation = async () => {
    const text = await readFile(join(slotIn(directory), 'db.json'), 'utf8').catch(() => '');
    return text === '' ? 0 : JSON.parse(text)._meta.gen;
  };
  for (let second = 0; second < 10; second += 1) {
    vi.advanceTimersByTime(1_001);
    await vi.waitUntil(async () => (await generation()) > 0, { timeout: 5_000 });
    await new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
  }
  expect(await generation()).toBe(1);
  expect(store.status().checkpoint).toMatchObject({ tookMs: expect.any(Number) });
});
