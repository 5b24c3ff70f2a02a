import { AsyncLocalStorage } from 'node:async_hooks';
import { expect, test } from 'vitest';
import { AdaptiveBreaker } from '../breaker/adaptive-breaker.ts';
import type { FallbackEvents } from '../events.ts';
import { settled } from '../manual-clock.test.support.ts';
import { refused, testManager } from '../upstream.test.support.ts';
import type { HealthChecker, HealthStatus } from './checker.ts';
import { overall } from './health.ts';

/** A checker that a test holds in its hand. */
function component(name: string, more: Partial<HealthChecker> = {}) {
  const state = { status: 'healthy' as HealthStatus, checks: 0 };
  const checker: HealthChecker = {
    name,
    check: () => {
      state.checks += 1;
      return state.status;
    },
    ...more,
  };
  return Object.assign(state, { checker });
}

type Health = NonNullable<NonNullable<Parameters<typeof testManager>[0]>['health']>;

/** A manager that checks every second; the first time after 50 ms. */
async function monitored(health: Health, options: Parameters<typeof testManager>[0] = {}) {
  const kit = testManager({ ...options, health: { interval: 1_000, ...health } });
  const alerts: FallbackEvents['healthAlert'][] = [];
  const changes: string[] = [];
  kit.manager.on('healthAlert', (event) => alerts.push(event));
  kit.manager.on('healthChanged', ({ of, from, to }) => {
    if (of === 'upstream') changes.push(`${from} > ${to}`);
  });
  await kit.manager.open();
  const of = (name: string) => {
    const found = kit.manager.health.system().components.find((each) => each.name === name);
    if (!found) throw new Error(`No component '${name}'`);
    return found;
  };
  return { ...kit, alerts, changes, of };
}

const known = (status: HealthStatus, critical = true) => ({ status, critical });

test.each([
  [[], 'unknown'],
  [[known('unknown')], 'unknown'],
  [[known('unknown'), known('healthy')], 'healthy'],
  [[known('healthy'), known('degraded')], 'degraded'],
  [[known('healthy'), known('unhealthy', false)], 'degraded'],
  [[known('healthy', false), known('unhealthy'), known('degraded')], 'unhealthy'],
] as const)('all together are as the worst critical one: %#', (components, status) => {
  expect(overall(components)).toBe(status);
});

test('nothing is known before the first check, which comes soon after the start', async () => {
  const { manager, clock, of } = await monitored({ checks: [component('db').checker] });
  expect(manager.health.system()).toMatchObject({ status: 'unknown', upstream: 'unknown' });
  expect(of('db')).toMatchObject({ status: 'unknown', streak: 0, history: [] });
  expect(of('db')).not.toHaveProperty('checkedAt');
  await clock.advance(50);
  expect(manager.health.system()).toMatchObject({ status: 'healthy', upstream: 'healthy' });
  expect(manager.status().health).toEqual(manager.health.system());
});

test('a component tells since when it is so, how often in a row, and how it was', async () => {
  const db = component('db');
  const { clock, of } = await monitored({ checks: [db.checker], history: 3 });
  await clock.advance(1_050);
  db.status = 'degraded';
  const before = clock.now();
  await clock.advance(2_000);
  expect(of('db')).toMatchObject({
    concerns: 'upstream',
    critical: true,
    status: 'degraded',
    since: before + 1_000,
    checkedAt: before + 2_000,
    tookMs: 0,
    streak: 2,
  });
  expect(of('db').history).toEqual([
    { at: before, status: 'healthy', tookMs: 0 },
    { at: before + 1_000, status: 'degraded', tookMs: 0 },
    { at: before + 2_000, status: 'degraded', tookMs: 0 },
  ]);
});

test('a healthy answer that is slow is degraded, by its own threshold or the one of all', async () => {
  const slow = (name: string, ms: number, more = {}): HealthChecker => ({
    name,
    check: () => new Promise((resolve) => void kit.clock.after(ms, () => resolve(undefined))),
    ...more,
  });
  const kit = testManager({
    health: {
      interval: 10_000,
      degradedAbove: 100,
      checks: [
        slow('quick', 100),
        slow('slow', 101),
        slow('patient', 101, { degradedAbove: 200 }),
        slow('late', 400, { timeoutMs: 300 }),
      ],
    },
  });
  await kit.manager.open();
  await kit.clock.advance(2_000);
  const found = kit.manager.health.system().components;
  const status = Object.fromEntries(found.map((each) => [each.name, each.status]));
  expect(status).toMatchObject({
    quick: 'healthy',
    slow: 'degraded',
    patient: 'healthy',
    late: 'unhealthy',
  });
  expect(found.find(({ name }) => name === 'late')?.tookMs).toBe(300);
});

