import { expect, test } from 'vitest';
import { ByValues } from './by-values.ts';

test('equal values find the same, others their own, each created once', () => {
  const created: (readonly string[])[] = [];
  const table = new ByValues((values) => {
    created.push(values);
    return { values };
  });
  const live = table.at(['read', 'live']);
  expect(table.at(['read', 'live'])).toBe(live);
  expect(table.at(['read', 'stale'])).not.toBe(live);
  expect(table.at(['other', 'live'])).not.toBe(live);
  expect(created).toEqual([
    ['read', 'live'],
    ['read', 'stale'],
    ['other', 'live'],
  ]);
  expect(table.all.map(({ values }) => values)).toEqual(created);
});

test('a counter without attributes has one series', () => {
  const table = new ByValues(() => ({ count: 0 }));
  table.at([]).count += 1;
  expect(table.at([])).toEqual({ count: 1 });
  expect(table.all).toHaveLength(1);
});
