import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { graphitiFallback } from '@graphiti-fallback/express';
import { lowdbStore } from '@graphiti-fallback/store-lowdb';
import { type Fault, type GraphitiServer, graphitiServer } from '@graphiti-fallback/testing';
import express from 'express';
import supertest from 'supertest';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';

let graphiti: GraphitiServer;
let folder: string;
const closing: (() => Promise<unknown>)[] = [];

beforeEach(async () => {
  graphiti = await graphitiServer();
  folder = mkdtempSync(join(tmpdir(), 'faults-'));
});

afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
  await graphiti.close();
  rmSync(folder, { recursive: true, force: true });
});

type Options = NonNullable<Parameters<typeof graphitiFallback>[0]>;

/** The app of the README, over real HTTP. */
async function start(options: Options = {}) {
  const fallback = graphitiFallback({
    url: graphiti.url,
    store: lowdbStore({ directory: join(folder, 'queue') }),
    cache: { store: lowdbStore({ directory: join(folder, 'cache') }) },
    logger: false,
    breaker: { openFor: 200 },
    // A busy disk may take its time to keep what hung.
    timeouts: { read: 300, write: 1_000 },
    retry: { retries: 0 },
    recoveryRamp: 0,
    reconcileFor: 300,
    ...options,
  });
  const app = express();
  app.use(express.json());
  app.use(fallback);
  app.get('/facts', async (req, res) => {
    res.json(await req.graphiti.search({ query: String(req.query.q ?? ''), group_ids: ['demo'] }));
  });
  app.get('/episodes', async (req, res) => {
    res.json(await req.graphiti.getEpisodes('demo', 10));
  });
  app.post('/groups/:group/messages', async (req, res) => {
    const receipt = await req.graphiti.addMessages(req.params.group, [
      { role_type: 'user', role: 'ann', content: req.body.text },
    ]);
    res.status(receipt.outcome === 'applied' ? 200 : 202).json(receipt);
  });
  app.use(graphitiFallback.errors());
  const server = app.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const stop = async () => {
    server.close();
    server.closeAllConnections();
    await fallback.close();
  };
  closing.push(stop);
  return { agent: supertest(server), fallback, stop };
}

type App = Awaited<ReturnType<typeof start>>;

const say = ({ agent }: App, content: string, group = 'demo') =>
  agent.post(`/groups/${group}/messages`).send({ text: content });

/** Asks in vain until the breaker opens. */
async function untilActive({ agent, fallback }: App) {
  for (let call = 0; call < 20 && !fallback.manager.active; call += 1) await agent.get('/episodes');
  expect(fallback.manager.active).toBe(true);
}

async function untilDrained({ fallback }: App) {
  await expect.poll(() => fallback.manager.status().queue.size, { timeout: 10_000 }).toBe(0);
  await expect.poll(() => fallback.manager.active, { timeout: 10_000 }).toBe(false);
}

const stored = async (group = 'demo') => {
  await graphiti.ingested();
  return graphiti.messages(group).map(({ content }) => content);
};

test('queued: 202 with a receipt that is on disk, replayed in order when Graphiti is back', async () => {
  const app = await start();
  graphiti.fault({ kind: 'refuse' });
  const texts = ['one', 'two', 'three', 'four', 'five', 'six', 'seven', 'eight'];
  for (const content of texts) {
    const answer = await say(app, content);
    expect(answer.status).toBe(202);
    expect(answer.body).toMatchObject({ outcome: 'queued', durability: 'disk' });
  }
  expect(app.fallback.manager.status().queue.size).toBe(8);
  await graphiti.heal();
  await untilDrained(app);
  expect(await stored()).toEqual(texts);
});

const faults: [string, Fault][] = [
  ['refused', { kind: 'refuse' }],
  ['hanging', { kind: 'hang' }],
  ['503', { kind: 'unavailable' }],
  ['500 as text', { kind: 'error' }],
  ['reset in mid-response', { kind: 'reset' }],
];

describe.each(faults)('an upstream that is %s', (_name, fault) => {
  test('costs nothing that was accepted, and nothing twice', async () => {
    const app = await start();
    await say(app, 'before');
    await graphiti.ingested();
    await app.agent.get('/facts?q=warm');
    graphiti.fault(fault);
    await untilActive(app);
    expect((await app.agent.get('/facts?q=warm')).headers).toHaveProperty('cache-status');
    for (const content of ['during 1', 'during 2', 'during 3'])
      expect((await say(app, content)).status).toBe(202);
    await graphiti.heal();
    await untilDrained(app);
    const { status, body } = await say(app, 'after');
    expect([status, body.outcome]).toEqual([202, 'accepted']);
    expect(await stored()).toEqual(['before', 'during 1', 'during 2', 'during 3', 'after']);
  });
});

test.each(['hang', 'error', 'reset'] as const)(
  'a message that was applied though the answer was lost (%s) is found, and not sent again',
  async (kind) => {
    const app = await start();
    graphiti.fault({ kind, applied: true, count: 1, match: { method: 'POST', path: '/messages' } });
    expect((await say(app, 'only once')).status).toBe(202);
    await untilDrained(app);
    expect(await stored()).toEqual(['only once']);
  },
);