test('one check at a time: who asks meanwhile shares it', async () => {
  let checks = 0;
  let answer = (): void => {};
  const { manager, clock } = await monitored({
    interval: 1_000,
    timeoutMs: 60_000,
    checks: [
      {
        name: 'hanging',
        check: () => {
          checks += 1;
          return new Promise<undefined>((resolve) => {
            answer = () => resolve(undefined);
          });
        },
      },
    ],
  });
  await clock.advance(5_000);
  const asked = manager.checkAndActivate();
  await settled();
  expect(checks).toBe(1);
  answer();
  expect(await asked).toBe(false);
  await clock.advance(1_000);
  expect(checks).toBe(2);
});

test('three unhealthy checks in a row of one critical component trip the breaker', async () => {
  const [a, b] = [component('a'), component('b')];
  const { manager, clock } = await monitored({ checks: [a.checker, b.checker] });
  // One after the other: neither is down for good.
  for (let round = 0; round < 8; round += 1) {
    a.status = round % 2 === 0 ? 'unhealthy' : 'healthy';
    b.status = round % 2 === 0 ? 'healthy' : 'unhealthy';
    await clock.advance(1_000);
  }
  expect(manager.active).toBe(false);
  a.status = 'unhealthy';
  b.status = 'healthy';
  await clock.advance(2_000);
  expect(manager.active).toBe(false);
  await clock.advance(1_000);
  expect(manager.status()).toMatchObject({ active: true, trigger: 'health' });
});

test('what is not critical never trips the breaker, neither does what is degraded', async () => {
  const search = component('search', { critical: false });
  const db = component('db');
  const { manager, clock } = await monitored({ checks: [search.checker, db.checker] });
  search.status = 'unhealthy';
  db.status = 'degraded';
  await clock.advance(20_000);
  expect(await manager.checkAndActivate()).toBe(false);
  expect(manager.health.system()).toMatchObject({ status: 'degraded', upstream: 'degraded' });
});

test('after N failures in a row it is told once, and once more when it is well again', async () => {
  const search = component('search', { critical: false });
  const { clock, alerts, of } = await monitored({ checks: [search.checker], alertAfter: 4 });
  search.status = 'unhealthy';
  await clock.advance(3_000);
  expect(of('search')).toMatchObject({ streak: 3, alerting: false });
  expect(alerts).toEqual([]);
  const at = clock.now() + 50;
  await clock.advance(5_000);
  expect(alerts).toEqual([
    { component: 'search', critical: false, raised: true, since: at - 3_000, at },
  ]);
  search.status = 'unknown';
  await clock.advance(1_000);
  expect(of('search').alerting).toBe(true);
  search.status = 'healthy';
  await clock.advance(3_000);
  expect(alerts.map(({ raised }) => raised)).toEqual([true, false]);
  search.status = 'unhealthy';
  await clock.advance(4_000);
  expect(alerts.map(({ raised }) => raised)).toEqual([true, false, true]);
});

test('an alert is not over because a check between two failures told nothing', async () => {
  const search = component('search', { critical: false });
  const { clock, alerts, of } = await monitored({ checks: [search.checker] });
  search.status = 'unhealthy';
  await clock.advance(3_000);
  search.status = 'unknown';
  await clock.advance(1_000);
  search.status = 'unhealthy';
  await clock.advance(1_000);
  expect(of('search')).toMatchObject({ status: 'unhealthy', streak: 1, alerting: true });
  expect(alerts.map(({ raised }) => raised)).toEqual([true]);
});

test('a person without an SDK reads of an alert that brings about no outage', async () => {
  const lines: string[] = [];
  const logger = {
    warn: (line: string) => lines.push(line),
    info: (line: string) => lines.push(line),
  };
  const search = component('search', { critical: false });
  const db = component('db');
  const { clock } = await monitored({ checks: [search.checker, db.checker] }, { logger });
  search.status = 'unhealthy';
  await clock.advance(5_000);
  search.status = 'healthy';
  await clock.advance(2_000);
  expect(lines).toEqual([
    "[graphiti-fallback] items: the health check 'search' fails again and again",
    "[graphiti-fallback] items: 'search' is well again",
  ]);
  db.status = 'unhealthy';
  await clock.advance(3_000);
  expect(lines.slice(2)).toEqual([expect.stringMatching(/items is down \(health: db\)\./)]);
});

