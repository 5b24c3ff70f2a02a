import { AsyncLocalStorage } from 'node:async_hooks';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { LazyWrites } from './lazy-writes.ts';

beforeEach(() => vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] }));
afterEach(() => vi.useRealTimers());

/** Writes that fail when the test says so. */
function writing() {
  const state = { failing: false };
  const startedAt: number[] = [];
  const zero = performance.now();
  const lazy = new LazyWrites(() => {
    startedAt.push(performance.now() - zero);
    if (state.failing) lazy.failed();
    else lazy.succeeded();
  });
  return { lazy, startedAt, state };
}

test('many changes are one write, within a second of the first', () => {
  const { lazy, startedAt } = writing();
  lazy.changed();
  vi.advanceTimersByTime(900);
  lazy.changed();
  vi.advanceTimersByTime(5000);
  expect(startedAt).toEqual([1000]);
});

test('another write that takes the changes along makes its own needless', () => {
  const { lazy, startedAt } = writing();
  lazy.changed();
  lazy.succeeded();
  vi.advanceTimersByTime(5000);
  expect(startedAt).toEqual([]);
});

test('what failed is written again, later each time', () => {
  const { lazy, startedAt, state } = writing();
  state.failing = true;
  lazy.changed();
  vi.advanceTimersByTime(7000);
  expect(startedAt).toEqual([1000, 3000, 7000]);
  state.failing = false;
  vi.advanceTimersByTime(60_000);
  expect(startedAt).toEqual([1000, 3000, 7000, 15_000]);
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
