import { expect, test } from 'vitest';
import { ago, count, lasting, percent, rate, size } from './figures.ts';

test.each([
  [0, '0 s'],
  [999, '0 s'],
  [59_999, '59 s'],
  [60_000, '1 min'],
  [192_000, '3 min 12 s'],
  [3_600_000, '1 h'],
  [5_400_000, '1 h 30 min'],
  [90_000_000, '1 d 1 h'],
  [-5, '0 s'],
])('%i ms are %s', (ms, text) => {
  expect(lasting(ms)).toBe(text);
});

test('what is less than a second ago is just now', () => {
  expect(ago(400)).toBe('just now');
  expect(ago(61_000)).toBe('1 min 1 s ago');
});

test('counts, rates, shares and sizes are as short as they are told apart', () => {
  expect([count(0), count(9_999), count(12_345)]).toEqual(['0', '9,999', '12.3K']);
  expect([rate(0), rate(0.04), rate(7.26), rate(42.4)]).toEqual(['0', '0.0', '7.3', '42']);
  expect([percent(0), percent(0.012), percent(0.5), percent(1)]).toEqual([
    '0 %',
    '1.2 %',
    '50 %',
    '100 %',
  ]);
  expect([size(12), size(2_048), size(3_145_728)]).toEqual(['12 B', '2.0 KiB', '3.0 MiB']);
});
