/** Writes of an upstream that acknowledges before it does: kept until they are seen there. */

import { expect, onTestFinished, test } from 'vitest';
import type { Adopted, Change, Identity, Journal } from '../journal.ts';
import { FallbackManager } from '../manager.ts';
import { type ManualClock, manualClock, settled } from '../manual-clock.test.support.ts';
import { memoryJournal } from '../memory-journal.ts';
import type { FallbackManagerOptions } from '../options.ts';
import { HttpError } from '../upstream.test.support.ts';
import type { Confirmation } from './confirmation.ts';

interface Note {
  readonly box: string;
  readonly text: string;
}

/** A letterbox that takes notes at once, and shows those that somebody has sorted. */
function letterbox() {
  return {
    taken: [] as string[],
    shown: new Set<string>(),
    /** Boxes of each look. */
    looks: [] as (readonly string[])[],
    sorting: true,
    fail: undefined as ((text: string) => unknown) | undefined,
    failLook: undefined as unknown,
    gate: undefined as Promise<void> | undefined,
  };
}

async function setUp(
  confirm: Partial<Confirmation<Note>> = {},
  options: Partial<FallbackManagerOptions> = {},
  box = letterbox(),
) {
  const clock = (options.clock as ManualClock | undefined) ?? manualClock();
  const store = options.store ?? memoryJournal();
  const manager = new FallbackManager({
    name: 'notes',
    application: 'test',
    logger: false,
    retry: { retries: 0 },
    random: () => 0.5,
    breaker: { failureThreshold: 1, successThreshold: 1, openFor: 1_000 },
    ...options,
    store,
    clock,
  });
  onTestFinished(() => manager.close());
  const ids = new Map<string, string>();
  const post = manager.write('note.post', {
    run: async ({ text }: Note, { idempotencyKey }) => {
      await box.gate;
      const error = box.fail?.(text);
      if (error) throw error;
      box.taken.push(text);
      ids.set(text, idempotencyKey);
      if (box.sorting) box.shown.add(text);
      return 'taken';
    },
    lane: ({ box: lane }) => lane,
    entity: ({ box: id }) => ({ type: 'box', id }),
    reconcileFor: 5_000,
    confirm: {
      together: ({ box: lane }) => lane,
      look: (writes) => {
        if (box.failLook) throw box.failLook;
        box.looks.push([...new Set(writes.map(({ input }) => input.box))]);
        return writes.filter(({ input }) => box.shown.has(input.text)).map(({ id }) => id);
      },
      ...confirm,
    },
  });
  const events: string[] = [];
  manager.on('queue', ({ event }) => events.push(event));
  await manager.open();
  const note = (text: string, lane = 'a') => post({ box: lane, text });
  const states = () => manager.queue.list().map(({ state }) => state);
  return { manager, clock, store, box, post, note, events, states };
}

const minute = 60_000;

test('an acknowledged write is kept, and done when it is seen', async () => {
  const { manager, clock, note, events, states } = await setUp();
  const receipt = await note('one');
  expect(receipt).toEqual({
    outcome: 'accepted',
    operation: expect.any(String),
    operations: [expect.any(String)],
    durability: 'memory',
  });
  const id = receipt.outcome === 'accepted' ? receipt.operation : '';
  expect(manager.queue.get(id)).toMatchObject({ state: 'accepted', acceptedAt: clock.now() });
  expect(states()).toEqual(['accepted']);
  expect(manager.status()).toMatchObject({
    operations: { accepted: 1, applied: 0 },
    queue: { size: 0, accepted: 1, confirmed: 0, stalled: false, states: { accepted: 1 } },
  });
  await clock.advance(2_000);
  expect(states()).toEqual([]);
  expect(manager.queue.get(id)).toMatchObject({ state: 'confirmed', endedAt: clock.now() });
  expect(manager.status().queue.confirmed).toBe(1);
  expect(events).toEqual(['accepted', 'confirmed']);
});

test('it is stored before it is sent', async () => {
  const { store, note, box } = await setUp();
  let stored = 0;
  box.fail = () => {
    stored = [...store.entries('queue')].length;
    return undefined;
  };
  await note('one');
  expect(stored).toBe(1);
});

test('where the store fails it is sent all the same, and taken as applied', async () => {
  const store = memoryJournal();
  const broken = Object.assign(store, { commit: () => Promise.reject(new Error('no disk')) });
  const { note, box, states } = await setUp({}, { store: broken });
  expect(await note('one')).toEqual({ outcome: 'applied', value: 'taken' });
  expect(box.taken).toEqual(['one']);
  expect(states()).toEqual([]);
});

