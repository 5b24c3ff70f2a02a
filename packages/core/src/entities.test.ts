import { describe, expect, expectTypeOf, test } from 'vitest';
import type { Entity } from './entity.ts';
import type { Journal } from './journal.ts';
import { FallbackManager } from './manager.ts';
import { memoryJournal } from './memory-journal.ts';
import type { FallbackMode } from './mode.ts';
import type { FallbackManagerOptions } from './options.ts';
import { HttpError, refused, testManager } from './upstream.test.support.ts';

type Options = Partial<FallbackManagerOptions>;

/** A manager whose items are owned by writes, and read from local entities when nothing else is at hand. */
function kit(options: Options = {}, upstream?: ReturnType<typeof testManager>['upstream']) {
  const made = testManager(options, upstream);
  const { manager } = made;
  const save = manager.write('item.save', {
    run: ({ id, value }: { id: string; value: string }) => made.upstream.put(id, value),
    entity: ({ id }) => ({ type: 'item', id }),
    owns: 'item',
    idempotent: true,
  });
  manager.write('item.erase', {
    run: (id: string) => made.upstream.remove(id),
    entity: (id) => ({ type: 'item', id }),
    effect: 'delete',
    owns: 'item',
    fromEntity: ({ id }) => id,
    idempotent: true,
  });
  const show = manager.read('item.show', {
    run: (id: string) => made.upstream.get(id),
    entities: (id) => [{ type: 'item', id }],
    fromEntity: ({ id, value }) => ({ id, value: String(value) }),
  });
  return { ...made, save, show };
}

const item = (id: string, value: string) => ({ type: 'item', id, value });
const note = (id: string) => ({ type: 'note', id, text: `note ${id}` });
const a: Entity = { type: 'note', id: 'a' };
const b: Entity = { type: 'note', id: 'b' };

/** Calls in vain until the breaker opens. */
async function goDown({ upstream, get, manager }: ReturnType<typeof kit>) {
  upstream.fail = refused;
  for (let call = 0; call < 5; call += 1) await get('down').catch(() => {});
  expect(manager.active).toBe(true);
}

