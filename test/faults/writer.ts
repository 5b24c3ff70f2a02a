/** A process that writes without end, and says what it begins and what was acknowledged. */

import { writeSync } from 'node:fs';
import { lowdbStore } from '@graphiti-fallback/store-lowdb';
import { contentOf, identity, keyOf, lineOf, type Written } from './workload.ts';

/** What a writer is told. */
export interface WriterOptions {
  readonly directory: string;
  /** The first lane of its own, and how many it has. */
  readonly firstLane: number;
  readonly lanes: number;
  /** Its operations are numbered from here: later writers begin higher. */
  readonly from: number;
  readonly segmentBytes: number;
  readonly checkpointBytes: number;
}

const options: WriterOptions = JSON.parse(process.argv[2] ?? '{}');
const { directory, firstLane, lanes, from, segmentBytes, checkpointBytes } = options;
const store = lowdbStore({ directory, segmentBytes, checkpointBytes });
await store.open(identity);

/** By a blocking write: what waits in memory for a slow reader would be lost with the process. */
function say(line: string): void {
  const bytes = Buffer.from(`${line}\n`);
  for (let at = 0; at < bytes.length; ) at += writeSync(1, bytes, at);
}

const breath = () => new Promise((resolve) => setTimeout(resolve, 2));

/** What each lane holds, oldest first: also what an earlier writer left. */
const held = new Map<number, Written[]>();
for (let lane = firstLane; lane < firstLane + lanes; lane += 1) held.set(lane, []);
for (const [, value] of store.entries('queue')) {
  const written = value as unknown as Written;
  held.get(written.lane)?.push(written);
}

async function step(verb: 'put' | 'update' | 'delete', written: Written): Promise<boolean> {
  say(lineOf('>', verb, written));
  const key = keyOf(written);
  const record = { bucket: 'queue', key } as const;
  try {
    if (verb === 'delete')
      await store.commit([
        { ...record, delete: true },
        { bucket: 'state', key: `ended:${key}`, put: { at: written.number } },
        { bucket: 'state', key: `ended:${written.lane}:${written.number - 20}`, delete: true },
      ]);
    else await store.commit([{ ...record, put: contentOf(written) }]);
    say(lineOf('+', verb, written));
    return true;
  } catch {
    say(lineOf('!', verb, written));
    await breath();
    return false;
  }
}

/** What was to be removed is only removed again: where that was refused, it may be gone all the same. */
const leaving = new Set<Written>();

async function write(lane: number, queue: Written[]): Promise<void> {
  for (let number = from; ; number += 1) {
    const written = { lane, number, version: 0 };
    if (await step('put', written)) queue.push(written);
    const head = queue[0];
    if (head && number % 5 === 0 && !leaving.has(head)) {
      const again = { ...head, version: head.version + 1 };
      if (await step('update', again)) queue[0] = again;
    }
    if (number % 11 === 0)
      void store
        .commit([{ bucket: 'cache', key: `${lane}`, put: number }], { lazy: true })
        .catch(() => {});
    const oldest = queue[0];
    if (!oldest || queue.length <= 8 + (number % 7)) continue;
    leaving.add(oldest);
    if (!(await step('delete', oldest))) continue;
    queue.shift();
    leaving.delete(oldest);
  }
}

say('ready');
for (const [lane, queue] of held) void write(lane, queue);