test('where there is no room it is sent all the same, which is told and shown', async () => {
  const lines: string[] = [];
  const logger = { debug() {}, info() {}, error() {}, warn: (line: string) => lines.push(line) };
  const { manager, note, events, states } = await setUp({}, { queue: { maxEntries: 1 }, logger });
  expect((await note('one')).outcome).toBe('accepted');
  expect((await note('two')).outcome).toBe('applied');
  expect((await note('three')).outcome).toBe('applied');
  expect(states()).toEqual(['accepted']);
  expect(events).toEqual(['accepted', 'unprotected', 'unprotected']);
  expect(manager.status().queue.unprotected).toBe(2);
  expect(manager.inspect()).toContain('2 sent unprotected');
  expect(lines).toEqual([expect.stringMatching(/The queue is full: 'note.post' is sent without/)]);
});

test('a receipt names only what was kept: of what was applied at once nobody can ask', async () => {
  const { manager, post } = await setUp({}, { queue: { maxEntries: 1 } });
  const receipt = await post.all(['1', '2'].map((text) => ({ box: 'a', text })));
  expect(receipt).toMatchObject({ outcome: 'accepted', operations: { length: 1 } });
  const { operation = '', operations = [] } = receipt.outcome === 'applied' ? {} : receipt;
  expect(operations).toEqual([operation]);
  expect(manager.queue.get(operation)?.state).toBe('accepted');
});

test('one that cannot be looked for, and a mode that keeps nothing, are as if nothing were confirmed', async () => {
  const { note, post } = await setUp({ applies: ({ text }) => text !== 'blank' });
  expect((await note('blank')).outcome).toBe('applied');
  expect((await post.all([{ box: 'a', text: 'x' }])).outcome).toBe('accepted');
  const readOnly = await setUp({}, { mode: 'read_only' });
  expect((await readOnly.note('one')).outcome).toBe('applied');
});

test('what is accepted makes no lane busy; writes of a lane go in order, live', async () => {
  const { note, box, states } = await setUp();
  const receipts = await Promise.all(['1', '2', '3'].map((text) => note(text)));
  expect(receipts.map(({ outcome }) => outcome)).toEqual(['accepted', 'accepted', 'accepted']);
  expect(box.taken).toEqual(['1', '2', '3']);
  expect(states()).toEqual(['accepted', 'accepted', 'accepted']);
});

test('several in one call are all accepted, or as much as the worst of them', async () => {
  const { post, box } = await setUp();
  const all = ['1', '2'].map((text) => ({ box: 'a', text }));
  const receipt = await post.all(all);
  expect(receipt).toMatchObject({ outcome: 'accepted', operations: { length: 2 } });
  box.fail = (text) => (text === '4' ? new HttpError(503) : undefined);
  const worst = await post.all(['3', '4', '5'].map((text) => ({ box: 'a', text })));
  expect(worst.outcome).toBe('queued');
  expect(box.taken).toEqual(['1', '2', '3']);
});

test('one that fails is queued, and whoever waited for the lane behind it, in order', async () => {
  const { note, box, clock, events, states } = await setUp();
  let open = () => {};
  box.gate = new Promise((resolve) => {
    open = resolve;
  });
  box.fail = () => new HttpError(503);
  const writing = ['1', '2', '3'].map((text) => note(text));
  await clock.advance(10);
  open();
  const receipts = await Promise.all(writing);
  expect(receipts.map(({ outcome }) => outcome)).toEqual(['queued', 'queued', 'queued']);
  expect(events).toEqual(['enqueued', 'enqueued', 'enqueued']);
  box.fail = undefined;
  await clock.advance(10_000);
  expect(box.taken).toEqual(['1', '2', '3']);
  await clock.advance(minute);
  expect(states()).toEqual([]);
  expect(events.filter((event) => event === 'confirmed')).toHaveLength(3);
});

test('what the upstream rejects is the caller’s, and not kept', async () => {
  const { note, box, states, store } = await setUp();
  box.fail = () => new HttpError(422);
  await expect(note('one')).rejects.toMatchObject({ status: 422 });
  expect(states()).toEqual([]);
  expect([...store.entries('queue')]).toEqual([]);
});

test('a queued write is accepted when it is replayed, and then confirmed', async () => {
  const { manager, note, box, clock, states } = await setUp();
  box.fail = () => new HttpError(503);
  const receipt = await note('one');
  expect(receipt.outcome).toBe('queued');
  box.fail = undefined;
  box.sorting = false;
  await clock.advance(5_000);
  expect(states()).toEqual(['accepted']);
  expect(manager.status().queue).toMatchObject({ replayed: 1, size: 0 });
  box.shown.add('one');
  await clock.advance(minute);
  expect(states()).toEqual([]);
});

