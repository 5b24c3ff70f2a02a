import { expect, test } from 'vitest';
import { ReadsUnderWay } from './reads-under-way.ts';

const item = (id: string) => `item:${id}`;

test('what is not remembered one by one any more is not trusted', () => {
  const underWay = new ReadsUnderWay();
  const hung = underWay.begin();
  underWay.removed(item('first'));
  const reader = underWay.begin();
  for (let id = 0; id < 20_000; id += 1) underWay.removed(item(`${id}`));
  expect(underWay.worth(hung, 'key', ['item:other'])).toBe('nothing');
  expect(underWay.worth(reader, 'key', ['item:other'])).toBe('nothing');
  expect(underWay.worth(underWay.begin(), 'key', ['item:1'])).toBe('fresh');
});

test('what happened while nobody read concerns nobody', () => {
  const underWay = new ReadsUnderWay();
  underWay.begin();
  underWay.end();
  underWay.expired(item('a'));
  underWay.settled('key');
  expect(underWay.worth(underWay.begin(), 'key', ['item:a'])).toBe('fresh');
});

test('what was known when a read began it need not fear when it is heard here; what is new it must', () => {
  const underWay = new ReadsUnderWay();
  const reader = underWay.begin();
  const at = (moment: number) => ({ era: 'one', at: moment });
  underWay.removed(item('a'), at(5));
  underWay.expired(item('b'), at(5));
  const worth = (entity: string, since?: { era: string; at: number }) =>
    underWay.worth(reader, 'key', [entity], since);
  expect([worth(item('a'), at(5)), worth(item('b'), at(6))]).toEqual(['fresh', 'fresh']);
  expect([worth(item('a'), at(4)), worth(item('b'), at(4))]).toEqual(['nothing', 'stale']);
  expect([worth(item('a')), worth(item('a'), { era: 'two', at: 9 })]).toEqual([
    'nothing',
    'nothing',
  ]);
  underWay.removed(item('a'));
  expect(worth(item('a'), at(9))).toBe('nothing');
  underWay.cleared(at(8));
  expect([worth(item('c'), at(7)), worth(item('c'), at(8))]).toEqual(['nothing', 'fresh']);
  underWay.cleared();
  expect(worth(item('c'), at(9))).toBe('nothing');
});
