import { expect, test } from 'vitest';
import { memoryJournal } from '../memory-journal.ts';
import { testManager } from '../upstream.test.support.ts';
import { Counters } from './counters.ts';
import { measurements } from './measurements.ts';

/** Counts of a manager's stores, as `store verb result`. */
function counting(kit: ReturnType<typeof testManager>) {
  const counts: string[] = [];
  kit.manager.on('storeAsked', ({ store, verb, result }) =>
    counts.push(`${store} ${verb} ${result}`),
  );
  return counts;
}

test('what stores are asked is told, by what became of it', async () => {
  const base = memoryJournal();
  let failing = false;
  const store = {
    ...base,
    commit: (...args: Parameters<typeof base.commit>) =>
      failing ? Promise.reject(new Error('disk')) : base.commit(...args),
  };
  const kit = testManager({ store, cache: { store: memoryJournal() } });
  const counts = counting(kit);
  await kit.get('a');
  await kit.manager.activate();
  await kit.put({ id: 'a', value: '1' });
  failing = true;
  await kit.put({ id: 'a', value: '2' }).catch(() => {});
  failing = false;
  await kit.manager.close();
  for (const expected of [
    'queue open success',
    'cache open success',
    'cache cache success',
    'queue commit success',
    'queue commit failure',
    'queue close success',
    'cache close success',
  ])
    expect(counts).toContain(expected);
});

test('every series of a store is there at 0 from the start, and those of a cache without one are not', () => {
  const { manager } = testManager();
  const counters = new Counters('items', 'queue_writes', { on: () => () => {} } as never);
  counters.declareStore('queue');
  const all = [...measurements(counters, manager.status(), [])];
  const of = (metric: string) => all.filter((each) => each.metric === metric);
  expect(of('storeOperations')).toHaveLength(12);
  expect(of('storeOperations').every(({ value }) => value === 0)).toBe(true);
  expect(of('storeSize').map(({ values, value }) => [...values, value])).toEqual([
    ['queue', 'snapshot', 0],
    ['queue', 'previous', 0],
    ['queue', 'journal', 0],
  ]);
  expect(of('storeDurable')).toEqual([{ metric: 'storeDurable', values: ['queue'], value: 0 }]);
});