test('one look for a lane and interval, which grows while nothing is seen and begins anew when something is', async () => {
  const { note, box, clock } = await setUp({ interval: 1_000, maxInterval: 8_000 });
  box.sorting = false;
  for (const text of ['1', '2', '3']) await note(text, 'a');
  await note('4', 'b');
  await clock.advance(31_500);
  // After 1, 3, 7, 15, 23 and 31 s.
  expect(box.looks.filter(([lane]) => lane === 'a')).toHaveLength(6);
  expect(box.looks).toHaveLength(12);
  box.shown.add('1');
  await clock.advance(8_000);
  box.looks.length = 0;
  await clock.advance(1_000);
  expect(box.looks).toEqual([['a']]);
});

test('one that is not seen in time is told once, stays, and may be seen after all', async () => {
  const { manager, note, box, clock, events, states } = await setUp({ within: 10 * minute });
  box.sorting = false;
  await note('one');
  await clock.advance(9 * minute);
  expect(states()).toEqual(['accepted']);
  await clock.advance(3 * minute);
  expect(states()).toEqual(['unconfirmed']);
  expect(manager.status().queue).toMatchObject({ unconfirmed: 1, stalled: true });
  expect(manager.inspect()).toContain('does not do them');
  await clock.advance(20 * minute);
  expect(events).toEqual(['accepted', 'unconfirmed']);
  box.shown.add('one');
  await clock.advance(2 * minute);
  expect(states()).toEqual([]);
  expect(events).toEqual(['accepted', 'unconfirmed', 'confirmed']);
  expect(manager.status().queue.stalled).toBe(false);
});

test('with `within: false` nothing is ever late', async () => {
  const { note, box, clock, states } = await setUp({ within: false });
  box.sorting = false;
  await note('one');
  await clock.advance(24 * 60 * minute);
  expect(states()).toEqual(['accepted']);
});

test('while others before it are being seen, one that waits in the upstream’s line is not late', async () => {
  const { note, box, clock, events } = await setUp({ within: 10 * minute });
  box.sorting = false;
  for (let index = 0; index < 10; index += 1) await note(`${index}`);
  for (let index = 0; index < 9; index += 1) {
    await clock.advance(8 * minute);
    box.shown.add(`${index}`);
  }
  await clock.advance(8 * minute);
  expect(events).not.toContain('unconfirmed');
  await clock.advance(5 * minute);
  expect(events.filter((event) => event === 'unconfirmed')).toHaveLength(1);
});

test('one that was overtaken is late, though later ones are seen all the time', async () => {
  const { manager, note, box, clock, states } = await setUp({ within: 10 * minute });
  box.sorting = false;
  await note('lost');
  box.sorting = true;
  for (let index = 0; index < 15; index += 1) {
    await clock.advance(minute);
    await note(`${index}`);
  }
  await clock.advance(minute);
  expect(states()).toEqual(['unconfirmed']);
  expect(manager.status().queue.stalled).toBe(false);
});

test('while the breaker is open nothing is asked, and time does not count', async () => {
  const { manager, note, box, clock, states } = await setUp({ within: 10 * minute });
  box.sorting = false;
  await note('one');
  await manager.activate('queue_writes');
  box.looks.length = 0;
  await clock.advance(30 * minute);
  expect(box.looks).toEqual([]);
  await manager.deactivate();
  await manager.breakers.reset();
  await clock.advance(9 * minute);
  expect(states()).toEqual(['accepted']);
  await clock.advance(3 * minute);
  expect(states()).toEqual(['unconfirmed']);
});

test('a look that fails proves nothing', async () => {
  const { note, box, clock, states } = await setUp({ within: minute });
  box.sorting = false;
  box.failLook = new HttpError(500);
  await note('one');
  await clock.advance(10 * minute);
  expect(states()).toEqual(['accepted']);
  box.failLook = undefined;
  box.shown.add('one');
  await clock.advance(2 * minute);
  expect(states()).toEqual([]);
});

test('by choice it becomes a dead letter, which is looked for before it is sent again', async () => {
  const { manager, note, box, clock, states } = await setUp({
    within: minute,
    unconfirmed: 'dead_letter',
  });
  box.sorting = false;
  await note('one');
  await clock.advance(5 * minute);
  const [dead] = manager.queue.list();
  expect(dead).toMatchObject({ state: 'dead', reason: 'unconfirmed' });
  box.shown.add('one');
  expect(await manager.queue.decide(String(dead?.id), 'retry')).toBe(true);
  await clock.advance(10_000);
  expect(states()).toEqual([]);
  expect(box.taken).toEqual(['one']);
});

