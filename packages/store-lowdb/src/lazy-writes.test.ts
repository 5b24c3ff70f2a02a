import { AsyncLocalStorage } from 'node:async_hooks';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { LazyWrites } from './lazy-writes.ts';

beforeEach(() => vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] }));
afterEach(() => vi.useRealTimers());

function taking(ms: number, fails = () => false) {
  const startedAt: number[] = [];
  const lazy = new LazyWrites(() => {
    startedAt.push(performance.now() - zero);
    lazy.began();
    vi.advanceTimersByTime(ms);
    if (fails()) lazy.failed(false);
    else lazy.succeeded();
  });
  const zero = performance.now();
  return { lazy, startedAt };
}

test('many changes are one write, within a second of the first', () => {
  const { lazy, startedAt } = taking(5);
  lazy.changed();
  vi.advanceTimersByTime(900);
  lazy.changed();
  vi.advanceTimersByTime(5000);
  expect(startedAt).toEqual([1000]);
  expect(lazy.unwritten).toBe(false);
});

test('another write that takes the changes along makes its own needless', () => {
  const { lazy, startedAt } = taking(5);
  lazy.changed();
  lazy.began();
  lazy.succeeded();
  vi.advanceTimersByTime(5000);
  expect(startedAt).toEqual([]);
});

test('writing takes a tenth of the time at most', () => {
  const { lazy, startedAt } = taking(2000);
  lazy.changed();
  vi.advanceTimersByTime(1000);
  lazy.changed();
  vi.advanceTimersByTime(17_999);
  expect(startedAt).toEqual([1000]);
  vi.advanceTimersByTime(1);
  expect(startedAt).toEqual([1000, 21_000]);
});

test('what failed is written again, later each time, and by the next write too', () => {
  let failing = true;
  const { lazy, startedAt } = taking(0, () => failing);
  lazy.changed();
  vi.advanceTimersByTime(7000);
  expect(startedAt).toEqual([1000, 3000, 7000]);
  expect(lazy.unwritten).toBe(true);
  failing = false;
  vi.advanceTimersByTime(8000);
  expect(startedAt).toEqual([1000, 3000, 7000, 15_000]);
  expect(lazy.unwritten).toBe(false);
});

test('a write is due in no request’s context', async () => {
  vi.useRealTimers(); // fake ones carry no context
  const request = new AsyncLocalStorage<string>();
  const seen = await new Promise((resolve) => {
    const lazy = new LazyWrites(() => resolve({ store: request.getStore() }));
    request.run('a', () => lazy.changed());
  });
  expect(seen).toEqual({ store: undefined });
});
