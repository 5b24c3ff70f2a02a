/** A process that opens what is queued, or parses it, and tells how long that took and what it keeps. */

import { fork } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { lowdbStore } from '@graphiti-fallback/store-lowdb';
import { plainEnvironment } from '../plain-environment.ts';

const self = fileURLToPath(import.meta.url);

/** What it came to. */
export interface Recovery {
  readonly ms: number;
  /** Growth of resident memory, in bytes. */
  readonly rss: number;
}

/** Opens a folder as a store, or parses a file, in a process of its own. */
export async function recover(how: 'open' | 'parse', path: string): Promise<Recovery> {
  const child = fork(self, [how, path], { env: plainEnvironment(), execArgv: [] });
  const [recovery] = await once(child, 'message');
  return recovery as Recovery;
}

if (process.argv[1] === self) {
  const [, , how, path = ''] = process.argv;
  const before = process.memoryUsage.rss();
  const began = performance.now();
  const found = how === 'open' ? await opened(path) : JSON.parse(readFileSync(path, 'utf8'));
  const ms = performance.now() - began;
  const rss = process.memoryUsage.rss() - before;
  if (found.queue.length !== 100_000 && found.records !== 100_000)
    throw new Error('Not everything was found');
  // Without closing, which would write.
  process.send?.({ ms, rss }, () => process.kill(process.pid, 'SIGKILL'));
}

async function opened(directory: string): Promise<{ queue: unknown[]; records: number }> {
  const store = lowdbStore({ directory });
  const { records } = await store.open({ manager: 'bench', hash: '0123456789abcdef' });
  return { queue: [], records };
}
