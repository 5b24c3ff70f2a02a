import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { type FallbackEvents, httpCheck } from '@graphiti-fallback/core';
import { graphitiFallback } from '@graphiti-fallback/express';
import { graphitiServer } from '@graphiti-fallback/testing';
import express from 'express';
import supertest from 'supertest';
import { expect, onTestFinished, test } from 'vitest';

/** An Express app with the one line, before a Graphiti that a test holds in its hand. */
async function start(options: Parameters<typeof graphitiFallback>[0] = {}) {
  const graphiti = await graphitiServer();
  const fallback = graphitiFallback({
    url: graphiti.url,
    logger: false,
    recoveryRamp: 0,
    ...options,
  });
  const app = express();
  app.use(fallback);
  app.get('/facts', async (req, res) => {
    res.json(await req.graphiti.search({ query: 'q', group_ids: ['demo'] }));
  });
  app.get('/episodes', async (req, res) => {
    res.json(await req.graphiti.getEpisodes('demo', 10));
  });
  const server = app.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(async () => {
    server.close();
    server.closeAllConnections();
    await fallback.close();
    await graphiti.close();
  });
  return { agent: supertest(server), graphiti, manager: fallback.manager };
}

const patient = { timeout: 10_000 };

test('the status page has the health of Graphiti and of the kit, component by component', async () => {
  const { agent, graphiti, manager } = await start({
    health: { interval: 0, degradedAbove: 60_000 },
  });
  await agent.get('/episodes').expect(200);
  await manager.checkAndActivate();
  graphiti.fault({ kind: 'throttle', match: { path: '/healthcheck' } });
  // A result on demand is reused for a second.
  await expect
    .poll(async () => {
      await manager.checkAndActivate();
      return manager.health.upstream;
    }, patient)
    .toBe('degraded');
  expect(manager.active).toBe(false);
  const { body, text } = await agent.get('/health/fallback');
  expect(body.health).toMatchObject({
    status: 'degraded',
    upstream: 'degraded',
    components: [
      { name: 'episodes', concerns: 'upstream', critical: true, status: 'healthy', streak: 2 },
      {
        name: 'liveness',
        status: 'degraded',
        history: [{ status: 'healthy' }, { status: 'degraded' }],
      },
      { name: 'search', status: 'unknown' },
      { name: 'ingestion', critical: false, status: 'healthy' },
      { name: 'fallback.store', concerns: 'kit', critical: false },
      { name: 'fallback.queue', concerns: 'kit', critical: false },
    ],
  });
  expect(text).not.toContain(graphiti.url);
});

test('a slow Graphiti is degraded, and spared: reads come from the cache, though it answers', async () => {
  const { agent, graphiti, manager } = await start({
    health: { interval: 20, degradedAbove: 100, shedding: 1 },
  });
  await agent.get('/episodes').expect(200);
  graphiti.fault({ kind: 'slow', ms: 150 });
  await expect.poll(() => manager.health.upstream, patient).toBe('degraded');
  const answer = await agent.get('/episodes').expect(200);
  expect(answer.headers['cache-status']).toMatch(/^graphiti-fallback;hit;ttl=-?\d+;detail=shed$/);
  // Never answered before, so Graphiti is asked.
  expect((await agent.get('/facts').expect(200)).headers).not.toHaveProperty('cache-status');
  expect(manager.active).toBe(false);
});

test('an alert in the background, without an outage, and its end', async () => {
  const search = await graphitiServer();
  onTestFinished(() => search.close());
  const alerts: FallbackEvents['healthAlert'][] = [];
  const { manager } = await start({
    health: {
      interval: 20,
      alertAfter: 2,
      checks: [httpCheck({ name: 'search', url: `${search.url}/healthcheck`, critical: false })],
    },
  });
  manager.on('healthAlert', (event) => alerts.push(event));
  await manager.open();
  await expect.poll(() => manager.health.upstream, patient).toBe('healthy');
  search.fault({ kind: 'unavailable' });
  await expect.poll(() => alerts.length, patient).toBe(1);
  expect(alerts[0]).toMatchObject({ component: 'search', critical: false, raised: true });
  expect(manager.health.upstream).toBe('degraded');
  await search.heal();
  await expect.poll(() => alerts.length, patient).toBe(2);
  expect(alerts[1]).toMatchObject({ component: 'search', raised: false });
  expect(manager.active).toBe(false);
});

test('checks in the background keep no process alive, hanging ones included', async () => {
  const code = `
    import { FallbackManager } from '@graphiti-fallback/core';
    let checks = 0;
    const check = () => { checks += 1; return new Promise(() => {}); };
    const health = { interval: 5, timeoutMs: 20, checks: [{ name: 'hanging', check }] };
    await new FallbackManager({ name: 'a', application: 'a', logger: false, health }).open();
    setTimeout(() => console.log(checks > 1), 200);
  `;
  const program = ['--conditions=@graphiti-fallback/source', '--input-type=module', '-e', code];
  const child = spawn(process.execPath, program, { cwd: import.meta.dirname });
  onTestFinished(() => void child.kill('SIGKILL'));
  const said = child.stdout.setEncoding('utf8').toArray();
  expect(await once(child, 'close')).toEqual([0, null]);
  expect((await said).join('')).toBe('true\n');
});