describe('an entity that no write owns', () => {
  test('is deleted and stored in the order of the calls, awaited or not', async () => {
    const { manager } = kit();
    await manager.open();
    await manager.storeEntity(note('a'));
    const again = { ...note('a'), text: 'new' };
    await Promise.all([manager.deleteEntity('note', 'a'), manager.storeEntity(again)]);
    expect(await manager.getEntity('note', 'a')).toEqual(again);
    const [found] = await Promise.all([
      manager.getEntity('note', 'a'),
      manager.deleteEntity('note', 'a'),
    ]);
    expect(found).toEqual(again);
  });

  test('stays here, and the receipt says so; what is stored anew takes its place', async () => {
    const { manager, upstream } = kit();
    expect(await manager.storeEntity(note('a'))).toEqual({
      outcome: 'local',
      durability: 'memory',
    });
    await manager.storeEntity({ ...note('a'), text: 'new' });
    expect(await manager.getEntity('note', 'a')).toEqual({ ...note('a'), text: 'new' });
    expect(await manager.getEntity('note', 'b')).toBeUndefined();
    expect(upstream.received).toEqual([]);
  });

  test('is a copy that nobody can change', async () => {
    const { manager } = kit();
    const given = { ...note('a'), tags: ['one'] };
    await manager.storeEntity(given);
    given.tags.push('two');
    const found = await manager.getEntity<typeof given>('note', 'a');
    expect(found?.tags).toEqual(['one']);
    expect(() => found?.tags.push('three')).toThrow(TypeError);
    expectTypeOf(found).toEqualTypeOf<typeof given | undefined>();
  });

  test('is listed by type, in the order of first storing', async () => {
    const { manager } = kit();
    for (const id of ['c', 'a', 'b', 'c']) await manager.storeEntity(note(id));
    await manager.storeEntity({ type: 'other', id: 'a' });
    expect((await manager.listEntities('note')).map(({ id }) => id)).toEqual(['c', 'a', 'b']);
    expect(await manager.listEntities('none')).toEqual([]);
  });

  test('is deleted with its relationships', async () => {
    const { manager } = kit();
    await manager.storeEntity(note('a'));
    await manager.storeRelationship({ type: 'cites', from: a, to: b });
    expect(await manager.deleteEntity('note', 'a')).toMatchObject({ outcome: 'local' });
    expect(await manager.getEntity('note', 'a')).toBeUndefined();
    expect(await manager.listRelationships('note', 'b')).toEqual([]);
    expect(manager.status().entities).toMatchObject({ entries: 0, bytes: 0 });
  });

  test('outlasts the process where the store does, with its relationships', async () => {
    const store = memoryJournal();
    const before = kit({ store });
    await before.manager.storeEntity(note('a'));
    await before.manager.storeEntity(note('b'));
    await before.manager.storeRelationship({ type: 'cites', from: a, to: b, page: 7 });
    await before.manager.deleteEntity('note', 'none');
    await before.manager.close();
    const { manager } = kit({ store });
    expect(await manager.listEntities('note')).toEqual([note('a'), note('b')]);
    expect(await manager.listRelationships('note', 'a')).toEqual([
      { type: 'cites', from: a, to: b, page: 7 },
    ]);
    await manager.deleteEntity('note', 'a');
    await manager.close();
    const after = kit({ store });
    expect(await after.manager.listEntities('note')).toEqual([note('b')]);
    expect(await after.manager.listRelationships('note', 'b')).toEqual([]);
  });

  test.each([
    [{ type: 'note' }, /`id` of an entity/],
    [{ type: '', id: 'a' }, /`type` of an entity/],
    [{ type: 'note', id: 'a', when: new Date(0) }, /\$\.when/],
    [[], /an object of JSON/],
    [null, /an object of JSON/],
    [{ type: 'note', id: 'a', text: 'x'.repeat(2_000) }, /no more than 1000 bytes/],
  ])('is refused where it is none: %j', async (wrong, message) => {
    const { manager } = kit({ entities: { maxBytes: 1_000 } });
    const stored = manager.storeEntity(wrong as Entity);
    await expect(stored).rejects.toMatchObject({ code: 'FALLBACK_INVALID_INPUT' });
    await expect(manager.storeEntity(wrong as Entity)).rejects.toThrow(message);
  });

  test('is refused after close', async () => {
    const { manager } = kit();
    await manager.close();
    await expect(manager.storeEntity(note('a'))).rejects.toMatchObject({
      code: 'FALLBACK_UNAVAILABLE',
    });
  });
});

describe('relationships', () => {
  test('there is one of a type between two entities; it is found from both ends', async () => {
    const { manager } = kit();
    await manager.storeRelationship({ type: 'cites', from: a, to: b, page: 1 });
    await manager.storeRelationship({ type: 'cites', from: a, to: b, page: 2, id: 'own' });
    await manager.storeRelationship({ type: 'cites', from: b, to: a });
    await manager.storeRelationship({ type: 'likes', from: a, to: a });
    const pages = await manager.listRelationships('note', 'b');
    expect(pages).toEqual([
      { type: 'cites', from: a, to: b, page: 2, id: 'own' },
      { type: 'cites', from: b, to: a },
    ]);
    expect(await manager.listRelationships('note', 'a')).toHaveLength(3);
    await manager.deleteRelationship({ type: 'cites', from: a, to: b });
    expect(await manager.listRelationships('note', 'b')).toHaveLength(1);
  });

  test('hold which entities they relate, not what these were', async () => {
    const { manager } = kit();
    await manager.storeRelationship({ type: 'cites', from: note('a'), to: note('b') });
    expect(await manager.listRelationships('note', 'a')).toEqual([
      { type: 'cites', from: a, to: b },
    ]);
  });

  test('are refused where they are none', async () => {
    const { manager } = kit();
    const wrong = { type: 'cites', from: a, to: { type: 'note' } as Entity };
    await expect(manager.storeRelationship(wrong)).rejects.toThrow(/`id` of `to` of a rel/);
  });
});

