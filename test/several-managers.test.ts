/** Two upstreams in one app and one process: what happens to one is nothing to the other. */

import { readdirSync } from 'node:fs';
import { type FallbackManager, getFallbackManager } from '@graphiti-fallback/core';
import { graphitiFallback } from '@graphiti-fallback/express';
import { lowdbStore } from '@graphiti-fallback/store-lowdb';
import { type GraphitiServer, graphitiServer } from '@graphiti-fallback/testing';
import { metrics as api } from '@opentelemetry/api';
import {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics';
import express from 'express';
import supertest from 'supertest';
import { afterAll, afterEach, beforeEach, describe, expect, test } from 'vitest';
import { temporaryFolder } from './temporary-folder.ts';

const exporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE);
const reader = new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 3_600_000 });
const provider = new MeterProvider({ readers: [reader] });
api.setGlobalMeterProvider(provider);
afterAll(() => provider.shutdown());

const folder = temporaryFolder('managers-');
const names = ['memory', 'archive'] as const;
type Name = (typeof names)[number];
let servers: Record<Name, GraphitiServer>;
const closing: (() => unknown)[] = [];

beforeEach(async () => {
  servers = { memory: await graphitiServer(), archive: await graphitiServer() };
});

afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
  for (const name of names) await servers[name].close();
});

/** One app, one folder; each Graphiti below a path of its own. */
function start() {
  const app = express();
  app.use(express.json());
  const managers = Object.fromEntries(
    names.map((name) => {
      const fallback = graphitiFallback({
        name,
        url: servers[name].url,
        application: 'two',
        store: lowdbStore({ directory: folder.path }),
        logger: false,
        recoveryRamp: 0,
        retry: { retries: 0 },
        timeouts: { read: 2_000, write: 2_000 },
        breaker: { failureThreshold: 2, openFor: 200 },
        health: { interval: 0 },
      });
      closing.push(() => fallback.close());
      app.use(`/${name}`, fallback);
      app.get(`/${name}/facts`, async (req, res) => {
        res.json(await req.graphiti.getEpisodes('demo', 10));
      });
      app.post(`/${name}/messages`, async (req, res) => {
        const { text: content } = req.body;
        const message = { role_type: 'user' as const, role: 'ann', content };
        const receipt = await req.graphiti.addMessages('demo', [message]);
        res.status(receipt.outcome === 'applied' ? 200 : 202).json(receipt);
      });
      return [name, fallback.manager];
    }),
  ) as Record<Name, FallbackManager>;
  app.use(graphitiFallback.errors());
  return { agent: supertest(app), managers };
}

async function stored(name: Name) {
  await servers[name].ingested();
  return servers[name].messages('demo').map(({ content }) => content);
}

/** The latest value of a metric for a manager, over the sets that match. */
async function measured(metric: string, manager: string, match: Record<string, string> = {}) {
  await reader.forceFlush();
  const found = exporter
    .getMetrics()
    .at(-1)
    ?.scopeMetrics.flatMap((scope) => scope.metrics)
    .find(({ descriptor }) => descriptor.name === `graphiti_fallback.${metric}`);
  const wanted = { name: manager, ...match };
  return found?.dataPoints
    .filter(({ attributes }) =>
      Object.entries(wanted).every(
        ([key, value]) => attributes[`graphiti_fallback.${key}`] === value,
      ),
    )
    .reduce((sum, { value }) => sum + Number(value), 0);
}

async function archiveDown({ agent, managers }: ReturnType<typeof start>) {
  for (const name of names) {
    await agent
      .post(`/${name}/messages`)
      .send({ text: `museum of ${name}` })
      .expect(202);
    await servers[name].ingested();
    await agent.get(`/${name}/facts`).expect(200);
  }
  servers.archive.fault({ kind: 'refuse' });
  for (let call = 0; call < 2; call += 1) await agent.get('/archive/facts').expect(200);
  expect(managers.archive.active).toBe(true);
}

