import { expect, test } from 'vitest';
import type { Adopted, Journal } from '../journal.ts';
import { memoryJournal } from '../memory-journal.ts';
import { refused, testManager } from '../upstream.test.support.ts';

/** A journal that takes over what another holds when the test says so. */
function adopting() {
  const own = memoryJournal();
  const listeners = new Set<(records: readonly Adopted[]) => void>();
  const journal: Journal = {
    ...own,
    onAdopted(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
  const adopt = async (records: readonly Adopted[]) => {
    await own.commit(records.map(([bucket, key, put]) => ({ bucket, key, put })));
    for (const listener of listeners) listener(records);
  };
  return { journal, adopt, listeners };
}

/** What a process leaves that is killed with two writes of one lane, and one of another, in its queue. */
async function left(): Promise<readonly Adopted[]> {
  const store = memoryJournal();
  const { manager, upstream, put } = testManager({ store });
  upstream.fail = refused;
  await manager.activate();
  for (const [id, value] of [
    ['a', 'first'],
    ['a', 'second'],
    ['b', 'third'],
  ] as const)
    await put({ id, value });
  return [...store.entries('queue')].map(([key, value]) => ['queue', key, value]);
}

test('operations of a process that is gone are replayed by the one that adopts them, in lane order', async () => {
  const records = await left();
  const { journal, adopt, listeners } = adopting();
  const { manager, upstream, clock } = testManager({ store: journal });
  const warnings: string[] = [];
  manager.on('warning', ({ message }) => warnings.push(message));
  await manager.open();
  await adopt(records);
  expect(manager.status().queue.size).toBe(3);
  await clock.advance(1_000);
  expect(upstream.applied).toHaveLength(3);
  expect(upstream.applied.filter((each) => each.startsWith('a'))).toEqual(['a=first', 'a=second']);
  expect(warnings).toEqual(['3 queued operations of a process that is gone are taken over']);
  expect([...journal.entries('queue')]).toEqual([]);
  await manager.close();
  expect(listeners.size).toBe(0);
});

test('what is adopted comes behind what its lane holds, and nothing comes twice', async () => {
  const records = await left();
  const { journal, adopt } = adopting();
  const { manager, upstream, put, clock } = testManager({ store: journal });
  upstream.fail = refused;
  await manager.activate();
  await put({ id: 'a', value: 'own' });
  await adopt(records);
  await adopt(records);
  upstream.fail = undefined;
  await manager.deactivate();
  await clock.advance(1_000);
  await manager.sync();
  expect(upstream.applied.filter((each) => each.startsWith('a'))).toEqual([
    'a=own',
    'a=first',
    'a=second',
  ]);
  await manager.close();
});
