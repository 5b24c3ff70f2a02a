/** `queue.*`: acknowledged writes a second by several producers, and how that grows with what is queued. */

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Measured } from '../figure.ts';
import { median } from '../median.ts';
import { kitQueue, plainLowdb, type Queue, sqlite } from '../store/queues.ts';

const rounds = 7;
const turnMs = 300;
const held = 1_000;

export async function measure(name: string): Promise<Measured> {
  const [, peer = '', count = '1'] = name.split('.');
  const producers = Number(count);
  const folder = await mkdtemp(join(tmpdir(), 'graphiti-fallback-bench-'));
  const kits = await Promise.all(
    [held, 0, 10_000, 100_000].map((entries) => kitQueue(join(folder, `kit-${entries}`), entries)),
  );
  const peers =
    peer === 'lowdb'
      ? [await plainLowdb(folder, held)]
      : [await sqlite(folder, held, producers > 1)];
  const [kit, ...grown] = kits.map((queue) => new Contestant(queue, producers));
  const [baseline] = peers.map((queue) => new Contestant(queue, producers));
  try {
    if (!kit || !baseline) throw new Error('Nobody competes');
    return await compare(kit, baseline, grown);
  } finally {
    for (const queue of [...kits, ...peers]) await queue.close();
    await rm(folder, { recursive: true, force: true });
  }
}

async function compare(
  kit: Contestant,
  baseline: Contestant,
  grown: readonly Contestant[],
): Promise<Measured> {
  const all = [kit, baseline, baseline, ...grown];
  for (const each of new Set(all)) await each.rate();
  const rates: number[][] = [];
  for (let round = 0; round < rounds; round += 1) {
    const rate: number[] = [];
    for (let place = 0; place < all.length; place += 1) {
      const index = (round + place) % all.length;
      rate[index] = (await all[index]?.rate()) ?? Number.NaN;
    }
    rates.push(rate);
  }
  const middle = (of: (rate: readonly number[]) => number) => median(rates.map(of));
  const at = (rate: readonly number[], index: number) => rate[index] ?? Number.NaN;
  return {
    ratio: middle((rate) => at(rate, 0) / at(rate, 1)),
    value: middle((rate) => at(rate, 0)),
    baseline: middle((rate) => at(rate, 1)),
    noise: middle((rate) => at(rate, 2) / at(rate, 1)),
    beside: ['0', '10,000', '100,000'].map((entries, index) => ({
      what: `with ${entries} queued`,
      ratio: middle((rate) => at(rate, 3 + index) / at(rate, 1)),
    })),
  };
}

/** A queue with its producers. */
class Contestant {
  readonly #queue: Queue;
  readonly #producers: number;
  #number = 0;

  constructor(queue: Queue, producers: number) {
    this.#queue = queue;
    this.#producers = producers;
  }

  /** Acknowledged writes a second, of a turn. */
  async rate(): Promise<number> {
    const began = performance.now();
    let acknowledged = 0;
    const produce = async () => {
      while (performance.now() - began < turnMs) {
        await this.#queue.keep(this.#number++);
        acknowledged += 1;
      }
    };
    await Promise.all(Array.from({ length: this.#producers }, produce));
    return acknowledged / ((performance.now() - began) / 1_000);
  }
}