describe('an entity whose type a write owns', () => {
  test('is sent as that write while the upstream answers', async () => {
    const { manager, upstream } = kit();
    expect(await manager.storeEntity(item('a', '1'))).toMatchObject({ outcome: 'applied' });
    expect(upstream.applied).toEqual(['a=1']);
    expect(await manager.getEntity('item', 'a')).toEqual(item('a', '1'));
  });

  test('is queued as that write in an outage, and replayed', async () => {
    const made = kit();
    await goDown(made);
    const receipt = await made.manager.storeEntity(item('a', '1'));
    expect(receipt).toMatchObject({ outcome: 'queued' });
    expect(made.manager.queue.list()).toMatchObject([
      { operation: 'item.save', input: { id: 'a', value: '1' } },
    ]);
    made.upstream.fail = undefined;
    await made.clock.advance(70_000);
    expect(made.upstream.applied).toEqual(['a=1']);
    expect(await made.manager.getEntity('item', 'a')).toEqual(item('a', '1'));
  });

  test('is not kept where the upstream refuses it', async () => {
    const { manager, upstream } = kit();
    upstream.fail = () => new HttpError(422);
    await expect(manager.storeEntity(item('a', '1'))).rejects.toMatchObject({ status: 422 });
    expect(await manager.getEntity('item', 'a')).toBeUndefined();
  });

  test('is deleted by the write that owns that', async () => {
    const { manager, upstream } = kit();
    await manager.storeEntity(item('a', '1'));
    expect(await manager.deleteEntity('item', 'a')).toMatchObject({ outcome: 'applied' });
    expect(upstream.received.at(-1)).toBe('remove a');
    expect(await manager.getEntity('item', 'a')).toBeUndefined();
  });

  test('goes with an applied delete of it, unless a write that waits brings it back', async () => {
    const made = kit();
    const { manager, remove, clock, upstream } = made;
    await manager.storeEntity(item('gone', '1'));
    await remove('gone');
    expect(await manager.getEntity('item', 'gone')).toBeUndefined();
    await manager.storeEntity(item('back', '1'));
    await goDown(made);
    await remove('back');
    await manager.storeEntity(item('back', '2'));
    upstream.fail = (name) => (name.startsWith('put') ? new HttpError(503) : undefined);
    await clock.advance(70_000);
    expect(upstream.received).toContain('remove back');
    expect(await manager.getEntity('item', 'back')).toEqual(item('back', '2'));
  });

  test('is owned by one write, which says what it makes of it', () => {
    const { manager } = kit();
    const run = async (_input: unknown) => {};
    expect(() => manager.write('other', { run, owns: 'item' })).toThrow(
      /one write to own 'item', got 'other' beside 'item.save'/,
    );
    expect(() => manager.write('third', { run, fromEntity: () => 1 })).toThrow(/`owns`/);
    expect(() => manager.write('fourth', { run, owns: '' })).toThrow(/`owns`/);
  });
});