test('by choice lost ones are sent again: the oldest alone to try, the others once a later one was seen', async () => {
  const { note, box, clock, events, states } = await setUp({
    within: minute,
    unconfirmed: 'resend',
    maxInterval: 10_000,
  });
  box.sorting = false;
  for (const text of ['1', '2', '3']) await note(text);
  await clock.advance(1.5 * minute);
  expect(box.taken).toEqual(['1', '2', '3', '1']);
  expect(events.filter((event) => event === 'unconfirmed')).toHaveLength(3);
  // The upstream is started again, without what it had in memory.
  box.sorting = true;
  await clock.advance(3 * minute);
  expect(box.taken.slice(4).sort()).toEqual(['1', '2', '3']);
  expect(states()).toEqual([]);
});

test('one that came while it was about to be sent again is not sent again', async () => {
  const { manager, note, box, clock, states, events } = await setUp({
    within: minute,
    unconfirmed: 'resend',
  });
  box.sorting = false;
  await note('one');
  manager.on('queue', ({ event }) => {
    if (event === 'unconfirmed') box.shown.add('one');
  });
  await clock.advance(5 * minute);
  expect(events).toContain('resent');
  expect(box.taken).toEqual(['one']);
  expect(states()).toEqual([]);
  expect(events).toContain('confirmed');
});

test('one that was sent again three times in vain is given up: it may be what stops the upstream', async () => {
  const { note, box, clock, states } = await setUp({ within: minute, unconfirmed: 'resend' });
  box.sorting = false;
  await note('poison');
  await clock.advance(30 * minute);
  expect(box.taken).toHaveLength(4);
  expect(states()).toEqual(['dead']);
});

test('a clock that is set back makes nothing late, and nothing is taken for overtaken', async () => {
  const { note, box, clock, events } = await setUp({ within: 10 * minute, unconfirmed: 'resend' });
  box.sorting = false;
  await note('0');
  clock.set(-60 * minute);
  for (let index = 1; index < 6; index += 1) await note(`${index}`);
  for (let index = 0; index < 6; index += 1) {
    await clock.advance(8 * minute);
    box.shown.add(`${index}`);
  }
  await clock.advance(2 * minute);
  expect(events).not.toContain('unconfirmed');
  expect(box.taken).toHaveLength(6);
});

test('a clock that is set forwards makes nothing late either', async () => {
  const { note, box, clock, events } = await setUp({ within: 10 * minute });
  box.sorting = false;
  await note('one');
  clock.set(60 * minute);
  await clock.advance(9 * minute);
  expect(events).not.toContain('unconfirmed');
  await clock.advance(2 * minute);
  expect(events).toContain('unconfirmed');
});

test('nor does it make anything too old: what was acknowledged just now is no dead letter', async () => {
  const day = 24 * 60 * minute;
  const { note, box, clock, states } = await setUp({ within: false });
  box.sorting = false;
  await note('one');
  clock.set(8 * day);
  await clock.advance(60 * minute);
  expect(states()).toEqual(['accepted']);
  await clock.advance(8 * day);
  expect(states()).toEqual(['dead']);
});

test('one that is dated ahead keeps none that is lost from being tried again', async () => {
  const { note, box, clock } = await setUp({
    within: minute,
    unconfirmed: 'resend',
    shownAt: ({ text }) => (text === 'ahead' ? dated : 0),
  });
  const dated = clock.now() + 60 * minute;
  box.sorting = false;
  await note('ahead');
  await note('lost', 'b');
  await clock.advance(30_000);
  box.sorting = true;
  await clock.advance(3 * minute);
  expect(box.taken).toEqual(['ahead', 'lost', 'lost']);
});

test('of a store that opens late what is under way is not taken up: it is here already', async () => {
  const clock = manualClock();
  const store = memoryJournal();
  const { open } = store;
  let go = () => {};
  const late = new Promise<void>((resolve) => (go = resolve));
  Object.assign(store, {
    async open(...given: Parameters<typeof open>) {
      await late;
      return open(...given);
    },
  });
  const setting = setUp({}, { store, clock });
  await clock.advance(5_000);
  const { note, box, states, manager } = await setting;
  let answer = () => {};
  box.gate = new Promise((resolve) => (answer = resolve));
  const sent = note('one');
  await settled();
  expect(states()).toEqual(['in_flight']);
  go();
  await settled();
  expect([manager.queue.opened, states()]).toEqual([true, ['in_flight']]);
  answer();
  expect((await sent).outcome).toBe('accepted');
  expect((await note('two')).outcome).toBe('accepted');
  await clock.advance(minute);
  expect([states(), box.taken]).toEqual([[], ['one', 'two']]);
});

