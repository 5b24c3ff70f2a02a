/** Queues in a Redis of their own: the kit's, and BullMQ's. */

import { setTimeout as delay } from 'node:timers/promises';
import { FallbackManager } from '@graphiti-fallback/core';
import { redisStore } from '@graphiti-fallback/store-redis';
import { Queue as BullQueue, Worker } from 'bullmq';
import { Redis } from 'ioredis';
import type { RedisServer } from '../../backends/redis/server.ts';

/** What is queued. */
export interface Note {
  readonly lane: number;
  readonly text: string;
}

/** A queue that is filled, and drained. */
export interface RedisQueue {
  add(note: Note): Promise<unknown>;
  /** Sends all that is queued, so many at once; resolves when the last one is off the queue. */
  drain(count: number, send: (note: Note) => Promise<unknown>): Promise<void>;
  close(): Promise<void>;
}

/** How many are sent at once, by both. */
const concurrency = 16;

/** The kit's: durable, in lanes. */
export async function kitQueue({ url }: RedisServer): Promise<RedisQueue> {
  let send: (note: Note) => Promise<unknown> = async () => {};
  const manager = new FallbackManager({
    name: 'bench',
    application: 'bench',
    logger: false,
    store: redisStore({ url, commandTimeout: 10_000 }),
    queue: { maxEntries: 1_000_000, maxBytes: 2 ** 31 },
    drain: { limit: concurrency },
    breaker: { successThreshold: 1 },
    health: { interval: 0 },
    random: () => 0,
  });
  const save = manager.write('note.save', {
    run: (note: Note) => send(note),
    lane: ({ lane }) => String(lane),
    idempotent: true,
  });
  await manager.activate();
  return {
    add: save,
    async drain(count, how) {
      send = how;
      await manager.deactivate();
      await manager.sync({ timeoutMs: 300_000 });
      const { size, replayed } = manager.status().queue;
      if (size > 0 || replayed !== count) throw new Error(`${size} left, ${replayed} replayed`);
    },
    close: () => manager.close(),
  };
}

/** How the core fills a store whose queue is shared: no user has this part by itself. */
interface Placements {
  place(placed: readonly object[]): Promise<unknown>;
}

/** A module of the built core. */
function ofCore(path: string) {
  return import(new URL(path, import.meta.resolve('@graphiti-fallback/core')).href);
}

/** The kit's store by itself, as a manager fills it: in lanes, in rounds of what comes at once. */
export async function kitStore({ url }: RedisServer): Promise<Pick<RedisQueue, 'add' | 'close'>> {
  const { shared } = redisStore({ url, commandTimeout: 10_000 });
  if (!shared) throw new Error('The store shares no queue');
  const bounds = { maxEntries: 1_000_000, maxBytes: 2 ** 31, maxDead: 10, maxInterruptions: 3 };
  await shared.open({ manager: 'bench', hash: 'store' }, bounds, () => {});
  while (!shared.available) await delay(10);
  const { Placements } = await ofCore('./fleet/placement.js');
  const { newId } = await ofCore('./ids.js');
  const { systemClock: clock } = await ofCore('./clock.js');
  const local = { queues: () => false };
  const onFailure = (error: unknown) => {
    throw error;
  };
  const placements: Placements = new Placements({ shared, local, clock, spills: false, onFailure });
  const common = { sending: { end() {} }, hold: false, quiet: false, isNew: true };
  return {
    async add(note) {
      const lane = String(note.lane);
      const now = Date.now();
      const kept = { id: newId(), operation: 'note.save', lane, input: { ...note } };
      const counts = { attempts: 0, failures: 0, interruptions: 0 };
      const record = { ...kept, createdAt: now, enqueuedAt: now, ...counts };
      await placements.place([{ ...common, operation: record, record }]);
    },
    close: () => shared.close(),
  };
}

/** BullMQ's: no lanes. */
export async function bullQueue({ port }: RedisServer): Promise<RedisQueue> {
  const connections: Redis[] = [];
  const connect = () => {
    const made = new Redis({ port, maxRetriesPerRequest: null });
    connections.push(made);
    return made;
  };
  const queue = new BullQueue<Note>('bench', { connection: connect() });
  await queue.waitUntilReady();
  return {
    add: (note) => queue.add('note', note, { removeOnComplete: true }),
    async drain(count, send) {
      let done = 0;
      const worker = new Worker<Note>('bench', ({ data }) => send(data), {
        connection: connect(),
        concurrency,
      });
      await new Promise<void>((resolve) => {
        worker.on('completed', () => {
          done += 1;
          if (done === count) resolve();
        });
      });
      await worker.close();
    },
    async close() {
      await queue.close();
      for (const each of connections) each.disconnect();
    },
  };
}
