import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { graphitiServer } from '@graphiti-fallback/testing';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { endApps, startApp } from './child-app.ts';
import { freePort } from './free-port.ts';

const examples = join(import.meta.dirname, '../examples');
let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'examples-'));
});

afterEach(async () => {
  await endApps();
  rmSync(folder, { recursive: true, force: true });
});

test.each(['express-app', 'koa-app'])(
  '%s: live, stale and queued, replayed, and a clean end',
  async (example) => {
    const graphiti = await graphitiServer();
    const port = await freePort();
    const app = await startApp({
      file: join(examples, example, 'src/app.ts'),
      cwd: folder,
      port,
      environment: {
        PORT: String(port),
        GRAPHITI_URL: graphiti.url,
        CIRCUIT_TIMEOUT: '0.2',
        CIRCUIT_FAILURE_THRESHOLD: '1',
      },
    });
    expect((await app.post('/messages', { text: 'The museum opens at nine' })).status).toBe(202);
    await graphiti.ingested();
    const live = await fetch(`${app.url}/facts?q=museum`);
    expect(live.headers.get('x-fallback-mode')).toBeNull();
    const { facts } = (await live.json()) as { facts: unknown[] };
    expect(facts).toHaveLength(1);
    graphiti.fault({ kind: 'refuse' });
    const stale = await fetch(`${app.url}/facts?q=museum`);
    expect(stale.headers.get('cache-status')).toContain('stale-if-error');
    expect(await stale.json()).toEqual({ facts });
    const never = await fetch(`${app.url}/facts?q=never`);
    expect([never.status, never.headers.get('content-type')]).toEqual([
      503,
      expect.stringContaining('application/problem+json'),
    ]);
    const queued = await app.post('/messages', { text: 'It closes at five' });
    expect(queued.status).toBe(202);
    const location = queued.headers.get('location');
    expect(location).toMatch(/^\/health\/fallback\/operations\/[0-9a-f-]{36}$/);
    const state = async () => {
      const answer = await fetch(`${app.url}${location}`);
      return ((await answer.json()) as { state: string }).state;
    };
    expect(['ready', 'in_flight']).toContain(await state());
    await graphiti.heal();
    await expect.poll(state, { timeout: 10_000 }).toBe('confirmed');
    expect(graphiti.messages('demo').map(({ content }) => content)).toEqual([
      'The museum opens at nine',
      'It closes at five',
    ]);
    expect(await app.end()).toBe(0);
    await graphiti.close();
  },
);

test('any-upstream: a question that was saved during the outage shows at once, and is sent later', {
  timeout: 30_000,
}, async () => {
  const [port, upstreamPort] = [await freePort(), await freePort()];
  const startUpstream = () =>
    startApp({
      file: join(examples, 'any-upstream/src/questions-service.ts'),
      cwd: folder,
      port: upstreamPort,
      environment: { PORT: String(upstreamPort) },
      ready: '/health',
    });
  const upstream = await startUpstream();
  const app = await startApp({
    file: join(examples, 'any-upstream/src/app.ts'),
    cwd: folder,
    port,
    environment: { PORT: String(port), QUESTIONS_URL: upstream.url },
  });
  const save = async (text: string) => {
    const { status } = await fetch(`${app.url}/questions/1`, {
      method: 'PUT',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ topic: 'art', text }),
    });
    return status;
  };
  const question = async () => (await fetch(`${app.url}/questions/1`)).json();
  expect(await save('Who painted it?')).toBe(200);
  expect(await question()).toMatchObject({ text: 'Who painted it?', outcome: 'live' });
  await upstream.end('SIGKILL');
  expect(await save('When was it painted?')).toBe(202);
  expect(await question()).toMatchObject({
    text: 'When was it painted?',
    outcome: 'stale',
    pending: 1,
  });
  await startUpstream();
  await expect
    .poll(question, { timeout: 15_000 })
    .toMatchObject({ text: 'When was it painted?', outcome: 'live', pending: 0 });
  expect(await app.end()).toBe(0);
});

test('agent-memory: in an outage it answers with what it knew, remembers what is said, and forgets nothing', {
  timeout: 30_000,
}, async () => {
  const graphiti = await graphitiServer();
  const port = await freePort();
  const app = await startApp({
    file: join(examples, 'agent-memory/src/app.ts'),
    cwd: folder,
    port,
    environment: {
      PORT: String(port),
      GRAPHITI_URL: graphiti.url,
      CIRCUIT_TIMEOUT: '0.2',
      CIRCUIT_FAILURE_THRESHOLD: '1',
    },
  });
  const say = async (text: string) => (await app.post('/conversations/ann', { text })).json();
  const ask = async (path: string) => (await fetch(`${app.url}${path}`)).json();
  expect(await say('My sister lives in Lisbon.')).toMatchObject({
    factsAre: 'live',
    remembered: ['accepted', 'accepted'],
  });
  await graphiti.ingested();
  const known = await say('Where does my sister live?');
  expect(known).toMatchObject({ factsAre: 'live', answer: expect.stringContaining('Lisbon') });
  graphiti.fault({ kind: 'refuse' });
  const meanwhile = await say('Where does my sister live?');
  expect(meanwhile).toMatchObject({
    factsAre: 'stale',
    answer: expect.stringContaining('Lisbon'),
    remembered: ['queued', 'queued'],
  });
  expect(await say('She plays the cello.')).toMatchObject({ factsAre: 'unavailable' });
  const { turns } = (await ask('/conversations/ann')) as { turns: object[] };
  expect(turns.at(-2)).toEqual({ speaker: 'user', text: 'She plays the cello.', pending: true });
  await expect
    .poll(async () => ask('/memory'), { timeout: 10_000 })
    .toMatchObject({ state: 'down' });
  await graphiti.heal();
  const stored = () => graphiti.episodes('ann').length;
  await expect.poll(stored, { timeout: 15_000 }).toBe(8);
  expect(await app.end()).toBe(0);
  await graphiti.close();
});
