import { expect, test } from 'vitest';
import type { Journal } from '../journal.ts';
import { settled } from '../manual-clock.test.support.ts';
import { memoryJournal } from '../memory-journal.ts';
import { refused, testManager } from '../upstream.test.support.ts';

/** A journal that cannot remove anything while it is broken, as an ailing disk may. */
function brittleJournal() {
  const kept = memoryJournal();
  const journal: Journal = {
    ...kept,
    async commit(changes, options) {
      const removes = changes.some((change) => 'delete' in change && change.bucket === 'queue');
      if (disk.broken && removes) throw new Error('EIO');
      return kept.commit(changes, options);
    },
    close: async () => {},
  };
  const disk = { broken: false, kept, journal };
  return disk;
}

/** A write that was queued, replayed and applied, and whose removal did not get to the disk. */
async function unwritten() {
  const disk = brittleJournal();
  const kit = testManager({ store: disk.journal });
  kit.upstream.fail = refused;
  await kit.put({ id: 'a', value: 'old' });
  kit.upstream.fail = undefined;
  disk.broken = true;
  await kit.clock.advance(2_000);
  expect(kit.upstream.applied).toEqual(['a=old']);
  return { ...kit, disk };
}

test('a live write waits while a crash would repeat an older one of its lane', async () => {
  const { put, upstream, clock, disk, manager } = await unwritten();
  const newer = put({ id: 'a', value: 'new' });
  await put({ id: 'b', value: '1' });
  await settled();
  expect(upstream.applied).toEqual(['a=old', 'b=1']);
  disk.broken = false;
  await clock.advance(1_000);
  expect(await newer).toMatchObject({ outcome: 'applied' });
  expect([...disk.kept.entries('queue')]).toEqual([]);
  expect(manager.status().queue).toMatchObject({ size: 0, replayed: 1 });
});

test('a crash before the settlement is written repeats the old write, and nothing newer is before it', async () => {
  const { put, upstream, clock, disk } = await unwritten();
  void put({ id: 'a', value: 'new' });
  await clock.advance(500);
  // The process dies here: its manager is simply never heard of again.
  const next = testManager({ store: disk.kept, clock }, upstream);
  disk.broken = false;
  await next.manager.open();
  await next.put({ id: 'a', value: 'newest' });
  await clock.advance(60_000);
  const values = upstream.applied.filter((each) => each !== 'a=new');
  expect(values).toEqual(['a=old', 'a=old', 'a=newest']);
});

test('a disk that stays broken holds a live write five seconds, and the app goes on', async () => {
  const { put, upstream, clock } = await unwritten();
  const newer = put({ id: 'a', value: 'new' });
  await clock.advance(2_500);
  expect(upstream.applied).toEqual(['a=old']);
  await clock.advance(4_000);
  expect(await newer).toMatchObject({ outcome: 'applied' });
});

test('queued writes of the lane wait, too, and others go on', async () => {
  const { put, upstream, clock, disk } = await unwritten();
  const waiting = put({ id: 'a', value: '2' }, { timeoutMs: 100 });
  await clock.advance(100);
  expect(await waiting).toMatchObject({ outcome: 'queued' });
  await put({ id: 'b', value: '1' });
  await clock.advance(1_500);
  expect(upstream.applied).toEqual(['a=old', 'b=1']);
  disk.broken = false;
  await clock.advance(2_000);
  expect(upstream.applied).toEqual(['a=old', 'b=1', 'a=2']);
  expect([...disk.kept.entries('queue')]).toEqual([]);
});

test('a disk that stays broken stops the drain no longer than five seconds', async () => {
  const { manager, put, upstream, clock } = await unwritten();
  upstream.fail = refused;
  for (const value of ['2', '3', '4']) await put({ id: 'b', value });
  upstream.fail = undefined;
  await clock.advance(8_000);
  expect(upstream.applied).toEqual(['a=old', 'b=2', 'b=3', 'b=4']);
  expect(manager.status().queue.size).toBe(0);
});

test('after close, a write is not sent past one that a later process will repeat', async () => {
  const { put, manager, upstream } = await unwritten();
  await manager.close();
  await expect(put({ id: 'a', value: 'new' })).rejects.toMatchObject({
    code: 'FALLBACK_UNAVAILABLE',
  });
  expect(await put({ id: 'b', value: '1' })).toMatchObject({ outcome: 'applied' });
  expect(upstream.applied).toEqual(['a=old', 'b=1']);
});
