import { expect, expectTypeOf, test } from 'vitest';
import type { Entity } from './entity.ts';
import { settled } from './manual-clock.test.support.ts';
import { memoryJournal } from './memory-journal.ts';
import { refused, testManager } from './upstream.test.support.ts';

const down = () => refused();

test('what was answered is found by what was asked, fresh or stale, without a call', async () => {
  const { manager, get, upstream, clock } = testManager({ cache: { staleIfError: 10_000 } });
  upstream.values.set('a', '1');
  await get('a');
  const found = await manager.cache.get(get, 'a');
  expectTypeOf(found).toEqualTypeOf<{ id: string; value: string | null } | undefined>();
  expect(found).toEqual({ id: 'a', value: '1' });
  expect(Object.isFrozen(found)).toBe(true);
  expect(await manager.cache.get('item.get', 'a')).toBe(found);
  expect(await manager.cache.get(get, 'b')).toBeUndefined();
  expect(await manager.cache.get(get, 'a', { headers: { 'x-user': 'ann' } })).toBeUndefined();
  await clock.advance(10_000);
  expect(await manager.cache.get(get, 'a')).toBeUndefined();
  expect(upstream.received).toEqual(['get a']);
});

test('calls that nobody awaits in between happen in the order in which they were made', async () => {
  const { manager, get } = testManager();
  await manager.open();
  await manager.cache.set(get, 'a', { id: 'a', value: 'old' });
  const [found] = await Promise.all([
    manager.cache.get(get, 'a'),
    manager.cache.set(get, 'a', { id: 'a', value: 'new' }),
  ]);
  expect(found).toEqual({ id: 'a', value: 'old' });
  const [again] = await Promise.all([manager.cache.get(get, 'a'), manager.cache.delete(get, 'a')]);
  expect(again).toEqual({ id: 'a', value: 'new' });
});

test('what is put in place is served as if the upstream had said it', async () => {
  const { manager, get, upstream, clock, put, remove } = testManager();
  const mine = { id: 'a', value: 'mine' };
  expect(await manager.cache.set(get, 'a', mine, { ttl: 1_000, staleIfError: 5_000 })).toBe(true);
  mine.value = 'changed';
  expect(await get.detailed('a')).toMatchObject({ outcome: 'cache', value: { value: 'mine' } });
  upstream.fail = down;
  await clock.advance(5_999);
  expect(await get.detailed('a')).toMatchObject({ outcome: 'stale', value: { value: 'mine' } });
  await clock.advance(1);
  await expect(get('a')).rejects.toMatchObject({ code: 'FALLBACK_UNAVAILABLE' });

  // Its entities tie it to writes, as an answer's own do.
  upstream.fail = undefined;
  await manager.cache.set(get, 'b', { id: 'b', value: 'mine' }, { ttl: 60_000 });
  await put({ id: 'b', value: 'new' });
  expect((await get.detailed('b')).outcome).toBe('live');
  await remove('b');
  expect(await manager.cache.get(get, 'b')).toBeUndefined();
});

test('what is put in place, or deleted, a read under way does not undo', async () => {
  const { manager, get, upstream } = testManager();
  let go = () => {};
  upstream.gate = () => new Promise((resolve) => (go = resolve));
  let late = get('a');
  await settled();
  await manager.cache.set(get, 'a', { id: 'a', value: 'mine' });
  go();
  await late;
  expect(await manager.cache.get(get, 'a')).toEqual({ id: 'a', value: 'mine' });

  late = get('a');
  await settled();
  expect(await manager.cache.delete(get, 'a')).toBe(true);
  go();
  await late;
  expect(await manager.cache.get(get, 'a')).toBeUndefined();
  expect(await manager.cache.delete(get, 'a')).toBe(false);
});

test('headers are part of what is meant', async () => {
  const { manager, get } = testManager();
  const ann = { headers: { 'X-User': 'ann' } };
  await manager.cache.set(get, 'a', { id: 'a', value: "ann's" }, ann);
  expect(await manager.cache.get(get, 'a')).toBeUndefined();
  expect(await manager.cache.get(get, 'a', { headers: { 'x-user': 'ann' } })).toEqual({
    id: 'a',
    value: "ann's",
  });
  expect(await manager.cache.delete(get, 'a')).toBe(false);
  expect(await manager.cache.delete(get, 'a', ann)).toBe(true);
});

