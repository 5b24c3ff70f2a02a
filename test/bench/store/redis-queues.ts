/** Queues in a Redis of their own: the kit's, and BullMQ's. */

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
