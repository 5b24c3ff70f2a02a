import { expect, test } from 'vitest';
import { Records, toLines } from './records.ts';

const put = (key: string, value: unknown) =>
  toLines([{ bucket: 'queue', key, put: value as never }]);

test('a repeated put keeps its place and its home, one after a delete has new ones', () => {
  const records = new Records();
  records.apply(put('a', 1), 1);
  records.apply(put('b', 1), 2);
  records.apply(put('a', 2), 3);
  const homes = () => records.view('queue').map(({ home }) => home);
  expect(homes()).toEqual([1, 2]);
  records.delete('queue', 'a');
  records.apply(put('a', 3), 3);
  expect([...records.entries('queue')]).toEqual([
    ['b', 1],
    ['a', 3],
  ]);
  expect(homes()).toEqual([2, 3]);
});

test('it knows how much is at home before a segment, whatever happened', () => {
  const records = new Records();
  const sizes = new Map<string, [home: number, size: number]>();
  for (let step = 0; step < 500; step += 1) {
    const key = `k${(step * 7) % 40}`;
    const home = Math.floor(step / 60);
    if (step % 3 === 2) {
      records.delete('queue', key);
      sizes.delete(key);
    } else {
      const [line] = put(key, 'x'.repeat(step % 50));
      records.apply(line ? [line] : [], home);
      sizes.set(key, [sizes.get(key)?.[0] ?? home, line?.line?.length ?? 0]);
    }
    for (const segment of [0, 3, 9]) {
      const expected = [...sizes.values()].filter(([at]) => at < segment);
      expect(records.sizeBefore(segment)).toBe(expected.reduce((sum, [, size]) => sum + size, 0));
    }
  }
  expect(records.size).toBe(records.sizeBefore(100));
});

test('a view does not change, and what is detached reads the same', () => {
  const records = new Records();
  const file = Buffer.from('{"key":"a","value":"ü"}{"key":"b","value":1}');
  records.putFrom('queue', file, 0, 24, 0);
  records.putFrom('queue', file, 24, file.length, 0);
  const before = records.view('queue');
  records.detach();
  records.delete('queue', 'b');
  expect(before.map(({ text }) => text)).toEqual([file, file]);
  expect([...records.entries('queue')]).toEqual([['a', 'ü']]);
  expect(records.view('queue').map(({ text }) => text)).toEqual(['{"key":"a","value":"ü"}']);
  expect(records.size).toBe(23);
});

test('what was read from a file and what was put later are one, whatever their keys are and hash to', () => {
  const alike = ['costarring', 'liquid']; // of one FNV-1a
  const strange = ['__proto__', 'lone \ud800', 'line \u2028\n', '', 'quote " and \\', 'ü'];
  const keys = [...alike, ...strange, 'a', 'b', 'c'];
  const records = new Records();
  const expected = new Map<string, number>();
  const fromFile = (key: string, value: number) => {
    const file = Buffer.from(JSON.stringify({ key, value }));
    records.putFrom('queue', file, 0, file.length, 0);
  };
  for (let step = 0; step < 2_000; step += 1) {
    const key = keys[(step * 7 + (step >> 3)) % keys.length] ?? '';
    const kind = (step * 5 + (step >> 4)) % 7;
    if (kind < 2) records.delete('queue', key);
    else if (kind < 5) fromFile(key, step);
    else records.apply(put(key, step), 1);
    if (kind < 2) expected.delete(key);
    else expected.set(key, step);
    if (step % 500 === 499) records.detach();
    expect(records.has('queue', key)).toBe(expected.has(key));
    expect([...records.entries('queue')]).toEqual([...expected]);
  }
});
