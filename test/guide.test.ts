/** The ideas of the fallback guide that this project grew from, each as an app uses it. */

import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import {
  AdaptiveBreaker,
  CircuitBreaker,
  FallbackManager,
  type FallbackManagerOptions,
} from '@graphiti-fallback/core';
import {
  circuitBreaker,
  fallback,
  getCircuitBreaker,
  getFallbackManager,
  graphitiFallback,
  withFallback,
} from '@graphiti-fallback/express';
import { lowdbStore } from '@graphiti-fallback/store-lowdb';
import { graphitiServer } from '@graphiti-fallback/testing';
import express from 'express';
import request from 'supertest';
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

  test('cache: get, set, delete, clear and warm, bounded, and loaded at the next start', async () => {
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
  test('a breaker of one’s own: with a fallback', async () => {
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

  test('a breaker that adapts to health: the worse it is, the sooner it opens, and the longer it stays so', async () => {
    let health: 'healthy' | 'degraded' | 'unhealthy' = 'healthy';
    const breaker = new AdaptiveBreaker({ health: () => health });
    down = true;
    await breaker.execute(ask).catch(() => {});
    health = 'unhealthy';
    await breaker.execute(ask).catch(() => {});
    expect(breaker.state).toBe('open');
    expect(breaker.status().retryInMs).toBeGreaterThan(100_000);
  });

  test('a breaker by name: of the default manager; all statuses together; reset and remove', async () => {
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
    expect(manager.status().breakers).toMatchObject({
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

  test('a breaker as a wrapper and as a decorator', async () => {
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

describe('the manager', () => {
  const folder = temporaryFolder('guide-');
  /** A manager of the upstream above, with a read and a write. */
  const managed = (options: Partial<FallbackManagerOptions> = {}) => {
    const manager = new FallbackManager({
      name: 'guide',
      application: 'guide',
      upstream: url,
      logger: false,
      recoveryRamp: 0,
      retry: { retries: 0 },
      breaker: { failureThreshold: 2, successThreshold: 1, openFor: 50 },
      ...options,
    });
    const read = manager.read('read', { run: (_id: string) => ask() });
    const write = manager.write('write', { run: (_text: string) => ask(), idempotent: true });
    const open = async () => {
      down = true;
      for (const id of ['one', 'two']) await read(id).catch(() => {});
      expect(manager.active).toBe(true);
    };
    return { manager, read, write, open };
  };
  /** Says how the upstream is. */
  const ping = { name: 'ping', check: async () => void (await ask()) };

  test('one global manager: made on first use, the same everywhere, found by name', async () => {
    const manager = getFallbackManager();
    expect(getFallbackManager()).toBe(manager);
    expect(getFallbackManager('graphiti')).toBe(manager);
    expect(() => getFallbackManager('grafiti')).toThrow(/'graphiti'/);
    await manager.close();
  });

  test('check health and activate: one unhealthy answer, asked by the app, is enough', async () => {
    const { manager } = managed({ health: { checks: [ping], interval: 0 } });
    expect(await manager.checkAndActivate()).toBe(false);
    down = true;
    await expect.poll(() => manager.checkAndActivate(), { timeout: 3_000 }).toBe(true);
    const before = asked;
    await Promise.all([manager.checkAndActivate(), manager.checkAndActivate()]);
    expect(asked - before).toBeLessThanOrEqual(1);
    await manager.close();
  });

  test('a protected block: it knows how the upstream is, and drains behind itself', async () => {
    const { manager, write } = managed({ health: { checks: [ping], interval: 0 } });
    down = true;
    await manager.run(async (block) => {
      expect(block).toMatchObject({ active: true, mode: 'queue_writes' });
      expect(await write('kept')).toMatchObject({ outcome: 'queued' });
      down = false;
    });
    await expect.poll(() => manager.status().queue.replayed, { timeout: 5_000 }).toBe(1);
    {
      await using block = await manager.context();
      expect(block.active).toBe(false);
    }
    await manager.close();
  });

  test('custom folders: the queue and the cache lie where the app says', async () => {
    const directory = join(folder.path, 'queue');
    const cache = { store: lowdbStore({ directory: join(folder.path, 'cache') }) };
    const { manager, write, open } = managed({ store: lowdbStore({ directory }), cache });
    await open();
    expect(await write('kept')).toMatchObject({ outcome: 'queued', durability: 'disk' });
    expect(readdirSync(directory)).toHaveLength(1);
    expect(manager.status().store).toMatchObject({ kind: 'lowdb', durability: 'disk' });
    await manager.close();
  });

  test('a flag for handlers: req.fallback.active', async () => {
    const { manager, open } = managed();
    const app = express().use(fallback(manager));
    app.get('/', (req, res) => {
      res.json({ active: req.fallback.active });
    });
    expect((await request(app).get('/')).body).toEqual({ active: false });
    await open();
    const response = await request(app).get('/');
    expect(response.body).toEqual({ active: true });
    expect(response.headers['x-fallback-mode']).toBe('queue_writes');
    await manager.close();
  });

  test('status: one snapshot of everything', async () => {
    const { manager, read, write, open } = managed();
    await read('live');
    await open();
    await read('live');
    await write('kept');
    expect(manager.status()).toMatchObject({
      active: true,
      reason: '503',
      trigger: 'calls',
      mode: { configured: 'queue_writes', current: 'queue_writes' },
      operations: { live: 1, stale: 1, queued: 1, failure: 2 },
      queue: { size: 1, lanes: { ready: 1, blocked: 0 }, states: { ready: 1, dead: 0 } },
      cache: { entries: 1, stale: 1, evictions: 0 },
      breakers: { guide: { state: 'open', calls: { success: 1, failure: 2 } } },
      store: { kind: 'memory' },
    });
    const { breakers, queue, since } = manager.status();
    expect(breakers.guide?.retryInMs).toBeGreaterThan(0);
    expect(breakers.guide?.timeInStateMs).toBeGreaterThanOrEqual(0);
    expect(queue.oldestAgeMs).toBeGreaterThanOrEqual(0);
    expect(since).toBeLessThanOrEqual(Date.now());
    await manager.close();
  });

  test('manual sync: what waits is listed, taken as applied, and replayed on demand', async () => {
    const { manager, write, open } = managed({ breaker: { failureThreshold: 2, openFor: 60_000 } });
    await open();
    await write('one');
    const two = await write('two');
    const [first] = manager.queue.list();
    expect(first).toMatchObject({ operation: 'write', input: 'one', state: 'ready', attempts: 0 });
    expect(await manager.sync({ timeoutMs: 1_000 })).toMatchObject({ replayed: 0, failed: 0 });
    expect(await manager.queue.ack(first?.id ?? '')).toBe(true);
    down = false;
    manager.breakers.reset();
    expect(await manager.sync()).toMatchObject({ replayed: 1, deadLettered: 0 });
    expect(two.outcome === 'queued' && manager.queue.get(two.operation)?.state).toBe('done');
    await manager.close();
  });

  test('background sync: it starts at boot where the store holds operations', async () => {
    const store = () => lowdbStore({ directory: folder.path });
    const first = managed({ store: store() });
    await first.open();
    await first.write('kept');
    await first.manager.close();
    down = false;
    const second = managed({ store: store() });
    await second.manager.open();
    await expect.poll(() => second.manager.status().queue.replayed, { timeout: 5_000 }).toBe(1);
    await second.manager.close();
  });

  test('system health: every component, and the whole', async () => {
    const other = { name: 'other', critical: false, check: () => 'degraded' as const };
    const { manager } = managed({ health: { checks: [ping, other], interval: 0 } });
    expect(manager.health.system().status).toBe('unknown');
    await manager.checkAndActivate();
    const { status, components } = manager.health.system();
    expect(status).toBe('degraded');
    expect(components.map(({ name, status }) => `${name} ${status}`)).toEqual(
      expect.arrayContaining(['ping healthy', 'other degraded']),
    );
    down = true;
    await expect.poll(() => manager.checkAndActivate(), { timeout: 3_000 }).toBe(true);
    expect(manager.health.upstream).toBe('unhealthy');
    await manager.close();
  });

  test('load shedding while degraded: reads that are cached spare the upstream, others and writes go to it', async () => {
    const check = { name: 'load', check: () => 'degraded' as const };
    const health = { checks: [check], interval: 0, shedding: 1 };
    const { manager, read, write } = managed({ health, random: () => 0 });
    await read('known');
    await manager.checkAndActivate();
    const before = asked;
    expect(await read.detailed('known')).toMatchObject({ outcome: 'stale' });
    expect(asked).toBe(before);
    expect(await read.detailed('unknown')).toMatchObject({ outcome: 'live' });
    expect(await write('sent')).toMatchObject({ outcome: 'applied' });
    await manager.close();
  });

  test('debug output: lines by section, and a page for people, both without what was written', async () => {
    const { manager, write, open } = managed();
    await open();
    await write('secret text');
    const page = manager.inspect();
    expect(page).toMatch(/guide/);
    expect(page).toMatch(/queue +1/);
    expect(page).not.toContain('secret text');
    await manager.close();
    const program = `
      const { FallbackManager } = await import('@graphiti-fallback/core');
      const manager = new FallbackManager({ name: 'debugged', application: 'guide' });
      await manager.read('read', { run: async () => 'secret answer' })();
      await manager.close();`;
    const args = ['--conditions=@graphiti-fallback/source', '--input-type=module', '-e', program];
    const env = { ...process.env, GRAPHITI_FALLBACK_DEBUG: 'call' };
    const cwd = fileURLToPath(new URL('.', import.meta.url));
    const { stderr } = await promisify(execFile)(process.execPath, args, { cwd, env });
    expect(stderr).toMatch(/read/);
    expect(stderr).not.toContain('secret answer');
  });

  test('test a fallback scenario: a Graphiti that fails on demand', async () => {
    const graphiti = await graphitiServer();
    const middleware = graphitiFallback({ url: graphiti.url, logger: false });
    const app = express().use(express.json(), middleware);
    app.post('/', async (req, res) => {
      const message = { role_type: 'user' as const, role: 'ann', content: req.body.text };
      const receipt = await req.graphiti.addMessages('demo', [message]);
      res.status(receipt.outcome === 'applied' ? 200 : 202).json(receipt);
    });
    await request(app).post('/').send({ text: 'one' }).expect(202);
    graphiti.fault({ kind: 'refuse' });
    await request(app)
      .post('/')
      .send({ text: 'two' })
      .expect(202)
      .expect('location', /operations/);
    graphiti.heal();
    await expect
      .poll(() => middleware.manager.status().queue.replayed, { timeout: 10_000 })
      .toBe(1);
    await middleware.close();
    await graphiti.close();
  });
});
