import { expect, test } from 'vitest';
import { createTimestamps, microseconds } from './timestamp.ts';

test('a clock that is set back is followed, and still no time is given twice', () => {
  const at = (minutes: number) => minutes * 60_000;
  const clock = [at(60), at(60), at(0), at(0), at(60), at(60), at(0), at(0)];
  const next = createTimestamps(() => clock.shift() ?? 0);
  const times = Array.from({ length: 8 }, next);
  expect(new Set(times).size).toBe(8);
  expect(times.map((time) => time.slice(11, 19))).toEqual([
    '01:00:00',
    '01:00:00',
    '00:00:00',
    '00:00:00',
    '01:00:00',
    '01:00:00',
    '00:00:00',
    '00:00:00',
  ]);
});

test('no time is given twice, and each is later than the one before, if the clock goes back by little', () => {
  const clock = [1_000, 1_000, 1_000, 500, 2_000];
  const next = createTimestamps(() => clock.shift() ?? 0);
  expect(Array.from({ length: 5 }, next)).toEqual([
    '1970-01-01T00:00:01.000000Z',
    '1970-01-01T00:00:01.000001Z',
    '1970-01-01T00:00:01.000002Z',
    '1970-01-01T00:00:01.000003Z',
    '1970-01-01T00:00:02.000000Z',
  ]);
});

test.each([
  ['1970-01-01T00:00:01.000003Z', 1_000_003],
  ['1970-01-01T01:00:01.000003+01:00', 1_000_003],
  ['1970-01-01T00:00:01Z', 1_000_000],
  ['1970-01-01T00:00:01.5Z', 1_500_000],
])('%s is %i microseconds', (text, expected) => {
  expect(microseconds(text)).toBe(expected);
});
