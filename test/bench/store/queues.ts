/** Ways to keep a queue on disk: the kit's store, plain lowdb, SQLite. */

import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { lowdbStore } from '@graphiti-fallback/store-lowdb';
import { Low } from 'lowdb';
import { JSONFile } from 'lowdb/node';

/** Keeps one entry of 1 KB, and forgets the one that was kept `held` before it; resolves when acknowledged. */
type Keep = (number: number) => Promise<unknown>;

/** A queue that is held at so many entries. */
export interface Queue {
  readonly keep: Keep;
  close(): Promise<void>;
}

/** An operation of 1 KB. */
export function operationOf(number: number) {
  return {
    id: keyOf(number),
    operation: 'bench.save',
    lane: `lane:${number % 100}`,
    input: { text: 'x'.repeat(800) },
    entity: { type: 'lane', id: String(number % 100) },
    createdAt: 1_795_777_467_012,
    enqueuedAt: 1_795_777_467_013,
    attempts: 0,
    failures: 0,
    interruptions: 0,
  };
}

/** Its key, as long as a UUID. */
export function keyOf(number: number): string {
  return `01920000-0000-7000-8000-${String(number).padStart(12, '0')}`;
}

/** The kit's store: durable. */
export async function kitQueue(directory: string, held: number): Promise<Queue> {
  const store = lowdbStore({ directory });
  await store.open({ manager: 'bench', hash: '0123456789abcdef' });
  let first = 0;
  const put = (number: number) =>
    ({ bucket: 'queue', key: keyOf(number), put: operationOf(number) }) as const;
  for (; first < held; first += 500)
    await store.commit(Array.from({ length: 500 }, (_, index) => put(first + index)));
  return {
    keep: (number) =>
      store.commit([
        put(first + number),
        { bucket: 'queue', key: keyOf(first + number - held), delete: true },
      ]),
    close: () => store.close(),
  };
}

/** Plain lowdb as its README shows it: not even durable. */
export async function plainLowdb(directory: string, held: number): Promise<Queue> {
  const db = new Low<{ queue: unknown[] }>(new JSONFile(join(directory, 'plain.json')), {
    queue: Array.from({ length: held }, (_, number) => operationOf(number)),
  });
  await db.write();
  return {
    keep: (number) =>
      db.update(({ queue }) => {
        queue.push(operationOf(number));
        queue.shift();
      }),
    close: async () => {},
  };
}

/** SQLite with synchronous=FULL: a row a transaction, or all rows of a moment in one. */
export async function sqlite(directory: string, held: number, grouped: boolean): Promise<Queue> {
  const db = new DatabaseSync(join(directory, `rows-${grouped}.db`));
  db.exec(`PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;
    CREATE TABLE IF NOT EXISTS queue (key TEXT PRIMARY KEY, value TEXT) WITHOUT ROWID`);
  const insert = db.prepare('INSERT OR REPLACE INTO queue VALUES (?, ?)');
  const remove = db.prepare('DELETE FROM queue WHERE key = ?');
  const write = (number: number) => {
    insert.run(keyOf(number), JSON.stringify(operationOf(number)));
    remove.run(keyOf(number - held));
  };
  const transaction = (numbers: readonly number[]) => {
    db.exec('BEGIN');
    for (const number of numbers) write(number);
    db.exec('COMMIT');
  };
  transaction(Array.from({ length: held }, (_, number) => number));
  let waiting: { number: number; resolve: (value?: unknown) => void }[] = [];
  const flush = () => {
    const batch = waiting;
    waiting = [];
    transaction(batch.map(({ number }) => number));
    for (const { resolve } of batch) resolve();
  };
  return {
    keep: grouped
      ? (number) =>
          new Promise((resolve) => {
            if (waiting.push({ number: held + number, resolve }) === 1) setImmediate(flush);
          })
      : async (number) => transaction([held + number]),
    close: async () => db.close(),
  };
}
