/** Two or more ways to do the same, measured in turns in one process. */

import { setTimeout as sleep } from 'node:timers/promises';
import type { Beside, Measured } from './figure.ts';
import { median } from './median.ts';

/** Does it once; what it returns is awaited. */
export type Call = (number: number) => unknown;

/** Who competes. */
export interface Contest {
  readonly subject: Call;
  readonly baseline: Call;
  /** Others to be shown beside the subject, by what they are. */
  readonly beside?: Readonly<Record<string, Call>>;
}

const rounds = 15;
/** CPU time of each contestant's turn in a round, in µs. */
const turn = 50_000;
const warmUps = 4;

interface Contestant {
  readonly call: Call;
  /** Calls that fill a turn. */
  calls: number;
}

/**
 * Measures user and system CPU time, which suffers less than wall time from whatever else runs on the
 * machine. Each round gives every contestant a turn, beginning with another one, and its own ratios:
 * the result is their medians.
 */
export async function contest({ subject, baseline, beside = {} }: Contest): Promise<Measured> {
  const names = Object.keys(beside);
  const contestants = [subject, baseline, baseline, ...Object.values(beside)].map(
    (call): Contestant => ({ call, calls: 1_000 }),
  );
  for (let warmUp = 0; warmUp < warmUps; warmUp += 1)
    for (const contestant of contestants)
      contestant.calls = Math.ceil(turn / (await costOf(contestant)));

  const costs: number[][] = [];
  for (let round = 0; round < rounds; round += 1) {
    const cost: number[] = [];
    for (let place = 0; place < contestants.length; place += 1) {
      const index = (round + place) % contestants.length;
      const contestant = contestants[index];
      if (contestant) cost[index] = await costOf(contestant);
    }
    costs.push(cost);
  }

  const middle = (of: (cost: readonly number[]) => number) => median(costs.map(of));
  const at = (cost: readonly number[], index: number) => cost[index] ?? Number.NaN;
  return {
    ratio: middle((cost) => at(cost, 0) / at(cost, 1)),
    value: middle((cost) => at(cost, 0)),
    baseline: middle((cost) => at(cost, 1)),
    noise: middle((cost) => at(cost, 2) / at(cost, 1)),
    beside: names.map(
      (what, index): Beside => ({
        what,
        ratio: middle((cost) => at(cost, index + 3) / at(cost, 1)),
      }),
    ),
  };
}

/** µs a call. What others left for the collector is not this one's cost. */
async function costOf({ call, calls }: Contestant): Promise<number> {
  await sleep(1);
  globalThis.gc?.({ type: 'minor' });
  const before = process.cpuUsage();
  for (let number = 0; number < calls; number += 1) await call(number);
  const { user, system } = process.cpuUsage(before);
  return (user + system) / calls;
}