test('changes of the whole are told as they come', async () => {
  const db = component('db');
  const { clock, changes } = await monitored({ checks: [db.checker] });
  await clock.advance(1_050);
  db.status = 'degraded';
  await clock.advance(2_000);
  db.status = 'unhealthy';
  await clock.advance(1_000);
  db.status = 'healthy';
  await clock.advance(1_000);
  expect(changes).toEqual([
    'unknown > healthy',
    'healthy > degraded',
    'degraded > unhealthy',
    'unhealthy > healthy',
  ]);
});

test('an outage is checked at the half-open times, and again at once when it is over', async () => {
  const db = component('db');
  const kit = await monitored({ interval: 20_000, checks: [db.checker] });
  const { clock, manager } = kit;
  await clock.advance(1_000);
  db.status = 'unhealthy';
  await clock.advance(60_000);
  expect(manager.status().breakers.items?.state).toBe('open');
  const { checks } = db;
  await clock.advance(59_000);
  expect(db.checks).toBe(checks);
  await clock.advance(1_000);
  expect(db.checks).toBe(checks + 1);
  expect(manager.status().breakers.items?.state).toBe('open');
  // A call ends the outage: what the last check found is old, and the next one would be far away.
  await clock.advance(59_999);
  kit.upstream.fail = undefined;
  db.status = 'unknown';
  await clock.advance(1);
  await kit.get('a');
  db.status = 'healthy';
  await kit.get('a');
  expect(manager.active).toBe(false);
  await clock.advance(1);
  expect(kit.of('db')).toMatchObject({ status: 'healthy', checkedAt: clock.now() - 1 });
});

test('a slow answer proves that the upstream works all the same', async () => {
  const kit = testManager({
    breaker: { failureThreshold: 1 },
    health: {
      interval: 0,
      degradedAbove: 10,
      checks: [
        {
          name: 'slow',
          check: () => new Promise((resolve) => void kit.clock.after(50, () => resolve('healthy'))),
        },
      ],
    },
  });
  kit.upstream.fail = refused;
  await kit.get('a').catch(() => {});
  expect(kit.manager.active).toBe(true);
  await kit.clock.advance(70_000);
  expect(kit.manager.active).toBe(false);
  expect(kit.manager.health.upstream).toBe('degraded');
});

test('what is not critical ends no outage', async () => {
  const kit = testManager({
    breaker: { failureThreshold: 1 },
    health: { checks: [component('search', { critical: false }).checker] },
  });
  kit.upstream.fail = refused;
  await kit.get('a').catch(() => {});
  await kit.clock.advance(300_000);
  expect(kit.manager.status().breakers.items?.state).toBe('half_open');
});

test('a failing call has the upstream checked, at most once a second, as one of the three', async () => {
  const db = component('db');
  const kit = await monitored({ interval: 30_000, checks: [db.checker] });
  await kit.clock.advance(5_000);
  db.checks = 0;
  kit.upstream.fail = refused;
  const failing = () => kit.get('a').catch(() => {});
  await Promise.all([failing(), failing()]);
  await settled();
  expect(db.checks).toBe(1);
  db.status = 'unhealthy';
  kit.upstream.fail = undefined;
  for (let second = 0; second < 3; second += 1) {
    await kit.get('b');
    kit.upstream.fail = refused;
    await kit.clock.advance(1_000);
    await failing();
    kit.upstream.fail = undefined;
    await settled();
  }
  expect(kit.manager.status()).toMatchObject({ active: true, trigger: 'health' });
});

test('without an interval nothing is checked in the background, not even after a failed call', async () => {
  const db = component('db');
  const kit = await monitored({ interval: 0, checks: [db.checker] });
  kit.upstream.fail = refused;
  await kit.get('a').catch(() => {});
  await kit.clock.advance(120_000);
  expect(db.checks).toBe(0);
});

test('a check carries no request along', async () => {
  const request = new AsyncLocalStorage<string>();
  const seen: (string | undefined)[] = [];
  const kit = testManager({
    health: {
      interval: 10_000,
      checks: [{ name: 'db', check: () => void seen.push(request.getStore()) }],
    },
  });
  await request.run('a request', () => kit.get('a'));
  await kit.clock.advance(2_000);
  const before = seen.length;
  kit.upstream.fail = refused;
  await request.run('a request', () => kit.get('b').catch(() => {}));
  await settled();
  expect(seen.length).toBe(before + 1);
  await request.run('a request', () => kit.manager.checkAndActivate());
  expect(seen.length).toBe(before + 2);
  expect(new Set(seen)).toEqual(new Set([undefined]));
});

