/** What can happen to an app, one scenario each: together they emit everything that the contract holds. */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  FallbackManager,
  type FallbackManagerOptions,
  type HealthStatus,
  memoryJournal,
} from '@graphiti-fallback/core';
import { graphitiFallback } from '@graphiti-fallback/express';
import { lowdbStore } from '@graphiti-fallback/store-lowdb';
import { graphitiServer } from '@graphiti-fallback/testing';
import express from 'express';
import request from 'supertest';
import { expect } from 'vitest';

/** What no telemetry may hold: a payload, a key, an entity's id, credentials, a text of the upstream. */
export const secrets = {
  payload: 'secret-payload',
  key: 'secret-key',
  entity: 'secret-entity',
  token: 'secret-token',
  upstreamText: 'secret-upstream-text',
  reason: 'secret-reason',
} as const;

/** Something that happens, and is over when it resolves. */
export interface Scenario {
  readonly name: string;
  run(): Promise<void>;
}

let count = 0;

/** A service whose answers a scenario holds in its hand, and a manager before it. */
function subject(options: Partial<FallbackManagerOptions> = {}) {
  count += 1;
  const name = `scenario-${count}`;
  const upstream: { failing?: number | undefined; health: HealthStatus } = { health: 'healthy' };
  const manager = new FallbackManager({
    name,
    upstream: `http://user:${secrets.token}@127.0.0.1:1`,
    application: 'telemetry-test',
    logger: false,
    recoveryRamp: 0,
    retry: { retries: 0 },
    breaker: { failureThreshold: 2, successThreshold: 1, openFor: 40 },
    ...options,
  });
  const answer = async () => {
    if (upstream.failing === undefined) return { text: secrets.payload };
    const response = { detail: secrets.upstreamText };
    throw Object.assign(new Error(secrets.upstreamText), { status: upstream.failing, response });
  };
  const entity = { type: 'thing', id: secrets.entity };
  const read = manager.read(`${name}.read`, {
    run: (_key: string) => answer(),
    entities: () => [entity],
  });
  const write = manager.write(`${name}.write`, {
    run: (_input: { text: string }) => answer(),
    entity: () => entity,
    idempotent: true,
  });
  const quietly = (call: Promise<unknown>) => call.catch(() => {});
  return {
    name,
    manager,
    upstream,
    read: (key: string = secrets.key) => read(`${secrets.key}-${key}`),
    write: () => write({ text: secrets.payload }),
    async open() {
      upstream.failing = 503;
      await quietly(read('never answered'));
      await quietly(read('never answered either'));
      expect(manager.active).toBe(true);
    },
    async recover() {
      upstream.failing = undefined;
      await until(async () => {
        await quietly(read('is it back'));
        return !manager.active && manager.status().queue.size === 0;
      });
    },
  };
}

async function until(holds: () => Promise<boolean> | boolean): Promise<void> {
  await expect.poll(holds, { timeout: 10_000, interval: 10 }).toBe(true);
}

const live: Scenario = {
  name: 'live calls',
  async run() {
    const { manager, read, write } = subject();
    await read();
    await write();
    await manager.close();
  },
};

const rejected: Scenario = {
  name: "the caller's faults",
  async run() {
    const { manager, upstream, read, write } = subject();
    upstream.failing = 422;
    await expect(read()).rejects.toThrow();
    await expect(write()).rejects.toThrow();
    await manager.close();
  },
};

const retried: Scenario = {
  name: 'a second try',
  async run() {
    const { name, manager } = subject({ retry: { retries: 2, initialDelay: 1, maxDelay: 2 } });
    let tries = 0;
    const flaky = manager.read(`${name}.flaky`, {
      run: async () => {
        tries += 1;
        if (tries === 1) throw Object.assign(new Error(secrets.upstreamText), { status: 503 });
        return secrets.payload;
      },
    });
    await flaky(undefined);
    await manager.close();
  },
};

const cached: Scenario = {
  name: 'a fresh answer',
  async run() {
    const { manager, read } = subject({ cache: { ttl: 60_000 } });
    await read();
    await read();
    await manager.close();
  },
};

const outage: Scenario = {
  name: 'an outage: stale answers, queued writes, refusals, recovery',
  async run() {
    const { manager, read, write, open, recover } = subject();
    await read();
    await open();
    await read();
    expect(await write()).toMatchObject({ outcome: 'queued' });
    await recover();
    expect(manager.status().queue.replayed).toBe(1);
    await manager.close();
  },
};

const byHealth: Scenario = {
  name: 'an outage that health checks find',
  async run() {
    const upstream: { health: HealthStatus } = { health: 'healthy' };
    const check = { name: 'ping', check: () => upstream.health };
    const { manager, recover } = subject({ health: { checks: [check], interval: 0 } });
    await manager.checkAndActivate();
    expect(manager.active).toBe(false);
    upstream.health = 'unhealthy';
    await until(() => manager.checkAndActivate());
    await until(() =>
      manager.status().health.components.some((each) => each.status === 'unhealthy'),
    );
    upstream.health = 'healthy';
    await recover();
    await manager.close();
  },
};

