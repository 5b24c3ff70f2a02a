import { expect, test } from 'vitest';
import { PinningLru } from './pinning-lru.ts';

function lru(maxEntries: number, maxBytes = 1_000_000) {
  const pinned = new Set<string>();
  const evicted: string[] = [];
  const values = new PinningLru<{ bytes: number; id: string }>({
    maxEntries,
    maxBytes,
    isPinned: ({ id }) => pinned.has(id),
    onEvicted: (key) => evicted.push(key),
  });
  const set = (id: string, bytes = 1) => values.set(id, { id, bytes });
  return { values, set, pinned, evicted };
}

test('the least recently used value goes first', () => {
  const { values, set, evicted } = lru(2);
  set('a');
  set('b');
  values.get('a');
  set('c');
  expect(evicted).toEqual(['b']);
  expect(values.size).toBe(2);
});

test('bytes bound it as entries do', () => {
  const { values, set, evicted } = lru(100, 10);
  set('a', 6);
  set('b', 6);
  expect(evicted).toEqual(['a']);
  expect(values.bytes).toBe(6);
});

test('what is pinned stays beyond every bound, and makes nothing else go', () => {
  const { values, set, pinned, evicted } = lru(1);
  for (const id of ['a', 'b', 'c']) pinned.add(id);
  for (const id of ['a', 'b', 'c', 'free']) set(id);
  expect(evicted).toEqual([]);
  expect([values.size, values.bytes]).toEqual([4, 4]);
  set('other');
  expect(evicted).toEqual(['free']);
});

test('what is pinned no more goes like everything else, without asking for each at every step', () => {
  const { values, set, pinned, evicted } = lru(10);
  const ids = Array.from({ length: 200 }, (_, index) => `${index}`);
  for (const id of ids) pinned.add(id);
  for (const id of ids) set(id);
  expect(values.size).toBe(200);
  pinned.clear();
  for (const id of ids) {
    pinned.add(`next ${id}`);
    set(`next ${id}`);
  }
  expect(values.size).toBe(210);
  expect(evicted).toHaveLength(190);
  expect(values.bytes).toBe(210);
});

test('what is larger than all together may be goes at once, also when it is pinned no more', () => {
  const { values, set, pinned, evicted } = lru(100, 10);
  set('large', 11);
  expect(evicted).toEqual(['large']);
  pinned.add('held');
  set('held', 11);
  expect(values.bytes).toBe(11);
  pinned.clear();
  for (let index = 0; index <= 64; index += 1) {
    pinned.add(`${index}`);
    set(`${index}`);
  }
  expect(evicted).toEqual(['large', 'held']);
  expect([values.size, values.bytes]).toEqual([65, 65]);
});

test('one that is replaced is counted once, pinned or not', () => {
  const { values, set, pinned } = lru(10);
  set('a', 5);
  pinned.add('a');
  set('a', 3);
  expect([values.size, values.bytes]).toEqual([1, 3]);
  pinned.delete('a');
  set('a', 2);
  expect([values.size, values.bytes]).toEqual([1, 2]);
  expect(values.delete('a')).toBe(true);
  expect([values.size, values.bytes]).toEqual([0, 0]);
});