test('close ends the checks that are under way, and says nothing of them', async () => {
  const reasons: unknown[] = [];
  const kit = await monitored({
    timeoutMs: 60_000,
    checks: [
      {
        name: 'hanging',
        check: ({ signal }) =>
          new Promise((_resolve, reject) => {
            signal.addEventListener('abort', () => {
              reasons.push(signal.reason);
              reject(signal.reason);
            });
          }),
      },
    ],
  });
  await kit.clock.advance(100);
  await kit.manager.close();
  expect(reasons).toHaveLength(1);
  await kit.clock.advance(10_000);
  expect(kit.of('hanging')).toMatchObject({ status: 'unknown', streak: 0, history: [] });
  expect(await kit.manager.checkAndActivate()).toBe(false);
  expect(reasons).toHaveLength(1);
});

test('an adaptive breaker is as strict as the health of a manager asks for', async () => {
  const db = component('db');
  const kit = await monitored({ checks: [db.checker] });
  const breaker = new AdaptiveBreaker({ health: kit.manager.health });
  const fails = async (times: number) => {
    for (let call = 0; call < times; call += 1)
      await breaker.execute(() => Promise.reject(refused())).catch(() => {});
    return breaker.status().state;
  };
  await kit.clock.advance(100);
  expect(await fails(4)).toBe('closed');
  breaker.reset();
  db.status = 'degraded';
  await kit.clock.advance(1_000);
  expect(await fails(2)).toBe('closed');
  expect(await fails(1)).toBe('open');
});

test('what is no status tells nothing, and is said once', async () => {
  const warnings: string[] = [];
  const kit = testManager({
    health: { interval: 1_000, checks: [{ name: 'db', check: (() => 'PONG') as never }] },
  });
  kit.manager.on('warning', ({ message }) => warnings.push(message));
  await kit.manager.open();
  await kit.clock.advance(10_000);
  expect(kit.manager.health.upstream).toBe('unknown');
  expect(warnings).toEqual([expect.stringContaining("'db' answered something that is no status")]);
});

test("the kit's own parts are checked too, and say nothing about the upstream", async () => {
  const kit = testManager({
    queue: { maxEntries: 5 },
    health: { interval: 1_000, checks: [component('db').checker] },
  });
  await kit.manager.open();
  const queue = () =>
    kit.manager.health.system().components.find(({ name }) => name === 'fallback.queue');
  await kit.clock.advance(100);
  expect(queue()).toMatchObject({ concerns: 'kit', critical: false, status: 'healthy' });
  kit.upstream.fail = refused;
  for (let write = 0; write < 4; write += 1) await kit.put({ id: `${write}`, value: '' });
  await kit.clock.advance(1_000);
  expect(queue()?.status).toBe('degraded');
  await kit.put({ id: 'last', value: '' });
  expect(kit.manager.active).toBe(true);
  await kit.clock.advance(1_000);
  expect(queue()?.status).toBe('unhealthy');
  expect(kit.manager.health.system()).toMatchObject({ status: 'degraded', upstream: 'healthy' });
});

const check = (): undefined => undefined;

test.each<[object[], RegExp]>([
  [[{ name: '', check }], /`name` of the health check ''.*not empty/],
  [[{ name: 'a', check, timeoutMs: 0 }], /`timeoutMs` of the health check 'a'/],
  [[{ name: 'a', check, critical: 'yes' }], /`critical`.*true or false/],
  [[{ name: 'fallback.store', check }], /not to begin with `fallback\.`/],
  [
    [
      { name: 'a', check },
      { name: 'a', check },
    ],
    /unique, got 'a' again/,
  ],
])('wrong checks are refused in the words of whoever wrote them: %#', (checks, message) => {
  expect(() => testManager({ health: { checks: checks as never } })).toThrow(message);
});

test.each([
  [{ shedding: 1.5 }, /`shedding`.*a number from 0 to 1, got 1.5/],
  [{ alertAfter: 0 }, /`alertAfter`.*1 or more/],
  [{ degradedAbove: -1 }, /`degradedAbove`.*0 or more milliseconds/],
])('wrong options are refused: %#', (health, message) => {
  expect(() => testManager({ health })).toThrow(message);
});
