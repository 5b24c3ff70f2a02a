import { expect, test } from 'vitest';
import type { HealthStatus } from './health/checker.ts';
import { refused, testManager } from './upstream.test.support.ts';

/** Numbers from 0 to 1 in even steps, so that a share is met exactly. */
function evenly(steps: number): () => number {
  let step = 0;
  return () => (step++ % steps) / steps;
}

/** A manager whose upstream is as the test says, with an answer for `a` in its cache. */
async function kitOf(options: Parameters<typeof testManager>[0] = {}) {
  const state = { status: 'healthy' as HealthStatus };
  const kit = testManager({
    random: evenly(10),
    ...options,
    health: {
      interval: 1_000,
      checks: [{ name: 'db', proves: false, check: () => state.status }],
      ...options.health,
    },
  });
  await kit.get('a');
  const become = async (status: HealthStatus) => {
    state.status = status;
    await kit.clock.advance(1_200);
    expect(kit.manager.health.upstream).toBe(status);
  };
  const outcomes = async (reads: number, id = 'a') => {
    const counts: Record<string, number> = { live: 0, stale: 0 };
    for (let read = 0; read < reads; read += 1) {
      const { outcome } = await kit.get.detailed(id);
      counts[outcome] = (counts[outcome] ?? 0) + 1;
    }
    return counts;
  };
  return { ...kit, become, outcomes };
}

test('the chosen share of reads answers from the cache while the upstream is degraded', async () => {
  const { become, outcomes, upstream } = await kitOf({ health: { shedding: 0.3 } });
  expect(await outcomes(100)).toEqual({ live: 100, stale: 0 });
  await become('degraded');
  upstream.received.length = 0;
  expect(await outcomes(100)).toEqual({ live: 70, stale: 30 });
  expect(upstream.received).toHaveLength(70);
  await become('healthy');
  expect(await outcomes(100)).toEqual({ live: 100, stale: 0 });
});

test('an unhealthy upstream, before its breaker opens, is spared as a degraded one is', async () => {
  const { manager, become, outcomes } = await kitOf({ health: { shedding: 1 } });
  await become('unhealthy');
  expect(manager.active).toBe(false);
  expect(await outcomes(5)).toEqual({ live: 0, stale: 5 });
});

test('nothing is shed unless the app says so, nor while nothing is known', async () => {
  const off = await kitOf();
  await off.become('degraded');
  expect(await off.outcomes(50)).toEqual({ live: 50, stale: 0 });
  const unknown = await kitOf({ health: { shedding: 1 } });
  await unknown.become('unknown');
  expect(await unknown.outcomes(50)).toEqual({ live: 50, stale: 0 });
});

test('a shed read with nothing cached, or nothing fresh enough, asks the upstream', async () => {
  const { become, get, clock } = await kitOf({ health: { shedding: 1 } });
  await become('degraded');
  expect((await get.detailed('never asked before')).outcome).toBe('live');
  await clock.advance(10_000);
  expect((await get.detailed('a', { maxStaleMs: 5_000 })).outcome).toBe('live');
  expect((await get.detailed('a', { maxStaleMs: 5_000 })).outcome).toBe('stale');
});

test('a write is never shed', async () => {
  const { become, put } = await kitOf({ health: { shedding: 1 } });
  await become('degraded');
  for (const id of ['a', 'b', 'c'])
    expect(await put({ id, value: '1' })).toMatchObject({ outcome: 'applied' });
});

test('a mode that serves nothing sheds nothing', async () => {
  const { become, outcomes } = await kitOf({ mode: 'disabled', health: { shedding: 1 } });
  await become('degraded');
  expect(await outcomes(5)).toEqual({ live: 5, stale: 0 });
});

test("the kit's own trouble sheds no reads", async () => {
  const kit = await kitOf({ queue: { maxEntries: 1 }, health: { shedding: 1 } });
  kit.upstream.fail = (name) => (name.startsWith('put') ? refused() : undefined);
  await kit.put({ id: 'b', value: '1' });
  await kit.clock.advance(1_200);
  expect(kit.manager.health.system()).toMatchObject({ status: 'degraded', upstream: 'healthy' });
  expect(await kit.outcomes(5)).toEqual({ live: 5, stale: 0 });
});

test('after an outage the share falls from 90 % to none, or to what is chosen', async () => {
  const kit = await kitOf({ recoveryRamp: 5_000, health: { shedding: 0.3 } });
  await kit.manager.activate();
  await kit.manager.deactivate();
  await kit.get('b');
  await kit.get('b');
  expect(kit.manager.active).toBe(false);
  expect((await kit.outcomes(100)).stale).toBe(90);
  await kit.clock.advance(2_500);
  expect((await kit.outcomes(100)).stale).toBe(50);
  await kit.become('degraded');
  await kit.clock.advance(800);
  expect((await kit.outcomes(100)).stale).toBe(30);
  await kit.become('healthy');
  expect((await kit.outcomes(100)).stale).toBe(0);
});

test('a shed read says why', async () => {
  const kit = await kitOf({ health: { shedding: 1 } });
  const reasons: unknown[] = [];
  kit.manager.on('operation', ({ reason }) => reasons.push(reason));
  await kit.get('a');
  await kit.become('degraded');
  await kit.get('a');
  expect(reasons).toEqual([undefined, 'shed']);
});
