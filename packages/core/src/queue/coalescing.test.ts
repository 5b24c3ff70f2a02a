/** Writes of one entity that are as good as one, where the app asks for it. */

import { expect, test } from 'vitest';
import type { Json } from '../json.ts';
import { memoryJournal } from '../memory-journal.ts';
import { outage, recovery, refused, testManager } from '../upstream.test.support.ts';

interface Note {
  readonly id: string;
  readonly title?: string;
  readonly text?: string;
}

function notes(options: Parameters<typeof testManager>[0] = {}, coalesce: boolean = true) {
  const kit = testManager(options);
  const sent: string[] = [];
  const send = async (verb: string, note: Note) => {
    const error = kit.upstream.fail?.(verb);
    if (error) throw error;
    sent.push(`${verb} ${JSON.stringify(note)}`);
  };
  const shared = {
    entity: ({ id }: Note) => ({ type: 'note', id }),
    idempotent: true,
    coalesce,
  } as const;
  const declare = (verb: 'create' | 'update' | 'delete') =>
    kit.manager.write(`note.${verb}`, {
      ...shared,
      effect: verb,
      run: (note: Note) => send(verb, note),
    });
  return {
    ...kit,
    sent,
    create: declare('create'),
    update: declare('update'),
    remove: declare('delete'),
  };
}

test('a create and updates are one create', async () => {
  const kit = notes();
  await outage(kit);
  await kit.create({ id: 'a', title: 'one' });
  await kit.update({ id: 'a', text: 'two' });
  await kit.update({ id: 'a', text: 'three' });
  expect(kit.manager.status().queue).toMatchObject({ size: 1, coalesced: 2, enqueued: 3 });
  await recovery(kit);
  expect(kit.sent).toEqual(['create {"id":"a","title":"one","text":"three"}']);
});

test('two updates are the last one', async () => {
  const kit = notes();
  await outage(kit);
  const first = await kit.update({ id: 'a', title: 'one', text: 'one' });
  await kit.update({ id: 'a', text: 'two' });
  await recovery(kit);
  expect(kit.sent).toEqual(['update {"id":"a","text":"two"}']);
  const id = first.outcome === 'queued' ? first.operation : '';
  expect(kit.manager.queue.get(id)).toMatchObject({ state: 'coalesced' });
});

test('a create and a delete are nothing, and both receipts can be followed', async () => {
  const kit = notes();
  await outage(kit);
  const receipts = [await kit.create({ id: 'a' }), await kit.remove({ id: 'a' })];
  expect(receipts).toMatchObject([{ outcome: 'queued' }, { outcome: 'queued' }]);
  expect(kit.manager.status().queue.size).toBe(0);
  for (const receipt of receipts)
    expect(
      kit.manager.queue.get(receipt.outcome === 'queued' ? receipt.operation : ''),
    ).toMatchObject({ state: 'coalesced' });
  await recovery(kit);
  expect(kit.sent).toEqual([]);
});

test('an update and a delete stay two, and so do writes of different entities', async () => {
  const kit = notes();
  await outage(kit);
  await kit.update({ id: 'a' });
  await kit.remove({ id: 'a' });
  await kit.update({ id: 'b' });
  expect(kit.manager.status().queue).toMatchObject({ size: 3, coalesced: 0 });
});

test('nothing is joined without being asked for', async () => {
  const kit = notes({}, false);
  await outage(kit);
  await kit.create({ id: 'a' });
  await kit.update({ id: 'a' });
  expect(kit.manager.status().queue).toMatchObject({ size: 2, coalesced: 0 });
});

test('what was claimed once is joined no more', async () => {
  const kit = notes();
  kit.upstream.fail = refused;
  await kit.update({ id: 'a', text: 'one' });
  // Its first replay fails: the upstream may know it.
  await kit.clock.advance(2_000);
  await kit.update({ id: 'a', text: 'two' });
  expect(kit.manager.status().queue).toMatchObject({ size: 2, coalesced: 0 });
});

test('a function of the app joins inputs; where it throws both are sent', async () => {
  const kit = testManager();
  const sent: Json[] = [];
  const count = kit.manager.write('count', {
    entity: ({ id }: { readonly id: string; readonly by: number }) => ({ type: 'counter', id }),
    coalesce: (earlier, later) => {
      const { by } = earlier as { readonly by: number };
      if (later.by < 0) throw new Error('negative');
      return { id: later.id, by: by + later.by };
    },
    run: async (input) => {
      sent.push(input as unknown as Json);
    },
  });
  await outage(kit);
  await count({ id: 'a', by: 1 });
  await count({ id: 'a', by: 2 });
  await count({ id: 'a', by: -1 });
  await recovery(kit);
  await kit.clock.advance(5_000);
  expect(sent).toEqual([
    { id: 'a', by: 3 },
    { id: 'a', by: -1 },
  ]);
});

test('what was joined is one after a restart, too', async () => {
  const store = memoryJournal();
  const first = notes({ store });
  await outage(first);
  await first.create({ id: 'a', title: 'one' });
  await first.update({ id: 'a', text: 'two' });
  await first.manager.close();
  const next = notes({ store, clock: first.clock });
  await next.manager.open();
  await recovery(next);
  expect(next.sent).toEqual(['create {"id":"a","title":"one","text":"two"}']);
});