describe('bounds', () => {
  test('the least recently used entity makes room, is counted, and does not come back', async () => {
    const store = memoryJournal();
    const { manager } = kit({ store, entities: { maxEntries: 2 } });
    await manager.storeEntity(note('a'));
    await manager.storeEntity(note('b'));
    await manager.getEntity('note', 'a');
    await manager.storeEntity(note('c'));
    expect((await manager.listEntities('note')).map(({ id }) => id)).toEqual(['a', 'c']);
    expect(manager.status().entities).toMatchObject({ entries: 2, evictions: 1 });
    await manager.close();
    expect(await kit({ store }).manager.getEntity('note', 'b')).toBeUndefined();
  });

  test('one whose write is not replayed yet stays, also over a restart', async () => {
    const store = memoryJournal();
    const options: Options = { store, entities: { maxEntries: 1 } };
    const before = kit(options);
    await goDown(before);
    for (const id of ['a', 'b', 'c']) await before.manager.storeEntity(item(id, '1'));
    for (const id of ['x', 'y']) await before.manager.storeEntity(note(id));
    expect(await before.manager.listEntities('item')).toHaveLength(3);
    expect(before.manager.status().entities).toMatchObject({ entries: 4, evictions: 1 });
    await before.manager.close();
    const after = kit(options);
    after.upstream.fail = refused;
    expect(await after.manager.listEntities('item')).toHaveLength(3);
  });

  test('narrower bounds than before make room at start', async () => {
    const store = memoryJournal();
    const before = kit({ store });
    for (const id of ['a', 'b', 'c']) await before.manager.storeEntity(note(id));
    await before.manager.close();
    const { manager } = kit({ store, entities: { maxEntries: 1, maxBytes: 40 } });
    expect((await manager.listEntities('note')).map(({ id }) => id)).toEqual(['c']);
  });

  test('wrong bounds are refused in the user’s words', () => {
    expect(() => kit({ entities: { maxEntries: 0 } })).toThrow(/`maxEntries` of `entities`/);
  });
});

describe('a store that fails', () => {
  function failing(journal: Journal, state: { failing: boolean }): Journal {
    return {
      ...journal,
      commit: (changes, options) =>
        state.failing && changes.some(({ bucket }) => bucket === 'entities')
          ? Promise.reject(new Error('disk full'))
          : journal.commit(changes, options),
    };
  }

  test('refuses an entity that is to be on disk first, and the one before stays', async () => {
    const state = { failing: false };
    const store = failing(memoryJournal(), state);
    const { manager } = kit({ store, mode: 'local_storage' });
    await manager.storeEntity(note('a'));
    state.failing = true;
    const newer = { ...note('a'), text: 'newer' };
    await expect(manager.storeEntity(newer)).rejects.toMatchObject({
      code: 'FALLBACK_STORE_FAILED',
    });
    await expect(manager.storeEntity(note('b'))).rejects.toThrow(/could not be stored/);
    await expect(manager.deleteEntity('note', 'a')).rejects.toThrow(/could not be stored/);
    expect(await manager.listEntities('note')).toEqual([note('a')]);
  });

  test('costs neither an owned write nor an entity that is kept lazily', async () => {
    const made = kit({ store: failing(memoryJournal(), { failing: true }) });
    const failures: string[] = [];
    made.manager.on('storeFailed', ({ verb }) => failures.push(verb));
    expect(await made.manager.storeEntity(note('a'))).toMatchObject({ outcome: 'local' });
    await goDown(made);
    expect(await made.manager.storeEntity(item('a', '1'))).toMatchObject({ outcome: 'queued' });
    expect(failures).toEqual(['entities', 'entities']);
  });

  test('holds nobody longer than a write may take', async () => {
    const journal = memoryJournal();
    const hangs: Journal = { ...journal, commit: () => new Promise(() => {}) };
    const { manager, clock } = kit({ store: hangs, mode: 'local_storage' });
    await manager.open();
    const stored = manager.storeEntity(note('a'));
    stored.catch(() => {});
    await clock.advance(10_000);
    await expect(stored).rejects.toMatchObject({ code: 'FALLBACK_STORE_FAILED' });
  });

  test('records that another hand left are passed over and kept', async () => {
    const store = memoryJournal();
    const odd = ['text', null, { value: { type: 'note', id: 'x' }, storedAt: 1 }, { value: {} }];
    for (const [index, put] of odd.entries())
      await store.commit([{ bucket: 'entities', key: `entity:note:odd${index}`, put }]);
    const { manager } = kit({ store });
    expect(await manager.listEntities('note')).toEqual([]);
    expect([...store.entries('entities')]).toHaveLength(4);
  });
});

