/** The demo's result in numbers. */

import type { DemoResult } from './demo.ts';
import type { GroupVerdict } from './verdict.ts';

/** What `--json` prints. */
export interface Report {
  readonly ok: boolean;
  /** Requests that got an answer. */
  readonly requests: number;
  readonly live: number;
  readonly stale: number;
  /** Writes with a queued receipt. */
  readonly queued: number;
  /** Of those, how many are upstream. */
  readonly replayed: number;
  /** Answers of 500 and above. */
  readonly failed: number;
  readonly lost: number;
  readonly duplicates: number;
  readonly outOfOrder: number;
  /** How often a breaker opened. */
  readonly transitions: number;
  readonly seconds: number;
}

/** Outages of the script: the breaker has to open at least that often. */
const outages = 3;

/** Sums a result up; it is ok when every promise was kept and the outages were real. */
export function reportOf({ tally, groups, seconds }: DemoResult): Report {
  const numbers = {
    requests: tally.total('requests'),
    live: tally.total('live'),
    stale: tally.total('stale'),
    queued: tally.total('queued'),
    replayed: sum(groups, ({ replayed }) => replayed),
    failed: tally.total('failed'),
    lost: sum(groups, ({ lost }) => lost.length),
    duplicates: sum(groups, ({ duplicates }) => duplicates.length),
    outOfOrder: sum(groups, ({ outOfOrder }) => outOfOrder.length),
    transitions: tally.opened,
    seconds,
  };
  const { queued, replayed, stale, lost, duplicates, outOfOrder, transitions } = numbers;
  const kept = lost + duplicates + outOfOrder === 0 && replayed === queued;
  const real = queued > 0 && stale > 0 && transitions >= outages;
  return { ok: kept && real, ...numbers };
}

function sum(groups: readonly GroupVerdict[], count: (group: GroupVerdict) => number): number {
  return groups.reduce((total, group) => total + count(group), 0);
}
