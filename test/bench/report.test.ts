import { expect, test } from 'vitest';
import type { Figure } from './figure.ts';
import { figures } from './figures.ts';
import { median } from './median.ts';
import { reportJson, reportTable } from './report.ts';

const figure: Figure = {
  name: 'call.example',
  what: 'one thing',
  against: 'another',
  budget: 1.5,
  better: 'lower',
  unit: 'µs',
  file: 'call-example.ts',
};
const measured = {
  ratio: 1.6,
  value: 3.2,
  baseline: 2,
  noise: 1.01,
  beside: [{ what: '1,000 operations declared', ratio: 1.7 }],
};

test('JSON has the fields that programs read, and nothing else', () => {
  expect(JSON.parse(reportJson([{ figure, measured }]))).toEqual([
    {
      name: 'call.example',
      ratio: 1.6,
      budget: 1.5,
      better: 'lower',
      unit: 'µs',
      value: 3.2,
      baseline: 2,
      noise: 1.01,
    },
  ]);
});

test('the table says which figures are within their budgets, whichever way is better', () => {
  const verdict = (better: 'higher' | 'lower') =>
    reportTable([{ figure: { ...figure, better }, measured }]).split('\n')[1];
  expect(verdict('lower')).toMatch(/^call\.example +1\.60 +≤ 1\.5 +OVER/);
  expect(verdict('higher')).toMatch(/^call\.example +1\.60 +≥ 1\.5 +within/);
});

test('what stands beside a figure is a line below it', () => {
  expect(reportTable([{ figure, measured }]).split('\n')[2]).toMatch(
    /^ +1\.70 {2}1,000 operations declared$/,
  );
});

test('the median does not care for an outlier', () => {
  expect(median([3, 1, 1_000])).toBe(3);
  expect(median([1, 2, 3, 1_000])).toBe(2.5);
  expect(() => median([])).toThrow(RangeError);
});

test('each figure has a name of its own and a file that measures it', async () => {
  expect(new Set(figures.map(({ name }) => name)).size).toBe(figures.length);
  for (const { file } of figures) {
    const module: object = await import(/* @vite-ignore */ `./figures/${file}`);
    expect(module).toHaveProperty('measure');
  }
});
