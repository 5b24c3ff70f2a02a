/** What a commit promises. */

import assert from 'node:assert/strict';
import type { Json } from '@graphiti-fallback/core';
import { keysOf, put, recordsOf, remove } from './records.ts';
import { type ContractCases, identity } from './store-contract.ts';

const strange = ['__proto__', 'constructor', '', 'lone \ud800', '\u2028 and \n', '"queue":[', 'ü'];

export const commits: ContractCases = {
  'a commit resolves with what it survives, and shows': async (store) => {
    await store.open(identity);
    const { durability, writable } = store.status();
    assert.equal(writable, true);
    assert.equal(await store.commit([put('a', { n: 1 })]), durability);
    assert.deepEqual(recordsOf(store), [['a', { n: 1 }]]);
  },

  'records are in order of first put; a repeated put keeps its place, a deleted one loses it':
    async (store) => {
      await store.open(identity);
      await store.commit([put('b', 1), put('a', 2), put('c', 3)]);
      await store.commit([put('b', 4), remove('c')]);
      await store.commit([put('c', 5)]);
      await store.commit([remove('a'), put('a', 6), remove('never there')]);
      assert.deepEqual(recordsOf(store), [
        ['b', 4],
        ['c', 5],
        ['a', 6],
      ]);
    },

  'buckets are apart': async (store) => {
    await store.open(identity);
    const buckets = ['queue', 'cache', 'entities', 'state'] as const;
    await store.commit(buckets.map((bucket) => put('same', bucket, bucket)));
    for (const bucket of buckets) assert.deepEqual(recordsOf(store, bucket), [['same', bucket]]);
  },

  'a value that is not JSON refuses its commit alone, and whole': async (store) => {
    await store.open(identity);
    const cycle: Record<string, unknown> = {};
    cycle.self = cycle;
    const bad = [1n, cycle].map((value) =>
      store.commit([put('half', 1), put('bad', value as unknown as Json)]),
    );
    const good = store.commit([put('good', 1)]);
    for (const each of bad) await assert.rejects(each);
    await good;
    assert.deepEqual(keysOf(store), ['good']);
  },

  'keys and values of any characters come back': async (store) => {
    await store.open(identity);
    const values = strange.map((text): Json => JSON.parse(`{"__proto__":${JSON.stringify(text)}}`));
    await store.commit(strange.map((key, index) => put(key, values[index] ?? null)));
    const found = recordsOf(store).map(([key, value]) => [key, JSON.stringify(value)]);
    assert.deepEqual(
      found,
      strange.map((key, index) => [key, JSON.stringify(values[index])]),
    );
  },

  'what a writer does with a value afterwards does not show': async (store) => {
    await store.open(identity);
    const value = { list: [1] };
    const commit = store.commit([put('a', value)]);
    value.list.push(2);
    await commit;
    assert.deepEqual(recordsOf(store), [['a', { list: [1] }]]);
  },

  'many commits at once are in the order in which they were made': async (store) => {
    await store.open(identity);
    const keys = Array.from({ length: 300 }, (_, index) => `k${index}`);
    await Promise.all(keys.map((key) => store.commit([put(key, key)])));
    assert.deepEqual(keysOf(store), keys);
  },

  'lazy and other commits of one key end in the order in which they were made': async (store) => {
    await store.open(identity);
    await store.commit([put('start', 0)]);
    const first = store.commit([put('a', 1), put('b', 1)]);
    const second = store.commit([put('a', 2), put('c', 2)], { lazy: true });
    const third = store.commit([put('b', 3), remove('start')]);
    await Promise.all([first, second, third]);
    assert.deepEqual(recordsOf(store), [
      ['a', 2],
      ['b', 3],
      ['c', 2],
    ]);
  },

  'a lazy commit shows at once': async (store) => {
    await store.open(identity);
    await store.commit([put('a', 1, 'cache')], { lazy: true });
    assert.deepEqual(keysOf(store, 'cache'), ['a']);
  },
};
