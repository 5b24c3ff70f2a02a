import { redisStore } from '@graphiti-fallback/store-redis';
import { NodeSDK } from '@opentelemetry/sdk-node';
import { InMemorySpanExporter, SimpleSpanProcessor } from '@opentelemetry/sdk-trace';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { missingRedis, redisServer } from '../redis/server.ts';
import { barriers, openBrowser, picture, screenshots } from './browser.ts';
import { operatorToken, type WatchedApp, watchedApp } from './watched-app.ts';

const sdk = new NodeSDK({
  spanProcessors: [new SimpleSpanProcessor({ exporter: new InMemorySpanExporter() })],
  metricReaders: [],
  logRecordProcessors: [],
  instrumentations: [],
  autoDetectResources: false,
});

let browser: Browser;
const closing: (() => Promise<unknown>)[] = [];

beforeAll(async () => {
  sdk.start();
  browser = await openBrowser();
});

afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

afterAll(async () => {
  await browser.close();
  await sdk.shutdown();
  console.log(`Pictures of the page are in ${screenshots}`);
});

/** How long a page may take to show what has happened, in ms, also on a busy machine. */
const soon = { timeout: 45_000 };

const authorize = ({ headers }: { headers: { authorization?: string | undefined } }) =>
  headers.authorization === `Bearer ${operatorToken}` && 'ann';

async function start(options: Parameters<typeof watchedApp>[0] = {}): Promise<WatchedApp> {
  const app = await watchedApp(options);
  closing.push(() => app.close());
  return app;
}

/** Opens a page on which nothing may go wrong but what `expected` says. */
async function open(
  url: string,
  options: BrowserContextOptions & { readonly expected?: RegExp } = {},
): Promise<Page> {
  const { expected, ...look } = options;
  const context = await browser.newContext(look);
  closing.push(() => context.close());
  const page = await context.newPage();
  const wrong: string[] = [];
  page.on('pageerror', (error) => wrong.push(error.message));
  page.on('console', (message) => {
    if (message.type() === 'error' && !expected?.test(message.text())) wrong.push(message.text());
  });
  closing.push(async () => expect(wrong).toEqual([]));
  await page.goto(url);
  return page;
}

const title = (page: Page) => page.getByRole('heading', { level: 1 }).textContent(soon);

const shows = (page: Page, text: string | RegExp) =>
  page
    .getByText(text)
    .first()
    .waitFor({ state: 'visible', ...soon });

async function enter(page: Page): Promise<void> {
  await page.getByLabel('Access token').fill(operatorToken);
  await page.getByRole('button', { name: 'Open' }).click();
  await shows(page, 'You may act now.');
}

const forbidden = /status of 403/;

test('an outage is seen as it comes and goes, without a reload, behind a proxy that changes paths', async () => {
  const app = await start({ authorize });
  const page = await open(app.proxied, { expected: forbidden });
  const stop = app.traffic(8);
  closing.push(stop);
  await expect.poll(() => title(page), soon).toBe('Live');
  await shows(page, 'Live updates');
  await expect.poll(() => page.getByRole('img', { name: /^Live: [1-9]/ }).count(), soon).toBe(1);
  await picture(page, 'live');

  app.graphiti.fault({ kind: 'refuse' });
  await expect.poll(() => title(page), soon).toBe('Fallback is active');
  await shows(page, /queue_writes/);
  await shows(page, /Because calls failed|Because health checks failed/);
  await expect
    .poll(() => page.getByRole('img', { name: /^Stale or cached: [1-9]/ }).count(), soon)
    .toBe(1);
  await expect
    .poll(() => page.getByRole('img', { name: /^Writes that wait: [1-9]/ }).count(), soon)
    .toBe(1);
  await expect
    .poll(
      () => page.getByRole('img', { name: /graphiti, the last .* not closed for/ }).count(),
      soon,
    )
    .toBe(1);
  const trace = await page.getByRole('link', { name: 'Trace of the outage' }).getAttribute('href');
  expect(trace).toMatch(/^http:\/\/localhost:16686\/trace\/[0-9a-f]{32}$/);
  expect(trace).toContain(app.manager.outageTrace('graphiti'));
  await picture(page, 'outage');

  await app.graphiti.heal();
  await expect.poll(() => title(page), soon).toMatch(/^Live/);
  await expect.poll(() => app.manager.status().queue.size, soon).toBe(0);
  await stop();
  await expect.poll(() => title(page), soon).toBe('Live');
  await shows(page, 'Nothing waits.');
  const rows = await page
    .getByRole('region', { name: 'Transitions, newest first' })
    .getByRole('row')
    .count();
  expect(rows).toBeGreaterThanOrEqual(4);
  await picture(page, 'recovered');
});

