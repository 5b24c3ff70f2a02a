/** What happens to the shop, step by step; each lasts until Prometheus has seen what it is about. */

import { setTimeout as pause } from 'node:timers/promises';
import type { PrometheusApi } from './query.ts';
import type { Shop } from './shop/shop.ts';

/** How long a step may take until Prometheus has seen it, in ms: the machine may be busy. */
const seenWithin = 60_000;
/** How long something has to last to be there in rates, in ms: some scrapes. */
const aWhile = 4_000;

/** From when to when it was played, in ms since the epoch. */
export interface Played {
  readonly from: number;
  readonly to: number;
}

/** Plays it. `jobs` are what Prometheus calls the shop. */
export async function playOutage(
  shop: Shop,
  api: PrometheusApi,
  jobs: readonly string[],
): Promise<Played> {
  const from = Date.now();
  const of = `job="${jobs[0]}"`;
  const info = `graphiti_fallback_info{job=~"${jobs.join('|')}"}`;
  const holds = async (query: string) => {
    const deadline = performance.now() + seenWithin;
    while ((await api.now(query)).series.length === 0) {
      if (performance.now() > deadline) throw new Error(`Prometheus never saw ${query}`);
      await pause(200);
    }
  };
  /** Prometheus has what was measured from now on for a while, of each job. */
  const lasts = () => holds(`min(timestamp(${info})) > ${(Date.now() + aWhile) / 1_000}`);
  const depth = (state: string) =>
    `sum(graphiti_fallback_queue_depth{${of}, graphiti_fallback_queue_state=~"${state}"})`;

  // Of each: what happens before a counter's first sample is in no increase.
  await holds(`count(${info} == 1) == ${jobs.length}`);
  await shop.tell('notes');
  // Twice: a histogram has no zeros before what is measured first, so that is in no increase.
  for (const lost of [1, 2]) {
    await shop.tell('messages');
    await holds(`${depth('unconfirmed')} == ${lost}`);
    await lasts();
  }

  shop.upstream.turn('down');
  await holds(`max(graphiti_fallback_active{${of}}) == 1`);
  await shop.tell('trouble');
  await holds(`${depth('ready')} > 30`);
  await lasts();

  shop.upstream.turn('well');
  await holds(`max(graphiti_fallback_active{${of}}) == 0`);
  await holds(`${depth('ready|in_flight')} == 0`);
  for (const state of ['dead', 'blocked', 'parked', 'unhandled'])
    await holds(`${depth(state)} > 0`);

  shop.upstream.turn('degraded');
  await holds(`sum(graphiti_fallback_shed_total{${of}}) > 0`);
  await lasts();

  shop.upstream.turn('well');
  await shop.tell('isolate');
  await holds(`${depth('local')} > 0`);
  await lasts();
  await shop.tell('restore');
  await lasts();
  return { from, to: Date.now() };
}
