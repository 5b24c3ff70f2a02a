/** What an operation's own functions give, when it is not what they were asked for. */

import { expect, test } from 'vitest';
import type { Entity } from './entity.ts';
import { outage, testManager } from './upstream.test.support.ts';

const invalid = { code: 'FALLBACK_INVALID_INPUT' };

test('a lane that is no text is refused before anything is kept: no later process could read it', async () => {
  const kit = testManager();
  const numbered = kit.manager.write('numbered', {
    run: ({ id, value }: { id: string; value: string }) => kit.upstream.put(id, value),
    lane: () => 7 as unknown as string,
  });
  await expect(numbered({ id: 'a', value: '1' })).rejects.toMatchObject({
    ...invalid,
    message: "Expected `lane` of 'numbered' to give a text or null, got number",
  });
  await outage(kit);
  await expect(numbered({ id: 'a', value: '1' })).rejects.toMatchObject(invalid);
  expect(kit.manager.queue.list()).toEqual([]);
});

test.each([{ kind: 'item', id: '1' }, { type: 'item' }, { type: '', id: '1' }, 'item:1'])(
  'a write whose entity is none is refused, in words: %o',
  async (entity) => {
    const { manager } = testManager();
    const odd = manager.write('odd', {
      run: () => {},
      entity: () => entity as unknown as Entity,
    });
    await expect(odd()).rejects.toMatchObject({
      ...invalid,
      message: "Expected `entity` of 'odd' to give { type, id }, both texts that are not empty",
    });
  },
);

test('an id that is a number is as good as a text', async () => {
  const { manager, get, put } = testManager();
  const save = manager.write('save', {
    run: () => {},
    entity: () => ({ type: 'item', id: 7 as unknown as string }),
    effect: 'delete',
  });
  await get('7');
  await put({ id: '7', value: 'x' });
  await save();
  expect(await manager.cache.get(get, '7')).toBeUndefined();
});

test.each([{ type: 'item', id: '1' }, [{ id: '1' }], ['item:1']])(
  'an answer whose entities are none is served all the same, not cached, and warned about: %o',
  async (entities) => {
    const { manager } = testManager();
    const warnings: string[] = [];
    manager.on('warning', ({ message }) => warnings.push(message));
    const odd = manager.read('odd', {
      run: () => ({ ok: true }),
      entities: () => entities as unknown as Entity[],
    });
    for (let call = 0; call < 2; call += 1)
      expect(await odd.detailed()).toMatchObject({ value: { ok: true }, outcome: 'live' });
    expect(await manager.cache.get(odd, undefined)).toBeUndefined();
    expect(warnings).toEqual([
      "`entities` of 'odd' gave something else than a list of { type, id }",
    ]);
    await expect(manager.cache.set(odd, undefined, { ok: true })).rejects.toMatchObject(invalid);
  },
);

test('an input that cannot be cloned, a Proxy say, is copied as its text has it', async () => {
  const { manager, get } = testManager();
  const seen: unknown[] = [];
  const save = manager.write('save', { run: (input: object) => void seen.push(input) });
  await save(new Proxy({ a: [1] }, {}));
  expect(seen).toEqual([{ a: [1] }]);
  expect(await manager.cache.set(get, 'a', new Proxy({ id: 'a', value: '1' }, {}))).toBe(true);
});
