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