test('of a store that opens late what was acknowledged is looked for as well', async () => {
  const store = Object.assign(memoryJournal(), { close: async () => {} });
  const box = letterbox();
  const first = await setUp({}, { store }, box);
  box.sorting = false;
  const receipt = await first.note('one');
  await first.manager.close();
  let open = () => {};
  const late = {
    ...store,
    open: (identity: Identity) =>
      new Promise<void>((resolve) => {
        open = resolve;
      }).then(() => store.open(identity)),
  };
  const clock = manualClock();
  const opening = setUp({}, { store: late, clock }, box);
  await clock.advance(6_000);
  const second = await opening;
  open();
  await clock.advance(1_000);
  expect(second.states()).toEqual(['accepted']);
  box.shown.add('one');
  await clock.advance(minute);
  const id = receipt.outcome === 'accepted' ? receipt.operation : '';
  expect(second.manager.queue.get(id)?.state).toBe('confirmed');
});

test('nobody waits for one before it can be shown', async () => {
  const clock = manualClock();
  const shownAt = clock.now() + 30 * minute;
  const { note, box, events } = await setUp(
    { within: 10 * minute, shownAt: () => shownAt },
    { clock },
  );
  box.sorting = false;
  await note('one');
  await clock.advance(39 * minute);
  expect(events).not.toContain('unconfirmed');
  await clock.advance(3 * minute);
  expect(events).toContain('unconfirmed');
});

test('after a downtime the first look judges nothing: what was in time then may still come', async () => {
  const clock = manualClock();
  const store = Object.assign(memoryJournal(), { close: async () => {} });
  const box = letterbox();
  const options = { within: 10 * minute, unconfirmed: 'resend' } as const;
  const first = await setUp(options, { store, clock }, box);
  box.sorting = false;
  await first.note('one');
  await first.manager.close();
  await clock.advance(60 * minute);
  const second = await setUp(options, { store, clock }, box);
  await clock.advance(30_000);
  expect(second.states()).toEqual(['accepted']);
  box.shown.add('one');
  await clock.advance(minute);
  expect([second.states(), second.events, box.taken]).toEqual([[], ['confirmed'], ['one']]);
});

test('what was taken out stalls nothing any more', async () => {
  const { manager, note, box, clock } = await setUp({ within: minute });
  box.sorting = false;
  const ids = [];
  for (const text of ['1', '2']) {
    const receipt = await note(text);
    ids.push(receipt.outcome === 'accepted' ? receipt.operation : '');
  }
  await clock.advance(3 * minute);
  expect(manager.queue.stalled).toBe(true);
  const [one = '', two = ''] = ids;
  await manager.queue.decide(one, 'purge');
  expect(manager.queue.stalled).toBe(true);
  await manager.queue.decide(two, 'purge');
  expect(manager.queue.stalled).toBe(false);
});

test('what may have been undone is looked for, and not sent again but by a person', async () => {
  const { manager, note, box, clock, states } = await setUp({
    within: minute,
    unconfirmed: 'resend',
    maxInterval: 10_000,
  });
  box.sorting = false;
  const receipt = await note('undone');
  await note('lost');
  const id = receipt.outcome === 'accepted' ? receipt.operation : '';
  const certain = manager.queue.doubt([id]);
  await manager.queue.doubt([id, 'another']).stored;
  // One of two that doubted it is sure now.
  await certain.withdraw();
  await clock.advance(1.5 * minute);
  // The oldest of those that may be sent is tried.
  expect(box.taken).toEqual(['undone', 'lost', 'lost']);
  box.sorting = true;
  await clock.advance(10 * minute);
  expect([states(), box.taken.length]).toEqual([['unconfirmed'], 4]);
  expect(manager.queue.stalled).toBe(false);
  expect(await manager.queue.decide(id, 'retry')).toBe(true);
  await clock.advance(minute);
  expect([states(), box.taken.at(-1)]).toEqual([[], 'undone']);
});

test('one that is doubted while it is being stored, or on its way, is not sent again either', async () => {
  const { manager, note, box, clock, hung, store } = await hanging(
    (_changes, commits) => commits === 1,
    { within: minute, unconfirmed: 'resend' },
  );
  box.sorting = false;
  const sent = endOf(note('undone'));
  await settled();
  const [{ id = '' } = {}] = manager.queue.list({ states: ['in_flight'] });
  await manager.queue.doubt([id]).stored;
  expect([...store.entries('queue')]).toEqual([]);
  await hung.release();
  expect(await sent).toBe('accepted');
  expect([...store.entries('queue')]).toMatchObject([[id, { doubted: true }]]);
  await clock.advance(10 * minute);
  expect(box.taken).toEqual(['undone']);
});

