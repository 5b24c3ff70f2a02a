/** A process that writes at an even pace into a full store, and tells how late its event loop is. */

import { fork } from 'node:child_process';
import { once } from 'node:events';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { lowdbStore } from '@graphiti-fallback/store-lowdb';
import { plainEnvironment } from '../plain-environment.ts';
import { keyOf, operationOf } from './queues.ts';

const self = fileURLToPath(import.meta.url);
const producers = 16;
const warmUpMs = 1_000;
const measuredMs = 3_000;
const queued = 100_000;

/** What it came to. */
export interface Load {
  /** How late the loop is, 99 in 100 times at most, in ms. */
  readonly p99: number;
  /** Snapshots that were written meanwhile. */
  readonly checkpoints: number;
}

/** Loads a store, with a snapshot being written all the time, or with none. */
export async function load(directory: string, checkpoints: boolean): Promise<Load> {
  const child = fork(self, [directory, String(checkpoints)], {
    env: plainEnvironment(),
    execArgv: [],
  });
  const [measured] = await once(child, 'message');
  return measured as Load;
}

if (process.argv[1] === self) {
  const [, , directory = '', checkpoints] = process.argv;
  const checkpointBytes = checkpoints === 'true' ? 64 * 1024 : 1024 ** 3;
  const store = lowdbStore({ directory, checkpointBytes });
  await store.open({ manager: 'bench', hash: '0123456789abcdef' });
  let running = true;
  let number = queued;
  const produce = async () => {
    while (running) {
      const next = number++;
      await store.commit([
        { bucket: 'queue', key: keyOf(next), put: operationOf(next) },
        { bucket: 'queue', key: keyOf(next - queued), delete: true },
      ]);
      await sleep(4);
    }
  };
  const all = Array.from({ length: producers }, produce);
  let seen = 0;
  let last: number | undefined;
  const watch = setInterval(() => {
    const at = store.status().checkpoint?.at;
    if (at !== undefined && at !== last) seen += 1;
    last = at;
  }, 20);
  await sleep(warmUpMs);
  seen = 0;
  const delay = monitorEventLoopDelay({ resolution: 1 });
  delay.enable();
  await sleep(measuredMs);
  delay.disable();
  running = false;
  clearInterval(watch);
  await Promise.all(all);
  // The loop is looked at every ms: only what is beyond that is late.
  const p99 = Math.max(0, delay.percentile(99) / 1e6 - 1);
  process.send?.({ p99, checkpoints: seen }, () => process.kill(process.pid, 'SIGKILL'));
}
