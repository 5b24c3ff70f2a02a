import { cp, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { keysOnDisk, opened, put, queueOf, slotIn } from './store.test.support.ts';
import { temporary } from './temporary.test.support.ts';

const fixture = new URL('../fixtures/format-1', import.meta.url).pathname;

test('a folder of format 1, from before the journal, opens with everything in it and becomes one of format 2', async () => {
  const directory = await temporary();
  await cp(fixture, slotIn(directory), { recursive: true });
  const before = JSON.parse(await readFile(join(slotIn(directory), 'db.json'), 'utf8'));
  const { store, report } = await opened(directory);
  expect(report).toMatchObject({ records: 6, quarantined: [], warnings: [], missing: 0, torn: 0 });
  for (const bucket of ['queue', 'cache', 'entities', 'state'] as const)
    expect([...store.entries(bucket)].map(([key, value]) => ({ key, value }))).toEqual(
      before[bucket],
    );
  await store.commit([put('new', 1)]);
  await store.close();
  const after = JSON.parse(await readFile(join(slotIn(directory), 'db.json'), 'utf8'));
  expect(after._meta).toEqual({ format: 2, gen: 6, seq: 1, segment: 2 });
  expect(after.queue).toEqual([...before.queue, { key: 'new', value: 1 }]);
});

test('a process that ends before that has lost nothing either', async () => {
  const directory = await temporary();
  await cp(fixture, slotIn(directory), { recursive: true });
  const { store, keys } = await opened(directory);
  expect(keys).toHaveLength(3);
  await store.commit([put('new', 1)]);
  expect((await keysOnDisk(directory)).slice(0, 4)).toEqual([...keys, 'new']);
  expect(queueOf(store)).toHaveLength(4);
});