test('a cache that is filled answers in an outage from the first request on', async () => {
  const { manager, get, upstream } = testManager();
  await get('known');
  const taken = await manager.cache.warm([
    { operation: get, input: 'a', value: { id: 'a', value: '1' } },
    { operation: 'item.get', input: 'b', value: { id: 'b', value: '2' }, ttl: 60_000 },
    // What the upstream said itself stays.
    { operation: get, input: 'known', value: { id: 'known', value: 'older' } },
  ]);
  expect(taken).toBe(2);
  upstream.fail = down;
  expect(await get.detailed('a')).toMatchObject({ outcome: 'stale', value: { value: '1' } });
  expect(await get.detailed('b')).toMatchObject({ outcome: 'cache', value: { value: '2' } });
  expect(await get('known')).toEqual({ id: 'known', value: null });
});

test('how many were taken is how many are kept', async () => {
  const { manager, get } = testManager({ cache: { maxEntries: 2, maxBytes: 1_000 } });
  const entry = (id: string, value = id) => ({ operation: get, input: id, value: { id, value } });
  expect(await manager.cache.warm([entry('a'), entry('b'), entry('c')])).toBe(2);
  expect(manager.status().cache).toMatchObject({ entries: 2, evictions: 1 });
  expect(await manager.cache.warm([entry('large', 'x'.repeat(1_000))])).toBe(0);
  expect(await manager.cache.set(get, 'large', { id: 'l', value: 'x'.repeat(1_000) })).toBe(false);
  expect(manager.status().cache.bytes).toBeLessThanOrEqual(1_000);
});

test('one wrong entry is refused by its number, and none is taken', async () => {
  const { manager, get, put } = testManager();
  const good = { operation: get, input: 'a', value: { id: 'a', value: null } };
  const listed = manager.read('listed', {
    run: (_all: string): { id: string }[] => [],
    entities: (_all, items) => (items ?? []).map(({ id }) => ({ type: 'item', id })),
  });
  const invalid = { code: 'FALLBACK_INVALID_INPUT' };
  const wrong: [entry: object, error: unknown][] = [
    [{ ...good, operation: 'item.gett' }, /a read that is declared on 'items', or its name/],
    [{ ...good, operation: put }, /a read that is declared on 'items'/],
    [{ ...good, operation: testManager().get }, /a read that is declared on 'items'/],
    [{ ...good, ttl: -1 }, /`ttl` of entry 1 of cache.warm/],
    [{ ...good, vaule: 1 }, /Unknown option `vaule` of entry 1/],
    [{ ...good, input: new Date(0) }, invalid],
    [{ ...good, value: undefined }, invalid],
    [{ ...good, value: { at: new Date(0) } }, invalid],
    [{ ...good, headers: { 'not a name': '' } }, invalid],
    [{ operation: listed, input: 'all', value: 'no list' }, invalid],
  ];
  for (const [entry, expected] of wrong) {
    const filled = manager.cache.warm([good, entry as typeof good]);
    if (expected instanceof RegExp) await expect(filled).rejects.toThrow(expected);
    else await expect(filled).rejects.toMatchObject(expected as object);
  }
  expect(manager.status().cache.entries).toBe(0);
});

test('what is put in place outlasts the process; what is cleared does not, even before the first call', async () => {
  const store = memoryJournal();
  const first = testManager({ store });
  await first.manager.cache.set(first.get, 'a', { id: 'a', value: 'mine' });
  await first.manager.close();
  expect(await first.manager.cache.set(first.get, 'b', { id: 'b', value: null })).toBe(false);
  expect(await first.manager.cache.warm([])).toBe(0);

  const second = testManager({ store });
  expect(await second.manager.cache.get(second.get, 'a')).toEqual({ id: 'a', value: 'mine' });
  await second.manager.close();

  const third = testManager({ store });
  third.manager.cache.clear();
  expect(await third.manager.cache.get(third.get, 'a')).toBeUndefined();
  await third.manager.close();
  expect([...store.entries('cache')]).toEqual([]);
});

test('a cleared or removed answer is not brought back by a read under way', async () => {
  const { manager, get, upstream } = testManager();
  for (const forget of [
    () => manager.cache.clear(),
    () => manager.cache.remove({ type: 'item', id: 'a' }),
  ]) {
    let go = () => {};
    upstream.gate = () => new Promise((resolve) => (go = resolve));
    const late = get('a');
    await settled();
    forget();
    go();
    await late;
    expect(await manager.cache.get(get, 'a')).toBeUndefined();
  }
});

test('what is to be removed is an entity', () => {
  const { manager } = testManager();
  for (const odd of [undefined, { type: 'item' }, 'item:1'])
    expect(() => manager.cache.remove(odd as unknown as Entity)).toThrow('Expected an entity');
});
