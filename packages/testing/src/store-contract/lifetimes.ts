/** What opening and closing promise. */

import assert from 'node:assert/strict';
import { keysOf, put, recordsOf, remove } from './records.ts';
import { type ContractCases, identity } from './store-contract.ts';

export const lifetimes: ContractCases = {
  'a new store is empty, and says what it is': async (store) => {
    const report = await store.open(identity);
    assert.equal(report.records, 0);
    assert.deepEqual(report.quarantined, []);
    assert.equal(store.status().kind, store.kind);
    assert.deepEqual(recordsOf(store), []);
  },

  'what was committed is there after closing and opening, in order': async (store) => {
    await store.open(identity);
    await store.commit([put('b', 1), put('a', 2), put('gone', 3), put('s', 4, 'state')]);
    await store.commit([put('b', 5), remove('gone')]);
    await store.close();
    const report = await store.open(identity);
    assert.equal(report.records, 3);
    assert.deepEqual(recordsOf(store), [
      ['b', 5],
      ['a', 2],
    ]);
    assert.deepEqual(recordsOf(store, 'state'), [['s', 4]]);
  },

  'closing writes what was committed lazily, and what is under way': async (store) => {
    await store.open(identity);
    await store.commit([put('lazy', 1, 'cache')], { lazy: true });
    const under = store.commit([put('under way', 1)]);
    await Promise.all([under, store.close()]);
    await store.open(identity);
    assert.deepEqual(keysOf(store), ['under way']);
    assert.deepEqual(keysOf(store, 'cache'), ['lazy']);
  },

  'closing may be repeated, and so may opening': async (store) => {
    await store.open(identity);
    await store.commit([put('a', 1)]);
    await Promise.all([store.close(), store.close()]);
    await store.close();
    await store.open(identity);
    await store.open(identity);
    assert.deepEqual(keysOf(store), ['a']);
  },

  'many generations keep order and content': async (store) => {
    const expected: string[] = [];
    for (let generation = 0; generation < 8; generation += 1) {
      await store.open(identity);
      assert.deepEqual(keysOf(store), expected);
      const keys = Array.from({ length: 20 }, (_, index) => `${generation}-${index}`);
      await Promise.all(keys.map((key) => store.commit([put(key, { key })])));
      const done = expected.splice(0, 5);
      await store.commit(done.map((key) => remove(key)));
      expected.push(...keys);
      await store.close();
    }
    await store.open(identity);
    assert.deepEqual(
      recordsOf(store),
      expected.map((key) => [key, { key }]),
    );
  },
};
