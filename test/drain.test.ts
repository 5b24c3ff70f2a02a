/** The drain over real HTTP; `npm run test:drain` does the same with more. */

import { expect, test } from 'vitest';
import { throttledDrain } from './drain/throttled-drain.ts';
import { busiestSecond } from './drain/throttled-upstream.ts';

test('an upstream that answers 429 above its limit gets all, in order, and never much more than that', async () => {
  const report = await throttledDrain({ operations: 160, limit: 50 });
  expect(report).toMatchObject({ ok: true, delivered: 160, lost: 0, duplicates: 0, outOfOrder: 0 });
  // It was found out, and then kept to.
  expect(report.throttled).toBeGreaterThan(0);
  expect(report.throttled).toBeLessThan(40);
}, 30_000);

test('the busiest second is found wherever it begins', () => {
  expect(busiestSecond([0, 10, 20, 900, 950, 1_005, 1_899, 1_900], 0)).toBe(5);
  expect(busiestSecond([0, 10, 20, 900, 950, 1_005, 1_899, 1_900], 900)).toBe(4);
  expect(busiestSecond([], 0)).toBe(0);
});
