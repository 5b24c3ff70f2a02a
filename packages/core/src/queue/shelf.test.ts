import { expect, test } from 'vitest';
import { memoryJournal } from '../memory-journal.ts';
import { HttpError, testManager } from '../upstream.test.support.ts';

test('a local write that could not be stored is not stored after all when its entity changes meanwhile', async () => {
  const journal = memoryJournal();
  const commit = journal.commit.bind(journal);
  let fail = (_error: Error) => {};
  let hanging = false;
  const store = Object.assign(journal, {
    commit: (...args: Parameters<typeof commit>) =>
      hanging ? new Promise<never>((_resolve, reject) => (fail = reject)) : commit(...args),
  });
  const { manager, put, upstream } = testManager({
    store,
    mode: 'local_storage',
    breaker: { failureThreshold: 1 },
  });
  upstream.fail = () => new HttpError(503);
  await manager.activate('local_storage');
  hanging = true;
  const refused = put({ id: 'a', value: '1' });
  refused.catch(() => {});
  await new Promise((resolve) => setImmediate(resolve));
  const deny = fail;
  hanging = false;
  upstream.fail = undefined;
  // Somebody else changes the same thing upstream while the first is still being stored.
  const other = manager.write('item.touch', {
    run: async (_id: string) => 'done',
    entity: (id) => ({ type: 'item', id }),
    breaker: 'other',
  });
  await manager.breaker('other').restore();
  expect(await other('a')).toMatchObject({ outcome: 'applied' });
  deny(new Error('the disk failed'));
  await expect(refused).rejects.toMatchObject({ code: 'FALLBACK_STORE_FAILED' });
  await new Promise((resolve) => setImmediate(resolve));
  expect([...store.entries('queue')]).toEqual([]);
  await manager.close();
});