test('a doubt that is withdrawn when what it concerned has left puts nothing back', async () => {
  const { manager, note, box, store } = await setUp();
  box.sorting = false;
  const receipt = await note('one');
  const id = receipt.outcome === 'accepted' ? receipt.operation : '';
  const doubt = manager.queue.doubt([id]);
  await doubt.stored;
  await manager.queue.decide(id, 'purge');
  await doubt.withdraw();
  expect([...store.entries('queue')]).toEqual([]);
});

test('while a live write is in its lane nothing is sent again: it may undo that', async () => {
  const { manager, note, box, clock, states } = await setUp({
    within: minute,
    unconfirmed: 'resend',
  });
  box.sorting = false;
  await note('one');
  let end = () => {};
  const erase = manager.write('note.erase', {
    run: () => new Promise<void>((resolve) => (end = resolve)),
    lane: () => 'a',
    replayable: false,
    timeoutMs: 60 * minute,
  });
  const erasing = erase();
  await clock.advance(10 * minute);
  expect([states(), box.taken]).toEqual([['unconfirmed'], ['one']]);
  box.sorting = true;
  end();
  await erasing;
  await clock.advance(2 * minute);
  expect(box.taken).toEqual(['one', 'one']);
});

test('a store that hangs before a write is sent costs it half of its time: it is sent all the same', async () => {
  const { note, clock, hung, events } = await hanging((_changes, commits) => commits === 1);
  const sent = endOf(note('one'));
  await clock.advance(5_000);
  expect(await now(sent)).toBe('applied');
  expect(events).toEqual(['unprotected']);
  await hung.release();
});

test('a store that hangs before writes are sent does not hold their lane, and the rest goes on without it', async () => {
  const { note, box, clock, hung, manager, store } = await hanging(() => true);
  for (const text of ['one', 'two', 'three']) {
    const sent = endOf(note(text));
    await clock.advance(5_000);
    expect(await now(sent)).toBe('applied');
  }
  expect(box.taken).toEqual(['one', 'two', 'three']);
  expect(manager.status().queue.size).toBe(0);
  await hung.release();
  await clock.advance(1_000);
  expect([...store.entries('queue')]).toEqual([]);
  expect((await note('four')).outcome).toBe('accepted');
});

test('a store that hangs at what was acknowledged holds the lane for no longer than 5 s', async () => {
  const { note, box, clock, hung } = await hanging((changes) =>
    changes.some((change) => 'put' in change && Object(change.put).acceptedAt !== undefined),
  );
  void note('one');
  await clock.advance(1_000);
  const second = endOf(note('two'));
  await clock.advance(1_000);
  expect([await now(second), box.taken]).toEqual(['nothing yet', ['one']]);
  await clock.advance(4_000);
  expect(box.taken).toEqual(['one', 'two']);
  expect(await now(second)).toBe('accepted');
  await hung.release();
});

test('a store that hangs after that holds no receipt back: it was kept, and the upstream has it', async () => {
  const { note, box, clock, hung, states } = await hanging((_changes, commits) => commits === 2);
  box.sorting = false;
  const sent = endOf(note('one'));
  await clock.advance(10_000);
  expect(await now(sent)).toBe('accepted');
  await hung.release();
  await clock.advance(10);
  expect(states()).toEqual(['accepted']);
});

test('with a store that hangs a failed write ends in time, and says that nobody knows', async () => {
  const { note, box, clock, hung } = await hanging(() => true);
  box.fail = () => new HttpError(503);
  const sent = endOf(note('one'));
  await clock.advance(11_000);
  expect(await now(sent)).toBe('FALLBACK_UNKNOWN_OUTCOME');
  await hung.release();
});

test('with a store that hangs the caller hears in time what the upstream refuses', async () => {
  const { note, box, clock, hung } = await hanging((_changes, commits) => commits === 2);
  box.fail = () => new HttpError(422);
  const sent = endOf(note('one'));
  await clock.advance(11_000);
  expect(await now(sent)).toBe(422);
  await hung.release();
});