describe('a read that falls back on a local entity', () => {
  test('does so where neither the upstream nor the cache has an answer', async () => {
    const made = kit();
    const { manager, show, clock } = made;
    await goDown(made);
    await manager.storeEntity(item('a', '1'));
    await clock.advance(2_000);
    expect(await show.detailed('a')).toMatchObject({
      value: { id: 'a', value: '1' },
      outcome: 'entity',
      ageMs: 2_000,
      pending: 1,
    });
    expect(Object.isFrozen(await show('a'))).toBe(true);
    expect(manager.status().operations.entity).toBe(2);
    await expect(show('b')).rejects.toMatchObject({ code: 'FALLBACK_UNAVAILABLE' });
  });

  test('tells the cause after a call that failed', async () => {
    const { manager, show, upstream } = kit();
    await manager.storeEntity(item('a', '1'));
    upstream.fail = refused;
    const answer = await show.detailed('a');
    expect(answer).toMatchObject({ outcome: 'entity' });
    expect(answer.cause).toBeInstanceOf(TypeError);
  });

  test('prefers what the cache has, however old it is', async () => {
    const { manager, show, upstream } = kit();
    upstream.values.set('a', 'cached');
    await show('a');
    await manager.storeEntity(item('a', 'local'));
    upstream.fail = refused;
    expect(await show.detailed('a')).toMatchObject({
      outcome: 'stale',
      value: { value: 'cached' },
    });
    manager.cache.clear();
    expect(await show.detailed('a')).toMatchObject({
      outcome: 'entity',
      value: { value: 'local' },
    });
  });

  test('gives none that is older than the caller takes', async () => {
    const { manager, show, upstream, clock } = kit();
    await manager.storeEntity(item('a', '1'));
    upstream.fail = refused;
    await clock.advance(5_000);
    expect((await show.detailed('a', { maxStaleMs: 5_000 })).outcome).toBe('entity');
    await expect(show('a', { maxStaleMs: 4_999 })).rejects.toMatchObject({
      code: 'FALLBACK_UNAVAILABLE',
    });
  });

  test('gives none that a queued write deletes', async () => {
    const made = kit();
    await made.manager.storeEntity(item('a', '1'));
    await goDown(made);
    await made.remove('a');
    await expect(made.show('a')).rejects.toMatchObject({ code: 'FALLBACK_UNAVAILABLE' });
    await made.manager.storeEntity(item('a', '2'));
    expect((await made.show.detailed('a')).outcome).toBe('entity');
  });

  test('is unavailable where its own reading of the entity throws, with one warning', async () => {
    const { manager, upstream } = kit();
    const warnings: string[] = [];
    manager.on('warning', ({ message }) => warnings.push(message));
    const broken = manager.read('broken', {
      run: (id: string) => upstream.get(id),
      entities: (id) => [{ type: 'note', id }],
      fromEntity: () => {
        throw new Error('mine');
      },
    });
    await manager.storeEntity(note('a'));
    upstream.fail = refused;
    for (let call = 0; call < 2; call += 1)
      await expect(broken('a')).rejects.toMatchObject({ code: 'FALLBACK_UNAVAILABLE' });
    expect(warnings).toEqual(["`fromEntity` of 'broken' threw: Error: mine"]);
  });

  test('says nothing of entities where it does not ask for them', async () => {
    const { manager, get, upstream } = kit();
    await manager.storeEntity(item('a', '1'));
    upstream.fail = refused;
    await expect(get('a')).rejects.toMatchObject({ code: 'FALLBACK_UNAVAILABLE' });
  });
});

