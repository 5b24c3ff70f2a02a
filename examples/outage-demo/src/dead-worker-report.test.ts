import { expect, test } from 'vitest';
import {
  type DeadWorkerReport,
  deadWorkerReportOf,
  deadWorkerVerdict,
} from './dead-worker-report.ts';
import { Tally } from './tally.ts';
import type { GroupVerdict } from './verdict.ts';

const stall = { reported: true, afterSeconds: 6.2, unconfirmed: 3, healthcheck: 'healthy' };
const worker = { stall, resent: 4, finalState: 'live' };

function report({
  group = {},
  seen = {},
  status = 202,
}: {
  group?: Partial<GroupVerdict>;
  seen?: Partial<typeof worker> | { readonly stall: undefined };
  status?: number;
}): DeadWorkerReport {
  const tally = new Tally(() => 0);
  tally.begin('all');
  tally.wrote('g', 'one', { kind: 'answer', status, stale: false, outcome: 'accepted' });
  const verdict: GroupVerdict = {
    group: 'g',
    accepted: 1,
    stored: 1,
    queued: 0,
    replayed: 0,
    lost: [],
    duplicates: [],
    outOfOrder: [],
    unanswered: [],
    ...group,
  };
  return deadWorkerReportOf({ tally, groups: [verdict], seconds: 22 }, { ...worker, ...seen });
}

const plain = (_color: string, text: string) => text;

test('a dead worker that was found out, and every message stored once, is ok', () => {
  expect(report({})).toMatchObject({
    ok: true,
    state: 'ingest_stalled',
    unconfirmed: 3,
    lost: 0,
    duplicates: 0,
  });
  expect(deadWorkerVerdict(report({}), plain)).toContain('found out after 6.2 s');
});

test('one that stands behind a later one is ok: a resend leaves the order', () => {
  expect(report({ group: { outOfOrder: ['one'] } })).toMatchObject({ ok: true, outOfOrder: 1 });
});

test.each([
  ['a loss', { group: { lost: ['one'] } }, '1 messages are lost'],
  ['a duplicate', { group: { duplicates: ['one'] } }, 'more than once'],
  ['one that was not found out', { seen: { stall: undefined } }, 'was not found out'],
  [
    'nothing unconfirmed',
    { seen: { stall: { ...stall, unconfirmed: 0 } } },
    'nothing was reported',
  ],
  [
    'a red healthcheck',
    { seen: { stall: { ...stall, healthcheck: 'dead' } } },
    'said of itself: dead',
  ],
  ['nothing sent again', { seen: { resent: 0 } }, 'nothing was sent again'],
  ['a stall that lasts', { seen: { finalState: 'ingest_stalled' } }, 'in the end Graphiti is'],
  ['a failed request', { status: 503 }, '1 requests failed'],
])('%s is not ok', (_what, wrong, words) => {
  expect(report(wrong).ok).toBe(false);
  expect(deadWorkerVerdict(report(wrong), plain)).toContain(words);
});
