/** What a queue of writes over a store promises. */

import assert from 'node:assert/strict';
import { FallbackManager, type Journal } from '@graphiti-fallback/core';
import { keysOf } from './records.ts';
import type { ContractCases } from './store-contract.ts';

interface Note {
  readonly lane: string;
  readonly text: string;
}

/** A manager whose upstream notes what it is given. */
function managerOver(store: Journal, applied: Note[]) {
  const manager = new FallbackManager({
    name: 'contract',
    application: 'contract',
    logger: false,
    retry: { retries: 0 },
    breaker: { successThreshold: 1, openFor: 10 },
    store,
  });
  const save = manager.write('note.save', {
    run: async (note: Note) => void applied.push(note),
    entity: ({ lane }) => ({ type: 'note', id: lane }),
    idempotent: true,
  });
  return { manager, save };
}

const notes = ['a', 'b', 'a', 'c', 'a', 'b'].map((lane, index) => ({ lane, text: `${index}` }));
const ofLane = (all: readonly Note[], lane: string) => all.filter((note) => note.lane === lane);

export const queues: ContractCases = {
  'queued writes outlast the manager, and are replayed once and in lane order': async (store) => {
    const applied: Note[] = [];
    const before = managerOver(store, applied);
    await before.manager.activate();
    for (const note of notes) {
      const receipt = await before.save(note);
      assert.equal(receipt.outcome, 'queued');
    }
    await before.manager.close();
    const after = managerOver(store, applied);
    await after.manager.open();
    assert.equal(after.manager.status().queue.size, notes.length);
    await after.manager.deactivate();
    await after.manager.sync({ timeoutMs: 10_000 });
    assert.equal(applied.length, notes.length);
    for (const lane of ['a', 'b', 'c'])
      assert.deepEqual(ofLane(applied, lane), ofLane(notes, lane));
    assert.deepEqual(keysOf(store), []);
    await after.manager.close();
  },

  'a receipt tells the durability of the store': async (store) => {
    const { manager, save } = managerOver(store, []);
    await manager.activate();
    const receipt = await save({ lane: 'a', text: 'one' });
    assert.equal('durability' in receipt && receipt.durability, store.status().durability);
    await manager.close();
  },
};
