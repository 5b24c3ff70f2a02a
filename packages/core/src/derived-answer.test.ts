import { expect, test } from 'vitest';
import { HttpError, testManager } from './upstream.test.support.ts';

/** A list of names by topic, of which parts can be read, and single names. */
function topics() {
  const { manager, clock } = testManager();
  let down = false;
  let calls = 0;
  const up = <T>(answer: T): T => {
    calls += 1;
    if (down) throw new HttpError(503);
    return answer;
  };
  const names = ['ann', 'bob', 'cy'];
  const list = manager.read('topic.list', {
    run: ({ most }: { topic: string; most: number }) => up(names.slice(0, most)),
    entities: ({ topic }) => [{ type: 'topic', id: topic }],
    derived: {
      from: ({ topic }) => ({ type: 'topic', id: topic }),
      make: ({ operation, asked, value }, { most }) => {
        const wide = operation === 'topic.list' && (asked as { most: number }).most >= most;
        return wide ? (value as string[]).slice(0, most) : undefined;
      },
    },
  });
  return { manager, clock, list, fail: () => (down = true), calls: () => calls };
}

test('a shorter list is made of a longer one, only when the upstream gives none', async () => {
  const { list, fail, calls } = topics();
  await list({ topic: 't', most: 3 });
  expect(await list.detailed({ topic: 't', most: 2 })).toMatchObject({ outcome: 'live' });
  expect(calls()).toBe(2);
  fail();
  expect(await list.detailed({ topic: 't', most: 1 })).toMatchObject({
    outcome: 'stale',
    value: ['ann'],
  });
  await expect(list({ topic: 't', most: 4 })).rejects.toMatchObject({
    code: 'FALLBACK_UNAVAILABLE',
  });
  await expect(list({ topic: 'u', most: 1 })).rejects.toMatchObject({
    code: 'FALLBACK_UNAVAILABLE',
  });
});

test('the newest answer serves, be it made or not; what is made is as old as what it is made of', async () => {
  const { list, clock, fail } = topics();
  await list({ topic: 't', most: 1 });
  await clock.advance(1_000);
  await list({ topic: 't', most: 3 });
  await clock.advance(500);
  fail();
  expect(await list.detailed({ topic: 't', most: 1 })).toMatchObject({
    outcome: 'stale',
    ageMs: 500,
  });
  await expect(list({ topic: 't', most: 2 }, { maxStaleMs: 400 })).rejects.toMatchObject({
    code: 'FALLBACK_UNAVAILABLE',
  });
});

test('nothing is made of an answer to other headers, nor of one that is gone', async () => {
  const { manager, list, fail } = topics();
  const ann = { headers: { authorization: 'ann' } };
  await list({ topic: 't', most: 3 }, ann);
  fail();
  await expect(list({ topic: 't', most: 1 })).rejects.toMatchObject({
    code: 'FALLBACK_UNAVAILABLE',
  });
  expect(await list({ topic: 't', most: 1 }, ann)).toEqual(['ann']);
  manager.cache.remove({ type: 'topic', id: 't' });
  await expect(list({ topic: 't', most: 1 }, ann)).rejects.toMatchObject({
    code: 'FALLBACK_UNAVAILABLE',
  });
});

test('a `derived` that throws is warned of once, and costs no more than its answer', async () => {
  const { manager, list } = topics();
  const warnings: string[] = [];
  manager.on('warning', ({ message }) => warnings.push(message));
  await list({ topic: 't', most: 3 });
  const odd = manager.read('odd', {
    run: (_id: string) => Promise.reject(new HttpError(503)),
    derived: {
      from: () => ({ type: 'topic', id: 't' }),
      make: () => {
        throw new Error('no');
      },
    },
  });
  for (const id of ['a', 'b'])
    await expect(odd(id)).rejects.toMatchObject({ code: 'FALLBACK_UNAVAILABLE' });
  expect(warnings).toEqual(["`derived` of 'odd' threw: Error: no"]);
  expect(() => manager.read('wrong', { run: () => 1, derived: {} as never })).toThrow(
    'Expected `derived`',
  );
});
