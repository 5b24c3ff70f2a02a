import { expect, test } from 'vitest';
import { manualClock } from '../manual-clock.test.support.ts';
import { Offers } from './offers.ts';

const since = { era: 'e', at: 1 };

function kit() {
  const clock = manualClock();
  const offers = new Offers(clock);
  const answer = (value: unknown, more = {}) => {
    const now = clock.now();
    const times = { storedAt: now, freshUntil: now + 1_000, staleUntil: now + 5_000 };
    return { value, entities: ['item:a'], since, ...times, ...more };
  };
  const taken = () => [...offers.take()].flat().map(({ key, body }) => `${key} ${body}`);
  return { clock, offers, answer, taken };
}

test('of several answers of one key the last is handed on, with what is left of its time', async () => {
  const { clock, offers, answer } = kit();
  offers.add('a', answer(1), false);
  offers.add('a', answer(2), false);
  await clock.advance(100);
  expect([...offers.take()]).toEqual([
    [
      {
        key: 'a',
        body: '2',
        entities: ['item:a'],
        ageMs: 100,
        ttlMs: 1_000,
        staleMs: 4_000,
        since,
      },
    ],
  ]);
  expect(offers.size).toBe(0);
});

test('an answer that is what it was is handed on again after a while only', async () => {
  const { clock, offers, answer, taken } = kit();
  offers.add('a', answer(1), false);
  expect(taken()).toEqual(['a 1']);
  await clock.advance(9_000);
  offers.add('a', answer(1), true);
  expect(taken()).toEqual([]);
  offers.add('a', answer(2), false);
  expect(taken()).toEqual(['a 2']);
  await clock.advance(10_000);
  offers.add('a', answer(2), true);
  expect(taken()).toEqual(['a 2']);
});

test('an answer of which it is not known what its read knew is not handed on', () => {
  const { offers, answer, taken } = kit();
  offers.add('a', answer(1, { since: undefined }), false);
  expect(taken()).toEqual([]);
});

test('many go in parts', () => {
  const { offers, answer } = kit();
  for (let key = 0; key < 100; key += 1) offers.add(`${key}`, answer(key), false);
  expect([...offers.take()].map((part) => part.length)).toEqual([64, 36]);
});

test('large ones go in smaller parts, and one that is larger than a part goes alone', () => {
  const { offers, answer } = kit();
  for (const [key, size] of [400_000, 400_000, 400_000, 3_000_000, 10].entries())
    offers.add(`${key}`, answer('x'.repeat(size)), false);
  expect([...offers.take()].map((part) => part.length)).toEqual([2, 1, 1, 1]);
});