describe.each<[FallbackMode, string, string]>([
  ['memory_only', 'memory', 'memory'],
  ['local_storage', 'disk', 'disk'],
  ['queue_writes', 'memory', 'disk'],
])('in %s', (mode, unowned, owned) => {
  /** A store that says of itself that it lasts. */
  function lasting(): Journal {
    const journal = memoryJournal();
    return {
      ...journal,
      commit: async (changes, options) => {
        await journal.commit(changes, options);
        return options?.lazy ? 'memory' : 'disk';
      },
    };
  }

  test.each(['by itself', 'by hand'])(
    'entities are kept as the mode keeps writes, %s',
    async (way) => {
      const store = lasting();
      const made = kit({ store, ...(way === 'by itself' && { mode }) });
      if (way === 'by itself') await goDown(made);
      else await made.manager.activate(mode);
      expect(await made.manager.storeEntity(note('a'))).toEqual({
        outcome: 'local',
        durability: unowned,
      });
      expect(await made.manager.storeEntity(item('a', '1'))).toMatchObject({
        outcome: mode === 'local_storage' ? 'stored' : 'queued',
        durability: owned,
      });
      expect((await made.show.detailed('a')).outcome).toBe('entity');
      const inStore = [...store.entries('entities')].map(([key]) => key);
      expect(inStore).toEqual(mode === 'memory_only' ? [] : ['entity:note:a', 'entity:item:a']);
    },
  );
});

test.each<[FallbackMode, string]>([
  ['disabled', 'FALLBACK_UNAVAILABLE'],
  ['read_only', 'FALLBACK_READ_ONLY'],
])('in %s, while it is active, entities are refused and are no answer', async (mode, code) => {
  const made = kit({ mode });
  await made.manager.storeEntity(note('a'));
  await made.manager.storeEntity(item('a', '1'));
  await goDown(made);
  for (const entity of [note('b'), item('b', '1')])
    await expect(made.manager.storeEntity(entity)).rejects.toMatchObject({ code, status: 503 });
  await expect(made.manager.deleteEntity('note', 'a')).rejects.toMatchObject({ code });
  await expect(made.show('a')).rejects.toMatchObject({ code: 'FALLBACK_UNAVAILABLE' });
  // The app's own question for what it stored is always answered.
  expect(await made.manager.getEntity('note', 'a')).toEqual(note('a'));
});

test('an entity is kept as the breaker of its own write has it', async () => {
  const store = memoryJournal();
  const { manager } = kit({ store });
  const run = async (_input: { id: string }) => {};
  manager.write('page.save', { run, owns: 'page', breaker: 'pages' });
  await manager.breaker('pages').isolate('moving house', 'memory_only');
  const receipt = await manager.storeEntity({ type: 'page', id: 'a' });
  expect(receipt).toMatchObject({ outcome: 'queued', durability: 'memory' });
  expect(await manager.storeEntity(item('a', '1'))).toMatchObject({ outcome: 'applied' });
  expect([...store.entries('entities')].map(([key]) => key)).toEqual(['entity:item:a']);
});

test('what memory_only changes or deletes of a lasting entity', async () => {
  const store = memoryJournal();
  const before = kit({ store });
  for (const id of ['a', 'b']) await before.manager.storeEntity(note(id));
  await before.manager.activate('memory_only');
  await before.manager.storeEntity({ ...note('a'), text: 'in memory' });
  await before.manager.deleteEntity('note', 'b');
  expect(await before.manager.getEntity('note', 'a')).toMatchObject({ text: 'in memory' });
  await before.manager.close();
  // The change ends with the process, as it said; what is deleted does not come back.
  expect(await kit({ store }).manager.listEntities('note')).toEqual([note('a')]);
});

test('types: a read makes its own value of an entity, a write its own input', () => {
  const manager = new FallbackManager({ name: 'types', logger: false });
  const read = manager.read('read', {
    run: async (id: string) => ({ id, size: 1 }),
    entities: (id) => [{ type: 'thing', id }],
    fromEntity: ({ id, size }, input) => {
      expectTypeOf(size).toEqualTypeOf<unknown>();
      expectTypeOf(input).toEqualTypeOf<string>();
      return { id, size: Number(size) };
    },
  });
  expectTypeOf(read).returns.resolves.toEqualTypeOf<{ id: string; size: number }>();
  manager.write('write', {
    run: async (input: { uuid: string }) => input,
    owns: 'thing',
    // @ts-expect-error: an input is { uuid }
    fromEntity: ({ id }) => ({ id }),
  });
});