test('a dead letter is retried by an operator, from the keyboard', async () => {
  const app = await start({ authorize });
  await app.manager.activate('queue_writes', 'a test');
  const stop = app.traffic(10);
  await expect.poll(() => app.manager.status().queue.size, soon).toBeGreaterThan(3);
  await stop();
  const page = await open(app.url, { expected: forbidden, colorScheme: 'dark' });
  await shows(page, /for operators of this app/);
  expect(await page.getByRole('button', { name: /Retry|Skip|Isolate|Pause/ }).count()).toBe(0);
  await enter(page);

  await page.getByRole('button', { name: /^Skip/ }).first().focus();
  await page.keyboard.press('Enter');
  await page.getByRole('dialog', { name: 'Give up this write?' }).waitFor(soon);
  await picture(page, 'dialog');
  await page.keyboard.press('Escape');
  expect(app.manager.status().queue.states.dead).toBe(0);
  await page.getByRole('button', { name: /^Skip/ }).first().click();
  await page.getByRole('button', { name: 'Give up this write' }).click();
  await shows(page, /Done: skip/);
  await shows(page, 'skipped');
  expect(app.manager.status().queue.states.dead).toBe(1);
  await picture(page, 'operator-dark');
  expect(await barriers(page)).toEqual([]);

  await page.getByRole('button', { name: /^Retry/ }).focus();
  await page.keyboard.press('Enter');
  await shows(page, /Done: retry/);
  await shows(page, 'None. No write was given up.');
  await page.getByRole('button', { name: /^End fallback/ }).click();
  await expect.poll(() => app.manager.status().queue.size, soon).toBe(0);
  await expect.poll(() => title(page), soon).toBe('Live');
});

test('unconfirmed writes are counted for everybody, and listed for an operator, who has one sent again', async () => {
  const app = await start({
    authorize,
    confirm: { within: 200, interval: 50, maxInterval: 100 },
  });
  app.graphiti.fault({ kind: 'dead_worker' });
  const stop = app.traffic(10);
  const unconfirmed = () => app.manager.status().queue.states.unconfirmed;
  await expect.poll(unconfirmed, soon).toBeGreaterThan(2);
  await stop();
  const page = await open(app.url, { expected: forbidden });
  await shows(page, /acknowledged and not seen in time. Operators see which/);
  await enter(page);
  await page.getByRole('table', { name: /Unconfirmed writes/ }).waitFor(soon);
  await picture(page, 'unconfirmed');
  expect(await barriers(page)).toEqual([]);
  app.graphiti.restart();
  const before = unconfirmed();
  await page
    .getByRole('button', { name: /^Send again/ })
    .first()
    .click();
  await shows(page, /Done: retry/);
  await expect.poll(unconfirmed, soon).toBeLessThan(before);
});

test('an operator sets a breaker apart, and lets it go', async () => {
  const app = await start({ authorize });
  app.manager.breaker('reports');
  const page = await open(app.url, { expected: forbidden });
  await enter(page);
  await page.getByRole('button', { name: 'Isolate…: reports' }).click();
  await page.getByLabel('Mode').selectOption('read_only');
  await page.getByLabel('Reason, for people').fill('maintenance');
  await page.getByRole('button', { name: 'Isolate this breaker' }).click();
  await expect.poll(() => title(page), soon).toBe('Live, except reports');
  expect(app.manager.status().breakers.reports?.isolation).toMatchObject({
    mode: 'read_only',
    reason: 'maintenance',
  });
  await shows(page, /mode read_only · maintenance/);
  await picture(page, 'isolated');
  await page.getByRole('button', { name: 'Restore: reports' }).click();
  await expect.poll(() => app.manager.status().breakers.reports?.isolation, soon).toBeUndefined();
});

test('whom the app does not let sees counts only, and is refused', async () => {
  const app = await start({ authorize });
  await app.manager.activate('queue_writes', 'a secret reason');
  const stop = app.traffic(10);
  await expect.poll(() => app.manager.status().queue.size, soon).toBeGreaterThan(0);
  await stop();
  const page = await open(app.url, { expected: forbidden });
  await page.getByLabel('Access token').fill('guessed');
  await page.getByRole('button', { name: 'Open' }).click();
  await shows(page, 'The app does not take this token.');
  const text = await page.locator('body').textContent();
  for (const hidden of ['room-0', 'a secret reason']) expect(text).not.toContain(hidden);
  const answer = await page.evaluate(async () => {
    const response = await fetch('./fallback/actions', {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: '{"action":"pause"}',
    });
    return response.status;
  });
  expect(answer).toBe(403);
  expect(app.manager.queue.paused).toBe(false);
});

test('without `authorize` there is nothing to act with', async () => {
  const app = await start();
  const page = await open(app.url);
  await expect.poll(() => title(page), soon).toBe('Live');
  expect(await page.getByRole('button').count()).toBe(0);
  expect(await page.getByLabel('Access token').count()).toBe(0);
});