describe('one of two upstreams is down', () => {
  test('each has its own breaker, answers, queue, status and headers', async () => {
    const app = start();
    const { agent, managers } = app;
    await archiveDown(app);

    const stale = await agent.get('/archive/facts').expect(200);
    expect(stale.headers).toMatchObject({ 'x-fallback-mode': 'queue_writes' });
    expect(stale.text).toContain('museum of archive');
    const live = await agent.get('/memory/facts').expect(200);
    expect(live.headers).not.toHaveProperty('x-fallback-mode');
    expect(live.text).toContain('museum of memory');

    const queued = await agent.post('/archive/messages').send({ text: 'later' }).expect(202);
    const { location = '' } = queued.headers;
    expect(location).toMatch(/^\/archive\/health\/fallback\/operations\//);
    await agent.get(location).expect(200);
    await agent.get(location.replace('archive', 'memory')).expect(404);
    await agent.post('/memory/messages').send({ text: 'now' }).expect(202);

    const status = async (name: Name) => (await agent.get(`/${name}/health/fallback`)).body;
    expect(await status('archive')).toMatchObject({
      name: 'archive',
      active: true,
      queue: { size: 1 },
      // On a busy machine its 200 ms are over by now.
      breakers: { archive: { state: expect.stringMatching(/^(open|half_open)$/) } },
    });
    expect(await status('memory')).toMatchObject({
      name: 'memory',
      active: false,
      queue: { size: 0 },
      breakers: { memory: { state: 'closed' } },
    });
    expect(names.map((name) => getFallbackManager(name))).toEqual(Object.values(managers));

    await servers.archive.heal();
    await expect.poll(() => stored('archive'), { timeout: 5_000 }).toContain('later');
    expect(await stored('memory')).toEqual(['museum of memory', 'now']);
  });

  test('each has its own metrics', async () => {
    const app = start();
    // The counters of managers that the test before has closed go on from where they stood.
    const stale = { outcome: 'stale' };
    const before = (await measured('operations', 'archive', stale)) ?? 0;
    const unharmed = (await measured('operations', 'memory', stale)) ?? 0;
    await archiveDown(app);
    expect(await measured('active', 'archive')).toBe(1);
    expect(await measured('active', 'memory')).toBe(0);
    const closed = (name: string) => ({ 'breaker.name': name, 'breaker.state': 'closed' });
    expect(await measured('breaker.state', 'memory', closed('memory'))).toBe(1);
    expect(await measured('breaker.state', 'archive', closed('archive'))).toBe(0);
    expect(await measured('operations', 'archive', stale)).toBe(before + 2);
    expect(await measured('operations', 'memory', stale)).toBe(unharmed);
  });

  test('each has its own folder below the one of both, and takes up its own after a restart', async () => {
    const app = start();
    await archiveDown(app);
    servers.memory.fault({ kind: 'refuse' });
    for (const name of names)
      await app.agent.post(`/${name}/messages`).send({ text: `for ${name}` });
    expect(readdirSync(folder.path).map((home) => home.split('-')[0])).toEqual([...names].sort());
    for (const close of closing.splice(0).reverse()) await close();

    for (const name of names) await servers[name].heal();
    const { managers } = start();
    await Promise.all(Object.values(managers).map((manager) => manager.open()));
    for (const name of names)
      await expect
        .poll(() => stored(name), { timeout: 5_000 })
        .toEqual([`museum of ${name}`, `for ${name}`]);
  });

  test('one that is closed leaves the other as it was', async () => {
    const app = start();
    const { agent, managers } = app;
    await archiveDown(app);
    await managers.memory.close();
    await agent.get('/memory/facts').expect(200);
    expect((await agent.post('/archive/messages').send({ text: 'later' })).status).toBe(202);
    expect(() => getFallbackManager('memory')).toThrow(/there is: 'archive'/);
  });
});