test('30,000 unconfirmed writes are judged in a moment, not each by all others', async () => {
  const store = memoryJournal();
  const enqueuedAt = 1_700_000_000_000 - 3_600_000;
  const puts = Array.from({ length: 30_000 }, (_, index) => {
    const id = `0190-${String(index).padStart(6, '0')}`;
    const times = { createdAt: enqueuedAt, enqueuedAt, sentAt: enqueuedAt, acceptedAt: enqueuedAt };
    const input = { box: `${index % 3}`, text: `${index}` };
    const rest = { operation: 'note.post', lane: input.box, input, attempts: 0, failures: 0 };
    const put = { id, ...rest, ...times, interruptions: 0, unconfirmedAt: enqueuedAt };
    return { bucket: 'queue', key: id, put } as const;
  });
  await store.commit(puts);
  const { box, clock, states } = await setUp(
    { within: minute, unconfirmed: 'resend', maxInterval: 10_000 },
    { store },
  );
  box.sorting = false;
  const began = performance.now();
  await clock.advance(50_000);
  expect(performance.now() - began).toBeLessThan(8_000);
  expect(states().filter((state) => state === 'unconfirmed')).toHaveLength(29_999);
  expect(box.taken).toEqual(['0']);
}, 20_000);

test('accepted writes survive a restart, with their time', async () => {
  const clock = manualClock();
  const store = memoryJournal();
  const box = letterbox();
  const keep = Object.assign(store, { close: async () => {} });
  const first = await setUp({ within: 10 * minute }, { store: keep, clock }, box);
  box.sorting = false;
  const receipt = await first.note('one');
  await first.note('two', 'b');
  await clock.advance(8 * minute);
  await first.manager.close();
  const second = await setUp({ within: 10 * minute }, { store: keep, clock }, box);
  const id = receipt.outcome === 'accepted' ? receipt.operation : '';
  expect(second.manager.queue.get(id)).toMatchObject({ state: 'accepted' });
  box.shown.add('two');
  await clock.advance(10_000);
  expect(second.states()).toEqual(['accepted']);
  await clock.advance(11 * minute);
  expect(second.states()).toEqual(['unconfirmed']);
  await second.manager.close();
  const third = await setUp({ within: 10 * minute }, { store: keep, clock }, box);
  expect(third.states()).toEqual(['unconfirmed']);
  box.shown.add('one');
  await clock.advance(minute);
  expect(third.states()).toEqual([]);
  expect(third.manager.queue.get(id)).toMatchObject({ state: 'confirmed' });
  expect(box.taken).toEqual(['one', 'two']);
});

test('one whose process died while it was sent is looked for before it is sent again', async () => {
  const store = Object.assign(memoryJournal(), { close: async () => {} });
  const box = letterbox();
  const first = await setUp({}, { store }, box);
  let taken = () => {};
  const arrived = new Promise<void>((resolve) => {
    taken = resolve;
  });
  box.fail = (text) => {
    box.taken.push(text);
    box.shown.add(text);
    taken();
    return new Promise(() => {});
  };
  box.gate = Promise.resolve();
  void first.note('one').catch(() => {});
  await arrived;
  const records = [...store.entries('queue')];
  const later = memoryJournal();
  await later.commit(records.map(([key, put]) => ({ bucket: 'queue', key, put })));
  box.fail = undefined;
  const second = await setUp({}, { store: later }, box);
  await second.clock.advance(10_000);
  expect(second.states()).toEqual([]);
  expect(box.taken).toEqual(['one']);
});

test('a person takes one as seen, has it sent again, gives it up or takes it out', async () => {
  const { manager, note, box, clock, states, store } = await setUp();
  box.sorting = false;
  const ids = [];
  for (const text of ['1', '2', '3', '4']) {
    const receipt = await note(text);
    ids.push(receipt.outcome === 'accepted' ? receipt.operation : '');
  }
  const [one = '', two = '', three = '', four = ''] = ids;
  expect(await manager.queue.ack(one)).toBe(true);
  expect(manager.queue.get(one)?.state).toBe('confirmed');
  expect(await manager.queue.decide(two, 'purge')).toBe(true);
  expect(manager.queue.get(two)?.state).toBe('purged');
  expect(await manager.queue.decide(three, 'skip')).toBe(true);
  expect(manager.queue.get(three)?.state).toBe('dead');
  expect(await manager.queue.decide(four, 'retry')).toBe(true);
  await clock.advance(10_000);
  expect(box.taken).toEqual(['1', '2', '3', '4', '4']);
  expect(states()).toEqual(['accepted', 'dead']);
  expect([...store.entries('queue')].map(([key]) => key).sort()).toEqual([three, four].sort());
});

test('accepted writes show in answers as pending ones', async () => {
  const { manager, note, box } = await setUp();
  box.sorting = false;
  await note('one');
  const read = manager.read('box.read', {
    run: async (_id: string) => [] as string[],
    entities: (id) => [{ type: 'box', id }],
    overlay: (texts, pending) => [
      ...(texts ?? []),
      ...pending.map(({ input }) => (input as Note).text),
    ],
  });
  expect(await read.detailed('a')).toMatchObject({ value: ['one'], pending: 1 });
});