test.each([
  ['light', {}],
  ['dark', { colorScheme: 'dark' }],
  ['narrow', { viewport: { width: 360, height: 740 } }],
] as const)('nobody is shut out, and nothing overflows: %s', async (name, look) => {
  const app = await start({ authorize });
  const stop = app.traffic(8);
  app.graphiti.fault({ kind: 'refuse' });
  await expect.poll(() => app.manager.active, soon).toBe(true);
  await expect.poll(() => app.manager.status().queue.size, soon).toBeGreaterThan(0);
  await stop();
  const page = await open(app.url, { expected: forbidden, ...look });
  await expect.poll(() => title(page), soon).toBe('Fallback is active');
  await shows(page, 'Live updates');
  expect(await barriers(page)).toEqual([]);
  const overflow = await page.evaluate(
    'document.documentElement.scrollWidth - document.documentElement.clientWidth',
  );
  expect(overflow).toBe(0);
  await picture(page, name);
});

test('where no stream is to be had the page asks again and again', async () => {
  const app = await start({ events: { most: 0 } });
  const page = await open(app.url, { expected: /status of 503/ });
  await shows(page, 'Updates every 3 s');
  await app.manager.activate('read_only');
  await expect.poll(() => title(page), soon).toBe('Fallback is active');
});

test('a stream that ends is taken up again, and an app that went away is waited for', async () => {
  const app = await start({ events: { lastFor: 1_000 } });
  const page = await open(app.url, { expected: /ERR_|status of/ });
  await shows(page, 'Live updates');
  await page.waitForTimeout(2_500);
  await app.manager.activate('read_only');
  await expect.poll(() => title(page), soon).toBe('Fallback is active');
  const closed = new Promise((resolve) => app.server.close(resolve));
  app.server.closeIdleConnections();
  await shows(page, 'Connection lost, trying again');
  await closed;
});

test('another site’s page can neither act, nor read, nor put the page in a frame', async () => {
  const app = await start({ authorize: () => true });
  const other = await open('data:text/html,<title>another site</title>', { expected: /./ });
  const sent = await other.evaluate(async (url) => {
    const attempts = [
      {
        method: 'POST',
        headers: { 'Content-Type': 'application/json' },
        body: '{"action":"pause"}',
      },
      {
        method: 'POST',
        mode: 'no-cors' as const,
        headers: { 'Content-Type': 'text/plain' },
        body: '{"action":"pause"}',
      },
    ];
    const outcomes = [];
    for (const attempt of attempts)
      outcomes.push(
        await fetch(`${url}/actions`, attempt).then(
          (answer) => answer.type,
          () => 'refused',
        ),
      );
    outcomes.push(
      await fetch(url).then(
        () => 'read',
        () => 'refused',
      ),
    );
    return outcomes;
  }, app.url);
  expect(sent).toEqual(['refused', 'refused', 'refused']);
  expect(app.manager.queue.paused).toBe(false);
  await other.setContent(`<iframe src="${app.url}"></iframe>`);
  await other.waitForTimeout(1_000);
  const framed = other.frames().find((frame) => frame.url().startsWith('http'));
  expect((await framed?.getByRole('heading', { level: 1 }).count()) ?? 0).toBe(0);
});

const lacking = missingRedis();
if (lacking) console.warn(`The fleet on the page is not tested. ${lacking}`);

test.skipIf(lacking)(
  'instances over one Redis are seen as a fleet, and so is their one outage',
  async () => {
    const redis = await redisServer();
    closing.push(() => redis.close());
    const sharing = { store: redisStore({ url: redis.url }) };
    const one = await start(sharing);
    const url = one.graphiti.url;
    const other = await start({ url, store: redisStore({ url: redis.url }) });
    const page = await open(one.url);
    const fleet = page.getByRole('region', { name: 'Fleet' });
    const stops = [one, other].map((app) => app.traffic(5));
    closing.push(() => Promise.all(stops.map((stop) => stop())));
    await expect.poll(() => fleet.textContent(), soon).toMatch(/instances\s*2/);
    await expect.poll(() => fleet.textContent(), soon).toContain('connected');
    one.graphiti.fault({ kind: 'refuse' });
    await expect.poll(() => fleet.textContent(), soon).toContain('one outage');
    await expect
      .poll(() => fleet.textContent(), soon)
      .toMatch(/tries the upstream\s*(this|another)/);
    await picture(page, 'fleet');
    expect(await barriers(page)).toEqual([]);
    const traces = () => [one, other].map(({ manager }) => manager.outageTrace('graphiti'));
    await expect.poll(() => traces()[0], soon).toBeDefined();
    await expect.poll(() => new Set(traces()).size, soon).toBe(1);
    await one.graphiti.heal();
    await expect.poll(() => fleet.textContent(), soon).toContain('connected');
    await redis.kill();
    await expect.poll(() => fleet.textContent(), soon).toContain('on its own');
  },
);
