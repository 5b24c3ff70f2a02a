import { expect, test } from 'vitest';
import { type Report, reportOf } from './report.ts';
import { Tally } from './tally.ts';
import type { GroupVerdict } from './verdict.ts';

const answer = (status: number, stale = false) => ({ kind: 'answer', status, stale }) as const;
const queuedAnswer = { ...answer(202), outcome: 'queued' };
const opening = { breaker: 'graphiti', from: 'closed', to: 'open', reason: 'refused' };

function report({
  group = {},
  openings = 3,
  queued = 1,
  stale = 1,
}: {
  group?: Partial<GroupVerdict>;
  openings?: number;
  queued?: number;
  stale?: number;
}): Report {
  const tally = new Tally(() => 0);
  tally.begin('all');
  tally.read(answer(200));
  for (let count = 0; count < stale; count += 1) tally.read(answer(200, true));
  for (let count = 0; count < queued; count += 1)
    tally.wrote('g', `message ${count}`, queuedAnswer);
  for (let count = 0; count < openings; count += 1) tally.transition(opening);
  const verdict: GroupVerdict = {
    group: 'g',
    accepted: queued,
    stored: queued,
    queued,
    replayed: queued,
    lost: [],
    duplicates: [],
    outOfOrder: [],
    unanswered: [],
    ...group,
  };
  return reportOf({ tally, groups: [verdict], seconds: 45.1 });
}

test('sums up, in the order that is promised', () => {
  const numbers =
    '"requests":3,"live":1,"stale":1,"queued":1,"replayed":1,"failed":0,"lost":0,"duplicates":0,"outOfOrder":0,"transitions":3,"seconds":45.1';
  expect(JSON.stringify(report({}))).toBe(`{"ok":true,${numbers}}`);
});

test.each([
  ['a loss', { group: { lost: ['one'] } }],
  ['a duplicate', { group: { duplicates: ['one'] } }],
  ['an inversion', { group: { outOfOrder: ['one'] } }],
  ['a queued write that was not replayed', { group: { replayed: 0 } }],
  ['an outage that the breaker did not see', { openings: 2 }],
  ['outages in which nothing was queued', { queued: 0 }],
  ['outages in which nothing was stale', { stale: 0 }],
])('%s is not ok', (_what, wrong) => {
  expect(report(wrong).ok).toBe(false);
});

test('a message that was stored without an answer is the way of networks, and ok', () => {
  expect(report({ group: { unanswered: ['one'] } }).ok).toBe(true);
});
