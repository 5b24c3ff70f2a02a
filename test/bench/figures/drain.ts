/** `drain`: replaying 10,000 operations of 100 lanes over HTTP, against a bare loop of the same requests. */

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FallbackManager } from '@graphiti-fallback/core';
import { lowdbStore } from '@graphiti-fallback/store-lowdb';
import type { Measured } from '../figure.ts';
import { startServer } from '../http/server.ts';
import { median } from '../median.ts';

const rounds = 5;
const operations = 10_000;
const lanes = 100;
/** Requests at once, of both. */
const concurrency = 16;

interface Note {
  readonly lane: number;
  readonly text: string;
}

const notes: readonly Note[] = Array.from({ length: operations }, (_, number) => ({
  lane: number % lanes,
  text: `${number} `.padEnd(800, 'x'),
}));

export async function measure(): Promise<Measured> {
  const folder = await mkdtemp(join(tmpdir(), 'graphiti-fallback-bench-'));
  const server = await startServer('graphiti');
  const send = async (note: Note) => {
    const response = await fetch(`${server.url}/healthcheck`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(note),
    });
    if (!response.ok) throw new Error(`The upstream answered ${response.status}`);
    return response.json();
  };
  const drained = (round: number) => drain(join(folder, `${round}`), send);
  try {
    await bare(send);
    await drained(-1);
    const found: { kit: number; loop: number; again: number }[] = [];
    for (let round = 0; round < rounds; round += 1) {
      const loop = await bare(send);
      const kit = await drained(round);
      const again = await bare(send);
      found.push({ kit, loop, again });
    }
    return {
      ratio: median(found.map(({ kit, loop, again }) => kit / ((loop + again) / 2))),
      value: median(found.map(({ kit }) => kit)),
      baseline: median(found.map(({ loop }) => loop)),
      noise: median(found.map(({ loop, again }) => again / loop)),
    };
  } finally {
    server.end();
    await rm(folder, { recursive: true, force: true });
  }
}

/** Operations a second, from the end of the outage until the last one is off the disk. */
async function drain(directory: string, send: (note: Note) => Promise<unknown>): Promise<number> {
  const manager = new FallbackManager({
    name: 'bench',
    application: 'bench',
    logger: false,
    store: lowdbStore({ directory }),
    drain: { limit: concurrency },
    breaker: { successThreshold: 1 },
    random: () => 0, // the drain starts at once
  });
  const save = manager.write('note.save', {
    run: send,
    entity: ({ lane }) => ({ type: 'lane', id: String(lane) }),
    idempotent: true,
  });
  await manager.activate();
  await Promise.all(notes.map((note) => save(note)));
  const began = performance.now();
  await manager.deactivate();
  await manager.sync({ timeoutMs: 120_000 });
  const took = performance.now() - began;
  const { queue } = manager.status();
  if (queue.size > 0 || queue.replayed !== operations)
    throw new Error(`${queue.size} operations are left, ${queue.replayed} were replayed`);
  await manager.close();
  return operations / (took / 1_000);
}

/** Operations a second of a loop that has nothing else to do. */
async function bare(send: (note: Note) => Promise<unknown>): Promise<number> {
  const began = performance.now();
  let next = 0;
  const worker = async () => {
    for (let note = notes[next++]; note; note = notes[next++]) await send(note);
  };
  await Promise.all(Array.from({ length: concurrency }, worker));
  return operations / ((performance.now() - began) / 1_000);
}