test('429 waits as long as it says, and trips nothing', async () => {
  const app = await start();
  graphiti.fault({ kind: 'throttle', retryAfter: 1, count: 1, match: { path: '/messages' } });
  expect((await say(app, 'patient')).status).toBe(202);
  expect(app.fallback.manager.active).toBe(false);
  await untilDrained(app);
  expect(await stored()).toEqual(['patient']);
});

test('half-open: the queue drains while new writes queue up behind it, in order', async () => {
  const app = await start();
  graphiti.fault({ kind: 'refuse' });
  await untilActive(app);
  for (let index = 0; index < 20; index += 1) await say(app, `message ${index}`);
  await graphiti.heal();
  for (let index = 20; index < 60; index += 1) await say(app, `message ${index}`);
  await untilDrained(app);
  expect(await stored()).toEqual(Array.from({ length: 60 }, (_, index) => `message ${index}`));
});

test('a restart in mid-outage loses nothing, and keeps what was cached', async () => {
  // The deadline holds for storing, too, and a busy disk may take its time.
  const timeouts = { read: 300, write: 5_000 };
  const before = await start({ timeouts });
  await say(before, 'zero');
  await graphiti.ingested();
  await before.agent.get('/facts?q=zero');
  graphiti.fault({ kind: 'refuse' });
  await untilActive(before);
  for (const content of ['one', 'two']) expect((await say(before, content)).status).toBe(202);
  await before.stop();

  const after = await start({ timeouts });
  expect((await after.agent.get('/facts?q=zero')).headers).toHaveProperty('cache-status');
  expect(after.fallback.manager.status()).toMatchObject({ active: true, queue: { size: 2 } });
  expect((await say(after, 'three')).status).toBe(202);
  await graphiti.heal();
  await untilDrained(after);
  expect(await stored()).toEqual(['zero', 'one', 'two', 'three']);
});

test('a store that cannot be written does not stop the app: status tells, live goes on', async () => {
  const app = await start({ store: lowdbStore({ directory: '/proc/graphiti-fallback' }) });
  expect((await say(app, 'live')).status).toBe(200);
  graphiti.fault({ kind: 'refuse' });
  const refused = await say(app, 'kept nowhere');
  expect(refused.status).toBe(507);
  expect(refused.body.code).toBe('FALLBACK_STORE_FAILED');
  const status = await app.agent.get('/health/fallback');
  expect(status.body.store).toMatchObject({ kind: 'lowdb', writable: false });
  expect(status.body.store.problem).toBeTruthy();
  await graphiti.heal();
  await expect
    .poll(async () => (await say(app, 'live again')).status, { timeout: 5_000 })
    .toBe(200);
});

test('the status says what happens, and neither payloads nor folders', async () => {
  const app = await start({ breaker: { openFor: 60_000 }, timeouts: {} });
  await say(app, 'zero');
  graphiti.fault({ kind: 'refuse' });
  await untilActive(app);
  await say(app, 'secret payload', 'secret-group');
  const { body, headers, status, text } = await app.agent.get('/health/fallback');
  expect(status).toBe(200);
  expect(headers['cache-control']).toBe('no-store');
  expect(body).toMatchObject({
    name: 'graphiti',
    active: true,
    trigger: 'calls',
    mode: { configured: 'queue_writes', current: 'queue_writes' },
    queue: { size: 1, enqueued: 1 },
    breakers: { graphiti: { state: 'open' } },
    store: { kind: 'lowdb', durability: 'disk', writable: true },
    operations: { accepted: 1, queued: 1 },
  });
  for (const secret of ['secret', folder, graphiti.url]) expect(text).not.toContain(secret);
});

test('an upstream that works again after three unhealthy checks is noticed without a call', async () => {
  const app = await start({ health: { interval: 50 }, breaker: { openFor: 100 } });
  await app.agent.get('/episodes');
  graphiti.fault({ kind: 'unavailable' });
  await expect.poll(() => app.fallback.manager.status().trigger, { timeout: 5_000 }).toBe('health');
  await graphiti.heal();
  await expect.poll(() => app.fallback.manager.active, { timeout: 5_000 }).toBe(false);
});

test('one console line tells when fallback begins, and one when it ends', async () => {
  const lines: string[] = [];
  const logger = {
    warn: (line: string) => lines.push(line),
    info: (line: string) => lines.push(line),
  };
  const app = await start({ logger });
  await app.agent.get('/episodes');
  graphiti.fault({ kind: 'refuse' });
  await untilActive(app);
  expect(lines).toHaveLength(1);
  expect(lines[0]).toMatch(
    /^\[graphiti-fallback\] graphiti .* is down \(calls: ECONNREFUSED\).*queue_writes/,
  );
  expect(lines[0]).toContain('/health/fallback');
  await graphiti.heal();
  await expect.poll(() => app.fallback.manager.active, { timeout: 5_000 }).toBe(false);
  expect(lines[1]).toMatch(/works again after \d/);
});
