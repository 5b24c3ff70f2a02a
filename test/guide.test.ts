/** The ideas of the fallback guide that this project grew from, each as an app uses it. */

import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { AdaptiveBreaker, CircuitBreaker, FallbackManager } from '@graphiti-fallback/core';
import {
  circuitBreaker,
  getCircuitBreaker,
  getFallbackManager,
  withFallback,
} from '@graphiti-fallback/express';
import { lowdbStore } from '@graphiti-fallback/store-lowdb';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { temporaryFolder } from './temporary-folder.ts';

/** An upstream that works, or answers 503. */
let upstream: Server;
let url: string;
let down = false;
let asked = 0;

beforeEach(async () => {
  down = false;
  asked = 0;
  upstream = createServer((_request, response) => {
    asked += 1;
    response.writeHead(down ? 503 : 200).end('answer');
  }).listen(0);
  await once(upstream, 'listening');
  url = `http://localhost:${(upstream.address() as AddressInfo).port}`;
});

afterEach(() => {
  upstream.closeAllConnections();
  upstream.close();
});

async function ask(): Promise<string> {
  const response = await fetch(url);
  if (response.ok) return response.text();
  throw Object.assign(new Error(`HTTP ${response.status}`), { status: response.status });
}

describe('cache', () => {
  const folder = temporaryFolder('guide-cache-');
  const cached = () => {
    const manager = new FallbackManager({
      name: 'cached',
      application: 'guide',
      upstream: url,
      logger: false,
      cache: { store: lowdbStore({ directory: folder.path }), maxEntries: 3 },
      retry: { retries: 0 },
    });
    const read = manager.read('read', { run: (_id: string) => ask(), ttl: 60_000 });
    return { manager, read };
  };

  test('manager.cache: get, set, delete, clear and warm, bounded, and loaded at the next start', async () => {
    const first = cached();
    const { manager, read } = first;
    expect(await read('live')).toBe('answer');
    expect(await manager.cache.get(read, 'live')).toBe('answer');
    expect(await manager.cache.set(read, 'set', 'known')).toBe(true);
    expect((await read.detailed('set')).outcome).toBe('cache');
    expect(await manager.cache.delete(read, 'set')).toBe(true);
    expect(await manager.cache.get(read, 'set')).toBeUndefined();
    const entries = ['a', 'b', 'c'].map((input) => ({ operation: 'read', input, value: input }));
    expect(await manager.cache.warm(entries)).toBe(3);
    expect(manager.status().cache).toMatchObject({ entries: 3, hits: 1, misses: 1, hitRate: 0.5 });
    await manager.close();

    down = true;
    const second = cached();
    const answers = await Promise.all(['a', 'b', 'c'].map((id) => second.read(id)));
    expect(answers).toEqual(['a', 'b', 'c']);
    second.manager.cache.clear();
    await expect(second.read('a')).rejects.toMatchObject({ code: 'FALLBACK_UNAVAILABLE' });
    expect(asked).toBe(2);
    await second.manager.close();
  });
});

describe('breakers', () => {
  test('a breaker of one’s own, with a fallback', async () => {
    const breaker = new CircuitBreaker({
      failureThreshold: 2,
      successThreshold: 1,
      openFor: 50,
      fallback: () => 'fallback',
    });
    expect(await breaker.execute(ask)).toBe('answer');
    down = true;
    for (let call = 0; call < 5; call += 1) expect(await breaker.execute(ask)).toBe('fallback');
    expect(asked).toBe(3);
    down = false;
    await expect.poll(() => breaker.execute(ask)).toBe('answer');
    expect(breaker.status()).toMatchObject({ state: 'closed', failureRate: 0 });
  });

  test('one that adapts to health: the worse it is, the sooner it opens, and the longer it stays so', async () => {
    let health: 'healthy' | 'degraded' | 'unhealthy' = 'healthy';
    const breaker = new AdaptiveBreaker({ health: () => health });
    down = true;
    await breaker.execute(ask).catch(() => {});
    health = 'unhealthy';
    await breaker.execute(ask).catch(() => {});
    expect(breaker.state).toBe('open');
    expect(breaker.status().retryInMs).toBeGreaterThan(100_000);
  });

  test('breakers by name, of the default manager; all statuses together; reset and remove', async () => {
    await using manager = getFallbackManager();
    const search = getCircuitBreaker('search', { failureThreshold: 1 });
    const transitions: string[] = [];
    search.on('transition', ({ breaker, from, to }) =>
      transitions.push(`${breaker}: ${from} > ${to}`),
    );
    down = true;
    await search.execute(ask).catch(() => {});
    expect(manager.breakers.status()).toMatchObject({
      graphiti: { state: 'closed' },
      search: { state: 'open', calls: { failure: 1 } },
    });
    expect(manager.status().breakers).toEqual({
      graphiti: expect.anything(),
      search: expect.objectContaining({ state: 'open' }),
    });
    await search.isolate('reindexing');
    await search.restore();
    await manager.breakers.reset();
    expect(transitions).toEqual([
      'search: closed > open',
      'search: open > isolated',
      'search: isolated > half_open',
      'search: half_open > closed',
    ]);
    expect(manager.breakers.remove('search')).toBe(true);
  });

  test('as a wrapper and as a decorator', async () => {
    await using manager = getFallbackManager();
    const own = new CircuitBreaker({ failureThreshold: 1, fallback: () => 'fallback' });

    class Client {
      readonly #path = 'answer';

      @circuitBreaker('client')
      async named(times: number): Promise<string> {
        await ask();
        return this.#path.repeat(times);
      }

      @circuitBreaker(own)
      static async guarded(): Promise<string> {
        return ask();
      }

      @circuitBreaker()
      async plain(): Promise<string> {
        return ask();
      }
    }

    const client = new Client();
    expect(await client.named(2)).toBe('answeranswer');
    expect(await Client.guarded()).toBe('answer');
    expect(await client.plain()).toBe('answer');
    expect(await circuitBreaker('client')(ask)()).toBe('answer');
    expect(manager.breaker('client').status().calls.success).toBe(2);
    expect(manager.breaker().status().calls.success).toBe(1);
    down = true;
    expect([await Client.guarded(), await Client.guarded()]).toEqual(['fallback', 'fallback']);
    expect(own.status()).toMatchObject({ state: 'open', calls: { failure: 1, refused: 1 } });
  });

  test('state callbacks: one who listens to a manager hears of any of its breakers, and hurts nobody by throwing', async () => {
    await using manager = new FallbackManager({
      name: 'callbacks',
      logger: false,
      breaker: { failureThreshold: 1 },
      retry: { retries: 0 },
    });
    const heard: string[] = [];
    const stop = manager.on('stateChange', ({ breaker, to }) => {
      heard.push(`${breaker} ${to}`);
      throw new Error('a listener of the app');
    });
    const read = manager.read('ask', { run: ask });
    const found = manager.read('find', { run: ask, breaker: 'search' });
    down = true;
    await read().catch(() => {});
    await found().catch(() => {});
    stop();
    await manager.breakers.reset();
    expect(heard).toEqual(['callbacks open', 'search open']);
    down = false;
    expect(await read()).toBe('answer');
  });
});

