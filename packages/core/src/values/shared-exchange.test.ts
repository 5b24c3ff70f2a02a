import { setTimeout as pause } from 'node:timers/promises';
import { afterEach, expect, test } from 'vitest';
import type { Journal } from '../journal.ts';
import { FallbackManager } from '../manager.ts';
import { memoryJournal } from '../memory-journal.ts';
import { SharedQueueUnavailable } from '../queue/shared-queue.ts';
import type { Changed, Found, Moment, News, SharedValues } from './shared-values.ts';

const managers: FallbackManager[] = [];
afterEach(async () => {
  await Promise.all(managers.splice(0).map((manager) => manager.close()));
});

/** What others know, as a test says. */
class Others implements SharedValues {
  available = true;
  last: Moment = { era: 'one', at: 1 };
  /** Told one after another, then nothing more. */
  readonly next: Partial<News>[] = [];
  readonly kept: string[] = [];
  found: () => Promise<Found> = async () => ({ kind: 'nothing' });
  async open(): Promise<void> {}
  markOf(key: string): string {
    return `mark of ${key}`;
  }
  async news(): Promise<News> {
    const { last } = this;
    const nothing = { removed: [], expired: [], forgotten: [], lost: {} };
    return { until: last, last, more: false, ...nothing, ...this.next.shift() };
  }
  find(): Promise<Found> {
    return this.found();
  }
  async keep(): Promise<void> {}
  async change(changes: readonly unknown[]): Promise<Changed> {
    this.last = { ...this.last, at: this.last.at + changes.length };
    return { last: this.last, at: changes.map(() => this.last.at) };
  }
  onBack(): () => void {
    return () => {};
  }
  async close(): Promise<void> {}
}

const entity = (id: string) => ({ type: 'item', id });

function instance(others: Others, journal: Journal = memoryJournal()) {
  const store: Journal = { ...journal, values: others };
  const options = { logger: false, health: { interval: 0 }, store } as const;
  const manager = new FallbackManager({ name: 'm', application: 'a', ...options });
  managers.push(manager);
  const get = manager.read('get', {
    run: async (id: string) => `${id}, live`,
    entities: (id) => [entity(id)],
  });
  const remove = manager.write('remove', {
    run: async (_id: string) => 'removed',
    entity,
    effect: 'delete',
    idempotent: true,
  });
  return { manager, get, remove };
}

function answerFrom(since: Moment): Found {
  const times = { ageMs: 0, freshForMs: 1_000, servableForMs: 60_000 };
  const answer = { body: '"x, of others"', entities: ['item:x'], since, ...times };
  return { kind: 'answer', answer };
}

test('what is removed here while others are asked is not brought back by what they have', async () => {
  const others = new Others();
  const { manager, get } = instance(others);
  await manager.activate();
  others.found = async () => {
    manager.cache.remove(entity('x'));
    return answerFrom({ era: 'one', at: 1 });
  };
  await expect(get('x')).rejects.toMatchObject({ code: 'FALLBACK_UNAVAILABLE' });
});

test('who asks after a removal does not hear what others knew before', async () => {
  const others = new Others();
  const { manager, get } = instance(others);
  await manager.activate();
  let answer = (_found: Found) => {};
  others.found = () =>
    new Promise((resolve) => {
      answer = resolve;
    });
  const first = get('x').catch(() => 'nothing');
  await pause(5);
  const before = answer;
  manager.cache.remove(entity('x'));
  const second = get('x').catch(() => 'nothing');
  await pause(5);
  before(answerFrom({ era: 'one', at: 1 }));
  answer({ kind: 'nothing' });
  expect(await Promise.all([first, second])).toEqual(['nothing', 'nothing']);
});

test.each([
  ['before', 1, undefined],
  ['after', 5, 'x, of others'],
])(
  'an answer whose read began %s a removal that is heard meanwhile is worth that',
  async (_when, at, worth) => {
    const others = new Others();
    const { manager, get } = instance(others);
    await manager.activate();
    const removed = [{ entity: 'item:x', at: 5 }];
    others.last = { era: 'one', at: 5 };
    others.next.push({ until: { era: 'one', at: 2 }, more: true }, { removed });
    others.found = async () => answerFrom({ era: 'one', at });
    expect(await get('x').catch(() => undefined)).toBe(worth);
    others.found = async () => ({ kind: 'nothing' });
    expect(await manager.cache.get('get', 'x')).toBe(worth);
  },
);

test('what this instance has told itself is no news that takes away what it has read since', async () => {
  const others = new Others();
  const { manager, get, remove } = instance(others);
  await manager.open();
  await remove('x');
  await pause(10);
  others.next.push({ removed: [{ entity: 'item:x', at: others.last.at }] });
  const read = manager.read('slow', {
    run: async (id: string) => {
      await pause(1_200); // the news come meanwhile
      return id;
    },
    entities: (id) => [entity(id)],
  });
  await read('x');
  expect(others.next).toEqual([]);
  expect(await manager.cache.get('slow', 'x')).toBe('x');
  expect(await get('x')).toBe('x, live');
});

test('a receipt of what others cannot be told is given when that outlasts the process', async () => {
  const journal = memoryJournal();
  const others = new Others();
  const notes: string[] = [];
  const { manager, remove } = instance(others, {
    ...journal,
    async commit(changes, options) {
      if (!options?.lazy) await pause(20);
      for (const { bucket, key } of changes)
        if (bucket === 'cache' && !options?.lazy) notes.push(key);
      return journal.commit(changes, options);
    },
  });
  await manager.open();
  await remove('while they are there');
  expect(notes).toEqual([]);
  others.available = false;
  expect(await remove('x')).toMatchObject({ outcome: 'applied' });
  expect(notes).toEqual(['\u0000untold remove item:x']);
  others.available = true;
  let end = () => {};
  others.change = () =>
    new Promise((_resolve, reject) => {
      end = () => reject(new SharedQueueUnavailable('hung', true));
    });
  await remove('y');
  await pause(100);
  await remove('z');
  expect(notes.slice(1)).toEqual(['\u0000untold remove item:y', '\u0000untold remove item:z']);
  others.available = false;
  end();
});

test('a store that hangs does not hold who writes while others cannot be told', async () => {
  const journal = memoryJournal();
  const others = new Others();
  const { manager, remove } = instance(others, {
    ...journal,
    commit: (changes, options) =>
      changes.some(({ bucket }) => bucket === 'cache') && !options?.lazy
        ? new Promise(() => {})
        : journal.commit(changes, options),
  });
  await manager.open();
  others.available = false;
  expect(await remove('x')).toMatchObject({ outcome: 'applied' });
});

test.each([
  ['stays where no other era is known', [], 'y, live'],
  ['is gone where others have lost what they knew since', ['x'], undefined],
])('at the start what was read without others %s', async (_what, readBefore, worth) => {
  const journal = memoryJournal();
  const closed = () => Promise.all(managers.splice(0).map((manager) => manager.close()));
  const first = instance(new Others(), journal);
  for (const id of readBefore) await first.get(id);
  await closed();
  await instance(Object.assign(new Others(), { available: false }), journal).get('y');
  await closed();
  const again = instance(Object.assign(new Others(), { last: { era: 'two', at: 1 } }), journal);
  expect(await again.manager.cache.get('get', 'y')).toBe(worth);
});
