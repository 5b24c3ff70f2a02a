/** `redis.*`: a queue in Redis that syncs every write, against BullMQ on the same server. */

import { durable, type RedisServer, redisServer } from '../../backends/redis/server.ts';
import type { Measured } from '../figure.ts';
import { startServer } from '../http/server.ts';
import { median } from '../median.ts';
import {
  bullQueue,
  kitQueue,
  kitStore,
  type Note,
  type RedisQueue,
} from '../store/redis-queues.ts';

const rounds = 3;
const appendRounds = 7;
const turnMs = 500;
const drained = 2_000;
const lanes = 100;
const manyLanes = 1_000;
const deep = 100_000;
const text = 'x'.repeat(1_000);

export async function measure(name: string): Promise<Measured> {
  const server = await redisServer(durable);
  try {
    const [, what, producers = '64'] = name.split('.');
    if (what === 'append') return await append(server, Number(producers));
    if (what === 'drain') return await drain(server);
    return what === 'depth' ? await depth(server) : await memory(server);
  } finally {
    await server.close();
  }
}

async function append(server: RedisServer, producers: number): Promise<Measured> {
  const store = new Contestant(await kitStore(server), producers);
  const bull = new Contestant(await bullQueue(server), producers);
  const whole = new Contestant(await kitQueue(server), producers);
  try {
    for (const each of [store, bull, whole]) await each.rate();
    const found: { value: number; base: number; again: number; whole: number }[] = [];
    for (let round = 0; round < appendRounds; round += 1) {
      const base = await bull.rate();
      const value = await store.rate();
      const again = await bull.rate();
      found.push({ value, base, again, whole: await whole.rate() });
    }
    const ratio = median(found.map(({ whole: own, base, again }) => own / ((base + again) / 2)));
    return { ...against(found), beside: [{ what: 'through a write of a manager', ratio }] };
  } finally {
    for (const { queue } of [store, bull, whole]) await queue.close();
  }
}

/** A queue with its producers. */
class Contestant {
  readonly queue: Pick<RedisQueue, 'add' | 'close'>;
  readonly #producers: number;
  #lane = 0;

  constructor(queue: Pick<RedisQueue, 'add' | 'close'>, producers: number) {
    this.queue = queue;
    this.#producers = producers;
  }

  /** Acknowledged a second, of a turn. */
  async rate(): Promise<number> {
    const began = performance.now();
    let acknowledged = 0;
    const produce = async () => {
      while (performance.now() - began < turnMs) {
        this.#lane = (this.#lane + 1) % manyLanes;
        await this.queue.add({ lane: this.#lane, text });
        acknowledged += 1;
      }
    };
    await Promise.all(Array.from({ length: this.#producers }, produce));
    return acknowledged / ((performance.now() - began) / 1_000);
  }
}

async function drain(server: RedisServer): Promise<Measured> {
  const http = await startServer('graphiti');
  const send = async (note: Note) => {
    const response = await fetch(`${http.url}/healthcheck`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(note),
    });
    if (!response.ok) throw new Error(`The upstream answered ${response.status}`);
    await response.arrayBuffer();
  };
  const turn = async (make: typeof kitQueue) => {
    await server.command('FLUSHALL');
    const queue = await make(server);
    await fill(queue, drained);
    const began = performance.now();
    await queue.drain(drained, send);
    const took = performance.now() - began;
    await queue.close();
    return drained / (took / 1_000);
  };
  try {
    await turn(kitQueue);
    const found = [];
    for (let round = 0; round < rounds; round += 1) {
      const base = await turn(bullQueue);
      found.push({ value: await turn(kitQueue), base, again: await turn(bullQueue) });
    }
    return against(found);
  } finally {
    http.end();
  }
}

/** Appending with much queued, against an empty queue. */
async function depth(server: RedisServer): Promise<Measured> {
  const measured = async (queued: number) => {
    await server.command('FLUSHALL');
    const queue = await kitQueue(server);
    await fill(queue, queued);
    const contestant = new Contestant(queue, 64);
    await contestant.rate();
    const rates = [];
    for (let round = 0; round < rounds; round += 1) rates.push(await contestant.rate());
    await queue.close();
    return median(rates);
  };
  const base = await measured(0);
  const value = await measured(deep);
  return against([{ value, base, again: await measured(0) }]);
}

/** Kilobytes of Redis for an operation of one kilobyte. */
async function memory(server: RedisServer): Promise<Measured> {
  const used = async () =>
    Number(/used_memory:(\d+)/.exec(String(await server.command('INFO', 'memory')))?.[1]);
  const before = await used();
  const queue = await kitQueue(server);
  await fill(queue, 20_000);
  const value = ((await used()) - before) / 20_000 / 1_024;
  await queue.close();
  return { ratio: value, value, baseline: 1, noise: 1 };
}

async function fill(queue: RedisQueue, count: number): Promise<void> {
  let next = 0;
  const producer = async () => {
    while (next < count) {
      next += 1;
      await queue.add({ lane: next % lanes, text });
    }
  };
  await Promise.all(Array.from({ length: 256 }, producer));
}

function against(found: readonly { value: number; base: number; again: number }[]): Measured {
  return {
    ratio: median(found.map(({ value, base, again }) => value / ((base + again) / 2))),
    value: median(found.map(({ value }) => value)),
    baseline: median(found.map(({ base }) => base)),
    noise: median(found.map(({ base, again }) => again / base)),
  };
}