test('how it is confirmed is checked when it is declared', () => {
  const { manager } = { manager: new FallbackManager({ name: 'checked', logger: false }) };
  onTestFinished(() => manager.close());
  const run = () => 1;
  expect(() => manager.write('a', { run, confirm: {} as never })).toThrow('Expected `confirm`');
  const confirm = { together: () => '', look: () => [], within: 0 };
  expect(() => manager.write('b', { run, confirm })).toThrow('Expected `within`');
});

test('one that took a while to be acknowledged, and is seen late, ends the stall', async () => {
  const { manager, note, box, clock, states } = await setUp({ within: 10 * minute });
  box.sorting = false;
  let answer = () => {};
  box.gate = new Promise((resolve) => {
    answer = resolve;
  });
  const sent = note('slow');
  await clock.advance(200);
  answer();
  await sent;
  await clock.advance(12 * minute);
  expect(manager.status().queue.stalled).toBe(true);
  box.shown.add('slow');
  await clock.advance(5 * minute);
  expect(states()).toEqual([]);
  expect(manager.status().queue.stalled).toBe(false);
});

test('when looking fails for longer than the deadline, that is said once', async () => {
  const { manager, note, box, clock, states } = await setUp({ within: 10 * minute });
  const warnings: string[] = [];
  manager.on('warning', ({ message }) => warnings.push(message));
  await note('one');
  box.failLook = new HttpError(500);
  await clock.advance(9 * minute);
  expect(warnings).toEqual([]);
  await clock.advance(30 * minute);
  expect(warnings).toEqual([
    expect.stringMatching(/^Looking for acknowledged writes of 'note.post'/),
  ]);
  box.failLook = undefined;
  await clock.advance(5 * minute);
  expect(states()).toEqual([]);
});

test('one of another process, which is gone, is looked for by the process that takes it over', async () => {
  const theirs = memoryJournal();
  const first = await setUp({}, { store: theirs });
  first.box.sorting = false;
  await first.note('one');
  const records = [...theirs.entries('queue')].map(
    ([key, value]) => ['queue', key, value] as const,
  );
  const own = memoryJournal();
  let adopt: (records: readonly Adopted[]) => void = () => {};
  const store: Journal = {
    ...own,
    onAdopted(listener) {
      adopt = listener;
      return () => {};
    },
  };
  const second = await setUp({}, { store, clock: first.clock }, first.box);
  await second.manager.open();
  await own.commit(records.map(([bucket, key, put]) => ({ bucket, key, put })));
  adopt(records);
  expect(second.states()).toEqual(['accepted']);
  first.box.shown.add('one');
  await first.clock.advance(2 * minute);
  expect(second.states()).toEqual([]);
  expect(second.events).toContain('confirmed');
});

test('with `overflow: drop_oldest` a live write is not held in the place of one that was never sent', async () => {
  const { manager, note, box } = await setUp(
    {},
    { queue: { maxEntries: 1, overflow: 'drop_oldest' } },
  );
  await manager.activate();
  expect((await note('queued')).outcome).toBe('queued');
  await manager.deactivate();
  manager.queue.pause();
  const { outcome } = await note('live', 'b');
  expect([outcome, manager.status().queue.dropped]).toEqual(['applied', 0]);
  expect(box.taken).toContain('live');
});

/** A set-up whose store hangs at the commits that are chosen, counted from 1, until it is released. */
async function hanging(
  chosen: (changes: readonly Change[], commits: number) => boolean,
  confirm: Partial<Confirmation<Note>> = {},
) {
  const base = memoryJournal();
  const waiting: (() => void)[] = [];
  let commits = 0;
  let released = false;
  const store: Journal = {
    ...base,
    async commit(changes, options) {
      if (options?.lazy || !changes.some(({ bucket }) => bucket === 'queue'))
        return base.commit(changes, options);
      commits += 1;
      if (!released && chosen(changes, commits))
        await new Promise<void>((resolve) => waiting.push(resolve));
      return base.commit(changes, options);
    },
  };
  const hung = {
    async release() {
      released = true;
      for (const go of waiting) go();
      await settled();
    },
  };
  return { ...(await setUp(confirm, { store })), hung };
}

/** How a call ends. */
function endOf(call: Promise<{ readonly outcome: string }>): Promise<unknown> {
  return call.then(
    ({ outcome }) => outcome,
    (error) => error.code ?? error.status,
  );
}

/** That, if it has. */
function now(ended: Promise<unknown>): Promise<unknown> {
  return Promise.race([ended, settled().then(() => 'nothing yet')]);
}
