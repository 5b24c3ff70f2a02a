/** A queue that was filled in an outage is replayed to an upstream that bounds its requests. */

import { setTimeout as pause } from 'node:timers/promises';
import { FallbackManager } from '@graphiti-fallback/core';
import { busiestSecond, type Delivery, throttledUpstream } from './throttled-upstream.ts';

/** How to drain. */
export interface ThrottledDrainOptions {
  readonly operations: number;
  /** Requests a second that the upstream takes. */
  readonly limit: number;
  /** Told every second how many were delivered. */
  readonly onProgress?: (delivered: number) => void;
  /** Ends it early. */
  readonly signal?: AbortSignal;
}

/** How it went, by the upstream's own records. */
export interface ThrottledDrainReport {
  readonly ok: boolean;
  readonly operations: number;
  readonly delivered: number;
  readonly lost: number;
  readonly duplicates: number;
  readonly outOfOrder: number;
  readonly deadLettered: number;
  /** Requests that the upstream turned away. */
  readonly throttled: number;
  readonly limit: number;
  /** The most requests in any second after the ramp's first three, those turned away included. */
  readonly busiestSecond: number;
  readonly seconds: number;
}

const lanes = 100;
/** The ramp may look for the limit so long, in ms. */
const rampUp = 3_000;
/** The upstream may never see more than this share of its limit in a second. */
const tolerated = 1.5;

/** Queues so many writes, and replays them. */
export async function throttledDrain(
  options: ThrottledDrainOptions,
): Promise<ThrottledDrainReport> {
  const { operations, limit, onProgress, signal } = options;
  await using upstream = await throttledUpstream(limit);
  await using manager = new FallbackManager({
    name: 'throttled-drain',
    application: 'test',
    upstream: upstream.url,
    logger: false,
  });
  const deliver = manager.write('deliver', {
    entity: ({ lane }: Delivery) => ({ type: 'lane', id: lane }),
    idempotent: true,
    run: async (delivery, { signal }) => {
      const response = await fetch(upstream.url, {
        method: 'POST',
        body: JSON.stringify(delivery),
        signal,
      });
      await response.arrayBuffer();
      if (!response.ok) throw response;
    },
  });

  await manager.activate('queue_writes', 'the outage');
  const all = Array.from({ length: operations }, (_, number) => {
    return { lane: `lane-${number % lanes}`, number };
  });
  await deliver.all(all);
  const started = performance.now();
  await manager.deactivate();
  while (manager.status().queue.size > 0 && !signal?.aborted) {
    await pause(1_000, undefined, { ...(signal && { signal }) }).catch(() => {});
    onProgress?.(upstream.deliveries.length);
  }
  const seconds = Math.round((performance.now() - started) / 100) / 10;
  const [first = 0] = upstream.arrivals;
  const figures = {
    ...compared(all, upstream.deliveries),
    deadLettered: manager.status().queue.states.dead,
    busiestSecond: busiestSecond(upstream.arrivals, first + rampUp),
  };
  const { lost, duplicates, outOfOrder, deadLettered } = figures;
  return {
    ok:
      lost + duplicates + outOfOrder + deadLettered === 0 &&
      figures.busiestSecond <= tolerated * limit,
    operations,
    ...figures,
    throttled: upstream.throttled,
    limit,
    seconds,
  };
}

function compared(all: readonly Delivery[], deliveries: readonly Delivery[]) {
  const delivered = new Set(deliveries.map(({ number }) => number));
  const newest = new Map<string, number>();
  let outOfOrder = 0;
  for (const { lane, number } of deliveries) {
    if (number < (newest.get(lane) ?? -1)) outOfOrder += 1;
    newest.set(lane, number);
  }
  return {
    delivered: delivered.size,
    lost: all.length - delivered.size,
    duplicates: deliveries.length - delivered.size,
    outOfOrder,
  };
}