test('wrap a function or a method: by the verb in its name, on the default manager', async () => {
  await using manager = getFallbackManager();
  class Notes {
    @withFallback()
    async getNote(id: string): Promise<string> {
      return `${id} ${await ask()}`;
    }

    @withFallback
    async saveNote<T extends { readonly id: string }>(note: T): Promise<T> {
      await ask();
      return { ...note, saved: true };
    }
  }
  const notes = new Notes();
  const findNotes = withFallback(ask, { kind: 'read', name: 'note.find' });
  expect(await notes.saveNote({ id: '1' })).toEqual({ id: '1', saved: true });
  const live = [await notes.getNote('1'), await findNotes()];
  down = true;
  expect([await notes.getNote('1'), await findNotes()]).toEqual(live);
  expect(await findNotes.detailed()).toMatchObject({ outcome: 'stale' });
  expect(await notes.saveNote({ id: '2' })).toEqual({ id: '2' });
  expect(manager.queue.list()).toMatchObject([
    { operation: 'Notes.saveNote', input: [{ id: '2' }], state: 'ready' },
  ]);
});

test('local entities: stored and related here; sent or queued where a write owns their type', async () => {
  await using manager = new FallbackManager({
    name: 'notes',
    logger: false,
    retry: { retries: 0 },
  });
  manager.write('note.save', { run: (_note: { readonly id: string }) => ask(), owns: 'note' });
  const get = manager.read('note.get', {
    run: async (_id: string) => ({ text: await ask() }),
    entities: (id) => [{ type: 'note', id }],
    fromEntity: ({ text }) => ({ text: String(text) }),
  });
  const [note, draft] = [
    { type: 'note', id: '1', text: 'one' },
    { type: 'draft', id: '2' },
  ];
  expect(await manager.storeEntity(note)).toEqual({ outcome: 'applied', value: 'answer' });
  down = true;
  expect(await manager.storeEntity(note)).toMatchObject({ outcome: 'queued' });
  expect(await manager.storeEntity(draft)).toMatchObject({ outcome: 'local' });
  await manager.storeRelationship({ type: 'becomes', from: draft, to: note });
  expect(await manager.getEntity('note', '1')).toEqual(note);
  expect(await manager.listEntities('draft')).toEqual([draft]);
  expect(await manager.listRelationships('note', '1')).toEqual([
    { type: 'becomes', from: { type: 'draft', id: '2' }, to: { type: 'note', id: '1' } },
  ]);
  expect(await get.detailed('1')).toMatchObject({ outcome: 'entity', value: { text: 'one' } });
});

test('activate and deactivate by hand: a batch import reaches the upstream when it is let go', async () => {
  await using manager = new FallbackManager({ name: 'import', logger: false });
  const save = manager.write('save', { run: (_line: string) => ask(), idempotent: true });
  await manager.activate('queue_writes', 'batch import');
  expect(await save.all(['a', 'b', 'c'])).toMatchObject({ outcome: 'queued' });
  expect(await manager.sync()).toMatchObject({ replayed: 0, states: { ready: 3 } });
  expect(asked).toBe(0);
  expect(await manager.deactivate()).toBe(true);
  expect(await manager.sync()).toMatchObject({ replayed: 3, failed: 0 });
  expect(manager.active).toBe(false);
});
