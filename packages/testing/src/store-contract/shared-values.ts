/** What an engine promises whose values instances share. */

import assert from 'node:assert/strict';
import type { Moment, SharedAnswer, SharedValues } from '@graphiti-fallback/core';
import { identity, type RegisterTest, testOf } from './store-contract.ts';

/** Creates one instance's part of an engine with nothing in it, for one test; then another's of the same. */
export type CreateSharedValues = () => SharedValues | Promise<SharedValues>;

type Case = (one: SharedValues, other: SharedValues) => Promise<void>;

const answerOf = (since: Moment, more: Partial<SharedAnswer> = {}): SharedAnswer => ({
  key: 'key',
  body: '"text"',
  entities: ['item:a', 'item:lone \ud800'],
  ageMs: 0,
  ttlMs: 60_000,
  staleMs: 60_000,
  since,
  ...more,
});

const lastOf = async (values: SharedValues) => (await values.news(undefined)).last;

async function bodyIn(values: SharedValues): Promise<string | undefined> {
  const found = await values.find('key');
  return found.kind === 'answer' ? found.answer.body : undefined;
}

const cases: Readonly<Record<string, Case>> = {
  'what one keeps another finds, with what it concerns and how long it lasts': async (
    one,
    other,
  ) => {
    const since = await lastOf(one);
    await one.keep([answerOf(since, { ageMs: 10_000 })]);
    const found = await other.find('key');
    assert(found.kind === 'answer');
    const { body, entities, ageMs, freshForMs, servableForMs } = found.answer;
    assert.equal(body, '"text"');
    assert.deepEqual(entities, ['item:a', 'item:lone \ud800']);
    assert(ageMs >= 10_000 && ageMs < 20_000);
    assert(freshForMs > 40_000 && freshForMs <= 50_000);
    assert(servableForMs > 100_000 && servableForMs <= 110_000);
    assert.deepEqual(await other.find('another key'), { kind: 'nothing' });
  },

  'an answer is stale when one of its entities changed after its read began': async (
    one,
    other,
  ) => {
    const since = await lastOf(one);
    await one.keep([answerOf(since)]);
    await other.change([{ kind: 'expire', entity: 'item:a' }]);
    const found = await one.find('key');
    assert(found.kind === 'answer' && found.answer.freshForMs <= 0);
    assert(found.answer.servableForMs > 0);
    await one.keep([answerOf(await lastOf(one))]);
    const again = await one.find('key');
    assert(again.kind === 'answer' && again.answer.freshForMs > 0);
  },

  'an answer is gone when one of its entities was removed, and a late one does not bring it back':
    async (one, other) => {
      const since = await lastOf(one);
      await one.keep([answerOf(since)]);
      await other.change([{ kind: 'remove', entity: 'item:lone \ud800' }]);
      assert.equal(await bodyIn(one), undefined);
      await one.keep([answerOf(since, { body: '"late"' })]);
      assert.equal(await bodyIn(other), undefined);
      await one.keep([answerOf(await lastOf(one), { body: '"new"' })]);
      assert.equal(await bodyIn(other), '"new"');
    },

  'an answer that was forgotten is told to be gone, and a late one does not bring it back': async (
    one,
    other,
  ) => {
    const since = await lastOf(one);
    await one.keep([answerOf(since)]);
    const { last } = await other.change([{ kind: 'forget', key: 'key' }]);
    assert.deepEqual(await one.find('key'), { kind: 'gone', at: last });
    await one.keep([answerOf(since)]);
    assert.deepEqual(await one.find('key'), { kind: 'gone', at: last });
    await one.keep([answerOf(last)]);
    assert.equal(await bodyIn(other), '"text"');
  },

  'all answers are gone when all were cleared, and everybody is told': async (one, other) => {
    const since = await lastOf(one);
    await one.keep([answerOf(since)]);
    const { last } = await other.change([{ kind: 'clear' }]);
    assert.equal(await bodyIn(one), undefined);
    await one.keep([answerOf(since)]);
    assert.equal(await bodyIn(one), undefined);
    assert.equal((await one.news(since)).lost.removed, last.at);
    assert.equal((await one.news(last)).lost.removed, undefined);
    await one.keep([answerOf(last)]);
    assert.equal(await bodyIn(other), '"text"');
  },

  'the answer of the read that began last stays': async (one, other) => {
    const before = await lastOf(one);
    await one.change([{ kind: 'expire', entity: 'item:other' }]);
    await one.keep([answerOf(await lastOf(one), { body: '"newer"' })]);
    await other.keep([answerOf(before, { body: '"older"' })]);
    assert.equal(await bodyIn(one), '"newer"');
  },

  'everybody hears what happened since a moment, and nothing twice': async (one, other) => {
    const since = await lastOf(one);
    await other.change([
      { kind: 'expire', entity: 'item:a' },
      { kind: 'remove', entity: 'item:b' },
      { kind: 'forget', key: 'key' },
    ]);
    const news = await one.news(since);
    assert.deepEqual(
      [news.expired, news.removed].map((all) => all.map(({ entity }) => entity)),
      [['item:a'], ['item:b']],
    );
    assert.deepEqual(
      news.forgotten.map(({ mark }) => mark),
      [one.markOf('key')],
    );
    assert.equal(one.markOf('key'), other.markOf('key'));
    assert.deepEqual(news.until, news.last);
    const nothing = await one.news(news.until);
    assert.deepEqual([nothing.expired, nothing.removed, nothing.forgotten], [[], [], []]);
  },

  'many happenings come in parts, all of them': async (one, other) => {
    const since = await lastOf(one);
    for (let from = 0; from < 2_500; from += 100)
      await other.change(
        Array.from({ length: 100 }, (_, index) => ({
          kind: 'expire' as const,
          entity: `item:${from + index}`,
        })),
      );
    const heard = new Set<string>();
    let news = await one.news(since);
    for (;;) {
      for (const { entity } of news.expired) heard.add(entity);
      if (!news.more) break;
      news = await one.news(news.until);
    }
    assert.equal(heard.size, 2_500);
  },

  'no answer outlasts its time': async (one) => {
    await one.keep([answerOf(await lastOf(one), { ttlMs: 20, staleMs: 20 })]);
    await new Promise((resolve) => setTimeout(resolve, 100));
    assert.deepEqual(await one.find('key'), { kind: 'nothing' });
  },
};

/**
 * Registers the tests that every engine has to pass whose values instances share.
 *
 * @throws {TypeError} under Vitest without globals when no `test` is given
 */
export function sharedValuesContract(
  name: string,
  create: CreateSharedValues,
  { test = testOf() }: { readonly test?: RegisterTest } = {},
): void {
  for (const [sentence, run] of Object.entries(cases))
    test(`${name}: ${sentence}`, async () => {
      const [one, other] = [await create(), await create()];
      try {
        await one.open(identity, () => {});
        await other.open(identity, () => {});
        await run(one, other);
      } finally {
        await one.close();
        await other.close();
      }
    });
}
