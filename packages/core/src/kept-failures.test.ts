import { expect, test } from 'vitest';
import { KeptFailures } from './kept-failures.ts';
import { manualClock } from './manual-clock.test.support.ts';

test('a thousand keys at most are kept, the latest ones', () => {
  const failures = new KeptFailures(100, manualClock());
  for (let key = 0; key < 1_500; key += 1) failures.failed(`${key}`, new Error(`${key}`));
  const kept = Array.from({ length: 1_500 }, (_, key) => failures.of(`${key}`, 0) !== undefined);
  expect(kept.filter(Boolean)).toHaveLength(1_000);
  expect(kept.lastIndexOf(false)).toBe(499);
});