const byHand: Scenario = {
  name: 'fallback by hand',
  async run() {
    const { manager, write, recover } = subject();
    await manager.activate('queue_writes', secrets.reason);
    await write();
    await manager.deactivate();
    await recover();
    await manager.close();
  },
};

const restart: Scenario = {
  name: 'a restart in an outage, on lowdb files',
  async run() {
    const directory = mkdtempSync(join(tmpdir(), 'telemetry-'));
    const first = subject({ store: lowdbStore({ directory }) });
    const { name } = first;
    await first.open();
    await first.write();
    await first.manager.close();
    const second = subject({ store: lowdbStore({ directory }), name });
    second.manager.write(`${name}.write`, { run: async () => ({}), idempotent: true });
    await second.recover();
    await second.manager.close();
    rmSync(directory, { recursive: true });
  },
};

const deadLetter: Scenario = {
  name: 'a write that is given up',
  async run() {
    const { manager, upstream, write, open } = subject();
    await open();
    await write();
    upstream.failing = 422;
    await until(() => manager.status().queue.deadLettered === 1);
    await manager.close();
  },
};

const unconfirmed: Scenario = {
  name: 'writes that are acknowledged, and not done at first',
  async run() {
    const { name, manager } = subject();
    const done: string[] = [];
    const post = manager.write(`${name}.post`, {
      run: async (_input: { text: string }) => 'taken',
      confirm: {
        together: () => secrets.entity,
        look: () => done,
        within: 30,
        interval: 5,
        maxInterval: 10,
        unconfirmed: 'resend',
      },
      reconcileFor: 0,
    });
    const receipt = await post({ text: secrets.payload });
    const { queue } = manager.status();
    expect([receipt.outcome, queue.accepted]).toEqual(['accepted', 1]);
    await until(() => manager.status().queue.resent > 0);
    if (receipt.outcome === 'accepted') done.push(receipt.operation);
    await until(() => manager.status().queue.confirmed === 1);
    await manager.close();
  },
};

const brokenStore: Scenario = {
  name: 'a store that fails',
  async run() {
    const store = memoryJournal();
    const commit = store.commit.bind(store);
    let broken = true;
    const { manager, write, open, recover } = subject({
      store: Object.assign(store, {
        commit: (...args: Parameters<typeof commit>) =>
          broken ? Promise.reject(new Error(secrets.upstreamText)) : commit(...args),
      }),
    });
    await open();
    await expect(write()).rejects.toMatchObject({ code: 'FALLBACK_STORE_FAILED' });
    broken = false;
    await recover();
    await manager.close();
  },
};

const overHttp: Scenario = {
  name: 'Graphiti behind Express',
  async run() {
    const graphiti = await graphitiServer();
    const app = express().use(express.json());
    const middleware = graphitiFallback({
      url: graphiti.url,
      store: memoryJournal(),
      logger: false,
      recoveryRamp: 0,
      retry: { retries: 0 },
      breaker: { failureThreshold: 1, successThreshold: 1, openFor: 40 },
      headers: () => ({ authorization: `Bearer ${secrets.token}` }),
      authorize: ({ headers }) => headers.authorization === 'Bearer operator' && 'ann',
    });
    app.use(middleware);
    app.get('/facts', async (req, res) => {
      res.json(await req.graphiti.search({ query: secrets.key, group_ids: [secrets.entity] }));
    });
    app.post('/messages', async (req, res) => {
      const message = { role_type: 'user' as const, role: 'ann', content: req.body.text };
      res.status(202).json(await req.graphiti.addMessages(secrets.entity, [message]));
    });
    app.use(graphitiFallback.errors());
    await request(app).get('/facts').expect(200);
    graphiti.fault({ kind: 'refuse' });
    await request(app).get('/facts').expect(200).expect('age', /\d/);
    await request(app).post('/messages').send({ text: secrets.payload }).expect(202);
    graphiti.heal();
    const { manager } = middleware;
    const act = () => request(app).post('/health/fallback/actions').send({ action: 'pause' });
    await act().expect(403);
    await act().set('authorization', 'Bearer operator').expect(200);
    manager.queue.resume();
    await until(async () => {
      await request(app).get('/facts');
      return !manager.active && manager.status().queue.size === 0;
    });
    await middleware.close();
    await graphiti.close();
  },
};

/** All of them. */
export const scenarios: readonly Scenario[] = [
  live,
  rejected,
  retried,
  cached,
  outage,
  byHealth,
  byHand,
  restart,
  deadLetter,
  unconfirmed,
  brokenStore,
  overHttp,
];
