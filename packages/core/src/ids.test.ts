import { validate, version } from 'uuid';
import { afterEach, expect, test, vi } from 'vitest';
import { newId } from './ids.ts';

afterEach(() => {
  vi.useRealTimers();
});

test('ids are UUIDv7, differ, and sort in the order in which they were made', () => {
  const ids = Array.from({ length: 10_000 }, newId);
  expect(ids.every((id) => validate(id) && version(id) === 7)).toBe(true);
  expect(new Set(ids).size).toBe(ids.length);
  expect([...ids].sort()).toEqual(ids);
});

test('also while the clock stands still, or goes back', () => {
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 60_000 });
  const before = Array.from({ length: 1_000 }, newId);
  vi.setSystemTime(Date.now() - 3_600_000);
  const all = [...before, ...Array.from({ length: 1_000 }, newId)];
  expect([...all].sort()).toEqual(all);
  expect(new Set(all).size).toBe(all.length);
});
