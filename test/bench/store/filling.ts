/** A process that queues 100,000 operations, and then closes the store or dies without. */

import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { lowdbStore } from '@graphiti-fallback/store-lowdb';
import { plainEnvironment } from '../plain-environment.ts';
import { keyOf, operationOf } from './queues.ts';

const self = fileURLToPath(import.meta.url);
const count = 100_000;

/** Fills a folder: with segments alone, or with a snapshot. */
export async function fill(directory: string, what: 'segments' | 'snapshot'): Promise<void> {
  const child = fork(self, [directory, what], { env: plainEnvironment(), execArgv: [] });
  await once(child, 'exit');
}

if (process.argv[1] === self) {
  const [, , directory = '', what] = process.argv;
  const store = lowdbStore({ directory, checkpointBytes: 1024 ** 3 });
  await store.open({ manager: 'bench', hash: '0123456789abcdef' });
  for (let from = 0; from < count; from += 1_000)
    await Promise.all(
      Array.from({ length: 1_000 }, (_, index) =>
        store.commit([
          { bucket: 'queue', key: keyOf(from + index), put: operationOf(from + index) },
        ]),
      ),
    );
  if (what === 'snapshot') await store.close();
  process.kill(process.pid, 'SIGKILL');
}
