import type { PublicStatus } from '@graphiti-fallback/http';
import { expect, test } from 'vitest';
import { Recent } from './recent.ts';

const columns = ['at', 'live', 'stale', 'kept', 'failed', 'waiting'];

/** The part of a status that is looked at. */
function status(at: number, live: number, waiting = 0): PublicStatus {
  const none = {
    cache: 0,
    stale: 0,
    entity: 0,
    applied: 0,
    accepted: 0,
    queued: 0,
    stored: 0,
    failure: 0,
  };
  return { at, operations: { ...none, live }, queue: { size: waiting } } as PublicStatus;
}

function recentOf(rows: readonly (readonly number[])[], since = 0): Recent {
  const recent = new Recent();
  const at = rows.at(-1)?.[0] ?? since;
  recent.replace({ at, since, transitions: [], columns, rows, everyMs: 3_000 });
  return recent;
}

test('a rate is what came between two counts, by the time between them', () => {
  const recent = recentOf([
    [0, 10, 0, 0, 0, 0],
    [3_000, 40, 0, 0, 0, 0],
    [9_000, 40, 12, 0, 0, 0],
  ]);
  expect(recent.rates('live').map(({ value }) => value)).toEqual([10, 0]);
  expect(recent.rates('stale').map(({ value }) => value)).toEqual([0, 2]);
});

test('a process that was started anew counts anew: nothing is less than nothing', () => {
  const recent = recentOf([
    [0, 500, 0, 0, 0, 0],
    [3_000, 6, 0, 0, 0, 0],
  ]);
  expect(recent.rates('live')).toEqual([{ at: 3_000, value: 0 }]);
});

test('what a status tells goes on where the server’s memory ends, as often', () => {
  const recent = recentOf([[0, 10, 0, 0, 0, 0]]);
  recent.note(status(1_000, 20), 1_100);
  recent.note(status(3_000, 40, 7), 3_200);
  expect(recent.rates('live')).toEqual([{ at: 3_000, value: 10 }]);
  expect(recent.waiting().at(-1)).toEqual({ at: 3_000, value: 7 });
});

test('while no status comes nothing has changed: the last one holds', () => {
  const recent = recentOf([[0, 10, 0, 0, 0, 0]]);
  recent.note(status(100, 10), 2_900);
  recent.note(status(100, 10), 4_000);
  expect(recent.rates('live')).toEqual([{ at: 4_000, value: 0 }]);
});

test('what is drawn is a minute at least, and a quarter of an hour at most', () => {
  const lengthOf = (now: number) => {
    const { from, to } = recentOf([], 0).span(now);
    return to - from;
  };
  expect([lengthOf(1_000), lengthOf(200_000), lengthOf(9_999_999)]).toEqual([
    60_000, 200_000, 900_000,
  ]);
});
