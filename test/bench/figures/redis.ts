/** `redis.*`: a queue in Redis that syncs every write, against BullMQ on the same server. */

import { durable, type RedisServer, redisServer } from '../../backends/redis/server.ts';
import type { Measured } from '../figure.ts';
import { startServer } from '../http/server.ts';
import { median } from '../median.ts';
import { bullQueue, kitQueue, type Note, type RedisQueue } from '../store/redis-queues.ts';

const rounds = 3;
const turnMs = 800;
const drained = 2_000;
const lanes = 100;
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
  const kit = await kitQueue(server);
  const bull = await bullQueue(server);
  try {
    for (const queue of [kit, bull]) await rate(queue, producers);
    const found: { kit: number; bull: number; again: number }[] = [];
    for (let round = 0; round < rounds; round += 1) {
      const first = await rate(bull, producers);
      const own = await rate(kit, producers);
      found.push({ kit: own, bull: first, again: await rate(bull, producers) });
    }
    return against(found.map(({ kit: value, bull: base, again }) => ({ value, base, again })));
  } finally {
    await Promise.all([kit.close(), bull.close()]);
  }
}

/** Acknowledged a second, of a turn. */
async function rate(queue: RedisQueue, producers: number): Promise<number> {
  const began = performance.now();
  let acknowledged = 0;
  const produce = async (producer: number) => {
    while (performance.now() - began < turnMs) {
      await queue.add({ lane: (acknowledged + producer) % 1_000, text });
      acknowledged += 1;
    }
  };
  await Promise.all(Array.from({ length: producers }, (_, producer) => produce(producer)));
  return acknowledged / ((performance.now() - began) / 1_000);
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
    await rate(queue, 64);
    const rates = [];
    for (let round = 0; round < rounds; round += 1) rates.push(await rate(queue, 64));
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
