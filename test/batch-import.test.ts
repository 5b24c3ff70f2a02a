/** A batch import by hand: many writes while the upstream is set apart, replayed when a person lets it go. */

import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { FallbackManager, type FallbackManagerOptions } from '@graphiti-fallback/core';
import { lowdbStore } from '@graphiti-fallback/store-lowdb';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { temporaryFolder } from './temporary-folder.ts';

interface Question {
  readonly id: string;
  readonly topic: string;
  readonly text: string;
}

const folder = temporaryFolder('import-');
const closing: (() => unknown)[] = [];
let upstream: Server;
let url: string;
/** What arrived upstream, in order. */
let saved: Question[];
let reads: number;

beforeEach(async () => {
  saved = [];
  reads = 0;
  upstream = createServer(async (req, res) => {
    const text = Buffer.concat(await req.toArray()).toString();
    if (req.method === 'PUT') saved.push(JSON.parse(text));
    else reads += 1;
    res.end(JSON.stringify(saved.filter(({ topic }) => `/${topic}` === req.url).length));
  });
  upstream.listen(0, '127.0.0.1');
  await once(upstream, 'listening');
  url = `http://127.0.0.1:${(upstream.address() as AddressInfo).port}`;
});

afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
  upstream.closeAllConnections();
  upstream.close();
});

function start(options: Partial<FallbackManagerOptions> = {}) {
  const manager = new FallbackManager({
    name: 'questions',
    application: 'import',
    upstream: url,
    store: lowdbStore({ directory: folder.path }),
    logger: false,
    recoveryRamp: 0,
    ...options,
  });
  closing.push(() => manager.close());
  const call = async (path: string, init: RequestInit) =>
    (await fetch(`${url}${path}`, init)).json();
  const count = manager.read('question.count', {
    run: (topic: string, { signal }) => call(`/${topic}`, { signal }),
    entities: (topic) => [{ type: 'topic', id: topic }],
  });
  const save = manager.write('question.save', {
    run: (question: Question, { signal }) =>
      call('/', { method: 'PUT', body: JSON.stringify(question), signal }),
    entity: ({ topic }) => ({ type: 'topic', id: topic }),
    idempotent: true,
  });
  return { manager, count, save };
}

const topics = ['a', 'b', 'c', 'd', 'e'];
const questions = (from: number, to: number): Question[] =>
  Array.from({ length: to - from }, (_, index) => {
    const number = from + index;
    return { id: `${number}`, topic: topics[number % topics.length] ?? '', text: 'imported' };
  });

/** The ids of a topic, as they arrived. */
const arrived = (topic: string) =>
  saved.filter((question) => question.topic === topic).map(({ id }) => Number(id));

test('an import goes to disk chunk by chunk, over a restart, and arrives in order when it is let go', async () => {
  const before = start();
  await before.count('a');
  await before.manager.activate('queue_writes', 'batch import');
  for (let at = 0; at < 300; at += 100) {
    const receipt = await before.save.all(questions(at, at + 100));
    expect(receipt).toMatchObject({ outcome: 'queued', durability: 'disk' });
    expect(receipt.outcome === 'queued' && receipt.operations).toHaveLength(100);
  }
  // What users do meanwhile: reads from the cache, writes behind the import in their lane.
  expect(await before.count.detailed('a')).toMatchObject({ outcome: 'stale', value: 0 });
  const own = { id: '1000', topic: 'a', text: 'a user’s' };
  expect(await before.save(own)).toMatchObject({ outcome: 'queued' });
  expect(await before.manager.sync()).toMatchObject({ replayed: 0, states: { ready: 301 } });
  await before.manager.close();

  const { manager, count, save } = start();
  await manager.open();
  expect(manager.status()).toMatchObject({ active: true, trigger: 'manual' });
  await save.all(questions(300, 500));
  expect(saved).toEqual([]);
  expect(reads).toBe(1);

  expect(await manager.deactivate()).toBe(true);
  const report = await manager.sync({ timeoutMs: 60_000 });
  expect(report).toMatchObject({ replayed: 501, failed: 0, deadLettered: 0 });
  expect(manager.active).toBe(false);
  for (const [index, topic] of topics.entries()) {
    const imported = questions(0, 500).filter((question) => question.topic === topic);
    const ids = imported.map(({ id }) => Number(id));
    expect(arrived(topic)).toEqual(
      index === 0 ? [...ids.slice(0, 60), 1000, ...ids.slice(60)] : ids,
    );
  }
  expect(await count.detailed('a')).toMatchObject({ outcome: 'live', value: 101 });
}, 60_000);

test('one that does not fit is refused as a whole chunk, and none of it is queued', async () => {
  const { manager, save } = start({ queue: { maxEntries: 150 } });
  await manager.activate('queue_writes', 'batch import');
  await save.all(questions(0, 100));
  await expect(save.all(questions(100, 200))).rejects.toMatchObject({
    code: 'FALLBACK_QUEUE_FULL',
  });
  expect(manager.status().queue.size).toBe(100);
});

test('in local_storage it stays here, though the upstream is let go, until somebody syncs it', async () => {
  const { manager, save } = start();
  await manager.activate('local_storage', 'batch import, to be looked at');
  expect(await save.all(questions(0, 20))).toMatchObject({ outcome: 'stored', durability: 'disk' });
  await manager.deactivate();
  const own = { id: '1000', topic: 'a', text: 'a user’s' };
  await expect
    .poll(async () => [(await save(own)).outcome, manager.active])
    .toEqual(['applied', false]);
  expect(saved.every(({ id }) => id === '1000')).toBe(true);
  expect(await manager.sync({ include: 'local' })).toMatchObject({ localQueued: 20, replayed: 20 });
  expect(arrived('a').slice(-4)).toEqual([0, 5, 10, 15]);
});
