import { expect, test } from 'vitest';
import { composeStores } from './compose-stores.ts';
import type { Change, Journal } from './journal.ts';
import { memoryJournal } from './memory-journal.ts';

const put = (bucket: Change['bucket'], key: string): Change => ({ bucket, key, put: key });
const keysOf = (store: Journal, bucket: Change['bucket']) =>
  [...store.entries(bucket)].map(([key]) => key);

test('each store keeps what it is for', async () => {
  const [queue, values] = [memoryJournal(), memoryJournal()];
  const store = composeStores({ queue, values });
  await store.open({ manager: 'm', hash: '0' });
  await store.commit([put('queue', 'q'), put('cache', 'c'), put('entities', 'e')]);
  await store.commit([put('state', 's')], { lazy: true });
  expect([keysOf(queue, 'queue'), keysOf(queue, 'state')]).toEqual([['q'], ['s']]);
  // Local entities belong to the queue: each waits for its own write.
  expect([keysOf(values, 'cache'), keysOf(queue, 'entities')]).toEqual([['c'], ['e']]);
  expect([
    ...keysOf(queue, 'cache'),
    ...keysOf(values, 'queue'),
    ...keysOf(values, 'entities'),
  ]).toEqual([]);
  expect(['queue', 'cache'].map((bucket) => keysOf(store, bucket as 'queue'))).toEqual([
    ['q'],
    ['c'],
  ]);
  await store.close();
});

test('a commit is as durable as the weakest that has part of it', async () => {
  const durable: Journal = { ...memoryJournal(), commit: async () => 'disk' };
  const store = composeStores({ queue: durable, values: memoryJournal() });
  expect(await store.commit([put('queue', 'q')])).toBe('disk');
  expect(await store.commit([put('queue', 'q'), put('cache', 'c')])).toBe('memory');
});

test('what is wrong with the values is told apart from what is wrong with the queue', () => {
  const broken = memoryJournal();
  const values: Journal = { ...broken, status: () => ({ ...broken.status(), problem: 'ENOSPC' }) };
  const status = composeStores({ queue: memoryJournal(), values }).status();
  expect(status).toEqual({
    kind: 'memory',
    durability: 'memory',
    writable: true,
    valuesProblem: 'ENOSPC',
  });
});

test('all are closed, also when one of them cannot be', async () => {
  const closed: string[] = [];
  const store = composeStores({
    queue: {
      ...memoryJournal(),
      close: async () => {
        throw new Error('stuck');
      },
    },
    values: { ...memoryJournal(), close: async () => void closed.push('values') },
    fleet: { ...memoryJournal(), close: async () => void closed.push('fleet') },
  });
  await expect(store.close()).rejects.toThrow('stuck');
  expect(closed).toEqual(['values', 'fleet']);
});

test('each is told what it is there for', async () => {
  const roles: string[] = [];
  const part = (name: string): Journal => {
    const journal = memoryJournal();
    return {
      ...journal,
      async open(identity, role) {
        roles.push(`${name}: ${role}`);
        return journal.open(identity);
      },
    };
  };
  const [queue, values, fleet] = [part('queue'), part('values'), part('fleet')];
  await composeStores({ queue, values, fleet }).open({ manager: 'm', hash: '0' });
  await composeStores({ queue, values: queue }).open({ manager: 'm', hash: '0' }, 'queue');
  expect(roles).toEqual(['queue: undefined', 'values: cache', 'queue: queue']);
});

test('what is no store is refused, and no password is shown', () => {
  for (const wrong of ['redis://:secret@h:6379', { store: 'redis://u:sec@ret@h' }, undefined]) {
    const given = () => composeStores(wrong as never);
    expect(given).toThrow(TypeError);
    expect(given).not.toThrow(/sec/);
    expect(() => composeStores({ queue: wrong } as never)).not.toThrow(/sec/);
  }
  expect(() => composeStores({ queue: {} as never })).toThrow('`queue` of composeStores');
  expect(() => composeStores({} as never)).toThrow('Expected a `queue`');
});
