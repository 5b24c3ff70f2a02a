/** What cached answers and local entities over a store promise. */

import assert from 'node:assert/strict';
import { FallbackManager, type Journal } from '@graphiti-fallback/core';
import type { ContractCases } from './store-contract.ts';

/** An upstream of one item, which may be down, and slow to answer what it has read. */
class Items {
  text = 'first';
  down = false;
  hold: Promise<void> | undefined;

  async get(): Promise<{ text: string }> {
    if (this.down) throw Object.assign(new Error('down'), { code: 'ECONNREFUSED' });
    const { text } = this;
    await this.hold;
    return { text };
  }
}

function managerOver(store: Journal, items: Items) {
  const manager = new FallbackManager({
    name: 'contract',
    application: 'contract',
    logger: false,
    retry: { retries: 0 },
    breaker: { failureThreshold: 1 },
    store,
  });
  const get = manager.read('item.get', {
    run: () => items.get(),
    entities: (id: string) => [{ type: 'item', id }],
  });
  const save = manager.write('item.save', {
    run: async (_id: string) => {},
    entity: (id) => ({ type: 'item', id }),
  });
  const remove = manager.write('item.remove', {
    run: async (_id: string) => {},
    entity: (id) => ({ type: 'item', id }),
    effect: 'delete',
  });
  return { manager, get, save, remove };
}

export const values: ContractCases = {
  'an answer outlasts the manager that was given it, and is served while the upstream is down':
    async (store) => {
      const items = new Items();
      const before = managerOver(store, items);
      await before.get('a');
      await before.manager.close();
      items.down = true;
      const after = managerOver(store, items);
      const { value, outcome } = await after.get.detailed('a');
      assert.deepEqual([value, outcome], [{ text: 'first' }, 'stale']);
      await after.manager.close();
    },

  'an answer stays servable when its entity changes, and not when that is removed': async (
    store,
  ) => {
    const items = new Items();
    const { manager, get, save, remove } = managerOver(store, items);
    await get('a');
    await get('b');
    await save('a');
    await remove('b');
    items.down = true;
    assert.deepEqual(await get('a'), { text: 'first' });
    await assert.rejects(get('b'), { code: 'FALLBACK_UNAVAILABLE' });
    await manager.close();
    const after = managerOver(store, items);
    await assert.rejects(after.get('b'), { code: 'FALLBACK_UNAVAILABLE' });
    await after.manager.close();
  },

  'a late answer does not bring back what was removed after its read began': async (store) => {
    const items = new Items();
    const { manager, get, remove } = managerOver(store, items);
    await manager.open();
    let answer = () => {};
    items.hold = new Promise((resolve) => {
      answer = resolve;
    });
    const late = get('a');
    await new Promise((resolve) => setImmediate(resolve));
    await remove('a');
    answer();
    await late;
    items.down = true;
    await assert.rejects(get('a'), { code: 'FALLBACK_UNAVAILABLE' });
    await manager.close();
    const after = managerOver(store, items);
    await assert.rejects(after.get('a'), { code: 'FALLBACK_UNAVAILABLE' });
    await after.manager.close();
  },

  'local entities outlast the manager that kept them, but for those that were deleted': async (
    store,
  ) => {
    const before = managerOver(store, new Items());
    for (const id of ['a', 'b'])
      await before.manager.storeEntity({ type: 'thing', id, text: id } as never);
    await before.manager.deleteEntity('thing', 'a');
    await before.manager.close();
    const after = managerOver(store, new Items());
    assert.equal(await after.manager.getEntity('thing', 'a'), undefined);
    assert.deepEqual(await after.manager.listEntities('thing'), [
      { type: 'thing', id: 'b', text: 'b' },
    ]);
    await after.manager.close();
  },
};
