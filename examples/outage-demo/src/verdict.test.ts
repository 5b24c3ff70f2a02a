import { expect, test } from 'vitest';
import { type Evidence, type GroupVerdict, verdictOf } from './verdict.ts';

const five = ['one', 'two', 'three', 'four', 'five'];

function verdict({
  accepted = five,
  queued = [],
  uncertain = [],
  stored = five,
  arrived = stored,
}: {
  accepted?: string[];
  queued?: string[];
  uncertain?: string[];
  stored?: string[];
  arrived?: string[];
}): GroupVerdict | undefined {
  const evidence: Evidence = {
    accepted: accepted.map((content) => ({
      group: 'g',
      content,
      queued: queued.includes(content),
    })),
    uncertain,
    upstream: { arrived: new Map([['g', arrived]]), stored: new Map([['g', stored]]) },
  };
  return verdictOf(evidence)[0];
}

const nothingWrong = { lost: [], duplicates: [], outOfOrder: [], unanswered: [] };

test('all is well when the upstream has what was accepted, in that order', () => {
  expect(verdict({})).toMatchObject({ accepted: 5, stored: 5, ...nothingWrong });
});

test('an accepted message that is not stored is lost, and only that', () => {
  const stored = ['one', 'two', 'four', 'five'];
  expect(verdict({ stored })).toMatchObject({ ...nothingWrong, lost: ['three'] });
});

test('the last message can be lost too', () => {
  expect(verdict({ stored: five.slice(0, 4) })).toMatchObject({ lost: ['five'] });
});

test('what the upstream took and never stored is lost', () => {
  expect(verdict({ stored: five.slice(1), arrived: five })).toMatchObject({ lost: ['one'] });
});

test('each stored copy too many is a duplicate, and no disorder', () => {
  const stored = ['one', 'two', 'two', 'three', 'four', 'five', 'two'];
  expect(verdict({ stored })).toMatchObject({ ...nothingWrong, duplicates: ['two', 'two'] });
});

test('a message that is stored and was never accepted is a duplicate of nothing', () => {
  expect(verdict({ stored: [...five, 'six'] })).toMatchObject({ duplicates: ['six'] });
});

test('a copy that a lost answer explains is reported apart', () => {
  const stored = ['one', 'two', 'two', 'three', 'four', 'five'];
  const explained = { ...nothingWrong, unanswered: ['two'] };
  expect(verdict({ stored, uncertain: ['two'] })).toMatchObject(explained);
});

test('a lost answer explains one copy and no more', () => {
  const stored = [...five, 'two', 'two'];
  expect(verdict({ stored, uncertain: ['two'] })).toMatchObject({
    duplicates: ['two'],
    unanswered: ['two'],
  });
});

test('a message that was stored without an answer and never accepted is reported apart', () => {
  const stored = [...five, 'six'];
  expect(verdict({ stored, uncertain: ['six'] })).toMatchObject({
    ...nothingWrong,
    unanswered: ['six'],
  });
});

test('a message behind one that was accepted later is out of order', () => {
  const stored = ['one', 'three', 'two', 'four', 'five'];
  expect(verdict({ stored })).toMatchObject({ ...nothingWrong, outOfOrder: ['two'] });
});

test('every message that came late counts', () => {
  const stored = ['five', 'one', 'two', 'three', 'four'];
  expect(verdict({ stored })).toMatchObject({ outOfOrder: ['one', 'two', 'three', 'four'] });
});

test('the order of arrival counts even where the upstream sorts what it stores', () => {
  const arrived = ['one', 'two', 'four', 'three', 'five'];
  expect(verdict({ arrived })).toMatchObject({ outOfOrder: ['three'] });
});

test('of the queued messages those that are stored were replayed', () => {
  const queued = ['two', 'three', 'four'];
  const stored = ['one', 'two', 'three', 'five'];
  expect(verdict({ queued, stored })).toMatchObject({ queued: 3, replayed: 2, lost: ['four'] });
});

test('groups are judged apart', () => {
  const accepted = ['a', 'b'].map((group) => ({ group, content: `${group} one`, queued: false }));
  const both = new Map([
    ['a', ['a one']],
    ['b', []],
  ]);
  const groups = verdictOf({ accepted, uncertain: [], upstream: { arrived: both, stored: both } });
  expect(groups.map(({ group, lost }) => [group, lost])).toEqual([
    ['a', []],
    ['b', ['b one']],
  ]);
});

test('a group that the upstream does not know has lost everything', () => {
  const none = new Map<string, string[]>();
  const accepted = [{ group: 'a', content: 'one', queued: true }];
  const upstream = { arrived: none, stored: none };
  expect(verdictOf({ accepted, uncertain: [], upstream })).toMatchObject([{ lost: ['one'] }]);
});
