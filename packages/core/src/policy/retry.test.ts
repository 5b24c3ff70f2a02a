import { expect, test } from 'vitest';
import { failure } from '../failure.ts';
import { createRetry } from './retry.ts';

const options = { retries: 3, initialDelay: 100, maxDelay: 2_000 };
const failed = { number: 1, failure: failure('unavailable', '503'), waitedMs: 0, leftMs: 60_000 };

test('waits at random between the shortest wait and three times the last one, up to the longest', () => {
  const waits = (chance: number, waitedMs: number) =>
    createRetry(options, () => chance).wait({ ...failed, waitedMs });
  expect([waits(0, 0), waits(0.5, 0), waits(0.999, 0)]).toEqual([100, 200, expect.closeTo(300, 0)]);
  expect([waits(0, 300), waits(0.5, 300)]).toEqual([100, 500]);
  expect(waits(0.9, 2_000)).toBe(2_000);
});

test('never comes before Retry-After, and not at all where the deadline is before that', () => {
  const retry = createRetry(options, () => 0);
  const throttled = failure('throttled', '429', 5_000);
  expect(retry.wait({ ...failed, failure: throttled })).toBe(5_000);
  expect(retry.wait({ ...failed, failure: throttled, leftMs: 5_000 })).toBeUndefined();
});

test('ends after so many tries', () => {
  const retry = createRetry(options, () => 0);
  expect(retry.wait({ ...failed, number: 3 })).toBe(100);
  expect(retry.wait({ ...failed, number: 4 })).toBeUndefined();
});

test('is a tenth of the calls, and ten', () => {
  const retry = createRetry(options, () => 0);
  const granted = (tries: number) =>
    Array.from({ length: tries }, () => retry.wait(failed)).filter((wait) => wait !== undefined)
      .length;
  expect(granted(50)).toBe(10);
  for (let call = 0; call < 30; call += 1) retry.begin();
  expect(granted(50)).toBe(3);
});
