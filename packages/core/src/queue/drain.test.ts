/** The drain: one canary, then more and more, and never so much that it hurts. */

import { expect, test } from 'vitest';
import type { Change, Journal } from '../journal.ts';
import { type ManualClock, manualClock, settled } from '../manual-clock.test.support.ts';
import { memoryJournal } from '../memory-journal.ts';
import { HttpError, outage, refused, testManager, untilClosed } from '../upstream.test.support.ts';

type Kit = ReturnType<typeof testManager>;

async function queue({ put }: Kit, count: number, value = '1'): Promise<void> {
  for (let index = 0; index < count; index += 1) await put({ id: `lane-${index}`, value });
}

/** Writes may take as long as the test wants, and the first success closes the breaker. */
const patient = { timeouts: { write: 3_600_000 }, breaker: { successThreshold: 1 } };

/** Writes hang until they are let go; tells how many are upstream. */
function hanging({ upstream }: Kit) {
  const waiting: (() => void)[] = [];
  upstream.gate = (name) =>
    name.startsWith('put') ? new Promise((go) => waiting.push(go)) : undefined;
  return {
    count: () => waiting.length,
    async go(count = waiting.length) {
      for (const go of waiting.splice(0, count)) go();
      await settled();
    },
  };
}

test('one canary first; then one more after each success, up to the limit', async () => {
  const kit = testManager({ ...patient, drain: { limit: 4 } });
  await outage(kit);
  await queue(kit, 20);
  kit.upstream.fail = undefined;
  const writes = hanging(kit);
  await kit.clock.advance(70_000);
  expect(writes.count()).toBe(1);
  const seen: number[] = [];
  for (let round = 0; round < 6; round += 1) {
    await writes.go();
    await kit.clock.advance(1_000);
    seen.push(writes.count());
  }
  expect(seen).toEqual([2, 4, 4, 4, 4, 1]);
});

test('a failure halves how many go at once', async () => {
  const kit = testManager({ ...patient, drain: { limit: 8 } });
  await outage(kit);
  await queue(kit, 60);
  kit.upstream.fail = undefined;
  const writes = hanging(kit);
  await kit.clock.advance(70_000);
  for (let round = 0; round < 8 && kit.manager.status().queue.drainLimit < 8; round += 1) {
    await writes.go();
    await kit.clock.advance(1_000);
  }
  expect(kit.manager.status().queue.drainLimit).toBe(8);
  kit.upstream.fail = (name) => (name.startsWith('put') ? new HttpError(503) : undefined);
  await writes.go(1);
  expect(kit.manager.status().queue.drainLimit).toBe(4);
  await writes.go(1);
  expect(kit.manager.status().queue.drainLimit).toBe(2);
});

test('while outcomes are being stored others are sent, but no more than may be on their way', async () => {
  const journal = memoryJournal();
  let written = () => {};
  const slow = new Promise<void>((resolve) => {
    written = resolve;
  });
  const isSettlement = ([first]: readonly Change[]) => first !== undefined && 'delete' in first;
  const store: Journal = {
    ...journal,
    async commit(changes, options) {
      if (isSettlement(changes)) await slow;
      return journal.commit(changes, options);
    },
  };
  const kit = testManager({ ...patient, store, drain: { limit: 4 } });
  await outage(kit);
  await queue(kit, 20);
  kit.upstream.fail = undefined;
  while (kit.upstream.applied.length === 0) await kit.clock.advance(100);
  await kit.clock.advance(4_000);
  expect(kit.upstream.applied).toHaveLength(8);
  expect(kit.manager.status().queue.size).toBe(20);
  written();
  await kit.clock.advance(1_000);
  expect(kit.upstream.applied).toHaveLength(20);
  expect(kit.manager.status().queue.size).toBe(0);
});

test('instances do not start in step: each begins at a random time after the breaker closed', async () => {
  const begun = async (random: number) => {
    const kit = testManager({ random: () => random, breaker: { openFor: 60_000 } });
    await outage(kit);
    await queue(kit, 1);
    kit.manager.queue.pause();
    kit.upstream.fail = undefined;
    await untilClosed(kit);
    kit.manager.queue.resume();
    for (let ms = 0; ms <= 600; ms += 50) {
      if (kit.upstream.applied.length > 0) return ms;
      await kit.clock.advance(50);
    }
    return Number.NaN;
  };
  expect(await begun(0)).toBeLessThanOrEqual(50);
  expect(await begun(0.9)).toBeGreaterThanOrEqual(400);
});

test('live traffic goes first, and the drain keeps one slot', async () => {
  const bulkhead = { limit: 4, queue: 50 };
  const kit = testManager({ ...patient, bulkhead, drain: { limit: 8 } });
  await outage(kit);
  await queue(kit, 20);
  kit.upstream.fail = undefined;
  const writes = hanging(kit);
  await kit.clock.advance(70_000);
  for (let round = 0; round < 2; round += 1) {
    await writes.go();
    await kit.clock.advance(1_000);
  }
  expect(kit.manager.active).toBe(false);
  const busy: (() => void)[] = [];
  const { gate } = kit.upstream;
  kit.upstream.gate = (name) =>
    name.startsWith('get') ? new Promise((go) => busy.push(go)) : gate?.(name);
  await writes.go();
  const reads = Array.from({ length: 12 }, (_, index) =>
    kit.get(`r${index}`, { timeoutMs: 60_000 }),
  );
  await kit.clock.advance(1_000);
  // Every slot is taken by reads or by replays that began before: the drain goes on with one.
  for (let round = 0; round < 3; round += 1) {
    await writes.go();
    await kit.clock.advance(500);
    expect(writes.count()).toBe(1);
  }
  expect(busy.length).toBeGreaterThanOrEqual(4);
  kit.upstream.gate = undefined;
  for (const go of busy) go();
  await settled();
  await Promise.all(reads);
  await writes.go();
  await kit.clock.advance(5_000);
  expect(kit.manager.status().queue.size).toBe(0);
});

test('a canary that fails is followed by the head of another lane', async () => {
  const kit = testManager({ breaker: { openFor: 10_000 } });
  await outage(kit);
  await kit.put({ id: 'poison', value: '1' });
  await kit.put({ id: 'good', value: '1' });
  kit.upstream.fail = (name) => (name.includes('poison') ? new HttpError(500) : undefined);
  await kit.clock.advance(60_000);
  expect(kit.upstream.applied).toContain('good=1');
});

test('of one queued operation only the first failure since the breaker closed counts', async () => {
  const kit = testManager({ breaker: { failureThreshold: 3 } });
  await outage(kit);
  await kit.put({ id: 'poison', value: '1' });
  kit.upstream.fail = (name) => (name.includes('poison') ? new HttpError(500) : undefined);
  await untilClosed(kit);
  let opened = 0;
  kit.manager.on('stateChange', ({ to }) => (opened += to === 'open' ? 1 : 0));
  await kit.clock.advance(3_600_000);
  const tries = kit.upstream.received.filter((each) => each.includes('poison')).length;
  expect(tries).toBeGreaterThan(10);
  expect(opened).toBe(0);
});

test('an attempt is charged only after another write has succeeded', async () => {
  const kit = testManager();
  await outage(kit);
  await kit.put({ id: 'poison', value: '1' });
  kit.upstream.fail = (name) => (name.includes('poison') ? new HttpError(500) : undefined);
  await untilClosed(kit);
  await kit.clock.advance(3_600_000);
  const attempts = () => kit.manager.queue.list()[0]?.attempts;
  expect(attempts()).toBe(0);
  await kit.put({ id: 'good', value: '1' });
  await kit.clock.advance(300_000);
  expect(attempts()).toBeGreaterThan(0);
});

test('an attempt is not charged while others fail after the last success', async () => {
  const kit = testManager({ breaker: { failureThreshold: 1_000 } });
  kit.upstream.fail = () => new HttpError(500);
  await queue(kit, 3);
  await kit.clock.advance(1_000);
  kit.upstream.fail = undefined;
  await kit.put({ id: 'good', value: '1' });
  kit.upstream.fail = () => new HttpError(500);
  await kit.put({ id: 'other', value: '1' });
  await kit.clock.advance(6 * 3_600_000);
  for (const { attempts } of kit.manager.queue.list()) expect(attempts).toBeLessThanOrEqual(1);
  expect(kit.manager.status().queue).toMatchObject({ deadLettered: 0 });
});

test('after a 429 half of what was seen is the rate, and it grows by 5 % a second', async () => {
  const kit = testManager({ drain: { limit: 100 } });
  await outage(kit);
  await queue(kit, 400);
  let taken = 0;
  kit.upstream.fail = (name) => {
    if (!name.startsWith('put')) return undefined;
    taken += 1;
    return taken === 101 ? new HttpError(429, { 'retry-after': '2' }) : undefined;
  };
  await kit.clock.advance(62_000);
  const rate = () => kit.manager.status().queue.drainRate ?? Number.NaN;
  expect(taken).toBeGreaterThan(100);
  const first = rate();
  expect(first).toBeGreaterThan(40);
  expect(first).toBeLessThan(60);
  await kit.clock.advance(1_000);
  expect(rate() / first).toBeCloseTo(1.05, 2);
  const before = kit.upstream.applied.length;
  await kit.clock.advance(1_000);
  const inOneSecond = kit.upstream.applied.length - before;
  expect(inOneSecond).toBeGreaterThan(30);
  expect(inOneSecond).toBeLessThan(75);
  await kit.clock.advance(30_000);
  expect(kit.manager.status().queue).toMatchObject({ size: 0, deadLettered: 0, replayed: 400 });
});

test('a 429 while nothing is taken at all says little of the rate: it is not halved again and again', async () => {
  const kit = testManager();
  await outage(kit);
  await queue(kit, 100);
  kit.upstream.fail = (name) =>
    name.startsWith('put') ? new HttpError(429, { 'retry-after': '1' }) : undefined;
  await untilClosed(kit);
  await kit.clock.advance(30_000);
  expect(kit.manager.status().queue).toMatchObject({ size: 100, deadLettered: 0 });
  expect(kit.manager.status().queue.drainRate).toBeGreaterThanOrEqual(10);
  kit.upstream.fail = undefined;
  await kit.clock.advance(15_000);
  expect(kit.manager.status().queue.size).toBe(0);
});

test('an upstream that takes hardly any is found out: the rate is halved down to one a second', async () => {
  const kit = testManager();
  await outage(kit);
  await queue(kit, 40);
  let takenAt = Number.NEGATIVE_INFINITY;
  kit.upstream.fail = (name) => {
    if (!name.startsWith('put')) return undefined;
    if (kit.clock.elapsed() - takenAt < 1_000) return new HttpError(429, { 'retry-after': '1' });
    takenAt = kit.clock.elapsed();
    return undefined;
  };
  await untilClosed(kit);
  await kit.clock.advance(10_000);
  expect(kit.manager.status().queue.drainRate).toBeLessThan(2);
  await kit.clock.advance(90_000);
  expect(kit.manager.status().queue).toMatchObject({ size: 0, deadLettered: 0 });
});

test('a bounded rate goes on, also where time passes while the drain looks at it', async () => {
  const clock = manualClock();
  let looks = 0;
  const elapsed = () => {
    looks += 1;
    return clock.elapsed() + looks * 0.01;
  };
  // Timers of Node come a fraction of a millisecond early now and then.
  const after: ManualClock['after'] = (ms, wake) => clock.after(ms - (looks % 10) * 0.01, wake);
  const kit = testManager({
    drain: { limit: 100 },
    clock: { ...clock, elapsed, after } as ManualClock,
  });
  await outage(kit);
  await queue(kit, 300);
  let taken = 0;
  kit.upstream.fail = (name) => {
    if (!name.startsWith('put')) return undefined;
    taken += 1;
    return taken === 51 ? new HttpError(429, { 'retry-after': '1' }) : undefined;
  };
  await untilClosed(kit);
  await clock.advance(40_000);
  expect(kit.manager.status().queue.size).toBe(0);
});

test('pause stops replays and nothing else; resume goes on', async () => {
  const kit = testManager();
  await outage(kit);
  await queue(kit, 2);
  kit.manager.queue.pause();
  kit.upstream.fail = undefined;
  await untilClosed(kit);
  await kit.clock.advance(600_000);
  expect(kit.upstream.applied).toEqual([]);
  expect(kit.manager.status().queue).toMatchObject({ size: 2, paused: true });
  expect(await kit.put({ id: 'live', value: '1' })).toMatchObject({ outcome: 'applied' });
  expect(await kit.put({ id: 'lane-0', value: '2' })).toMatchObject({ outcome: 'queued' });
  kit.manager.queue.resume();
  await kit.clock.advance(5_000);
  expect(kit.manager.status().queue).toMatchObject({ size: 0, paused: false });
});

test('it wakes at the earliest next attempt, and starts at boot where something is queued', async () => {
  const store = memoryJournal();
  const first = testManager({ store });
  first.upstream.fail = (name) =>
    name.startsWith('put') ? new HttpError(429, { 'retry-after': '500' }) : undefined;
  await first.put({ id: 'a', value: '1' });
  await first.manager.close();
  first.upstream.fail = undefined;
  const next = testManager({ store, clock: first.clock }, first.upstream);
  await next.manager.open();
  await next.clock.advance(495_000);
  expect(next.upstream.applied).toEqual([]);
  await next.clock.advance(10_000);
  expect(next.upstream.applied).toEqual(['a=1']);
});

test('a lane whose writes come faster than one at a time is warned about once', async () => {
  const kit = testManager();
  const warnings: string[] = [];
  kit.manager.on('warning', ({ message }) => warnings.push(message));
  kit.upstream.fail = refused;
  await kit.put({ id: 'a', value: '0' });
  kit.upstream.fail = undefined;
  kit.manager.queue.pause();
  await kit.put.all(Array.from({ length: 1_200 }, (_, index) => ({ id: 'a', value: `${index}` })));
  expect(warnings).toEqual([expect.stringContaining('finer `lane`')]);
});

test('an operation that nobody declares is not sent, not lost, and holds no other lane', async () => {
  const store = memoryJournal();
  const first = testManager({ store });
  const gone = first.manager.write('gone', {
    run: async () => {
      throw refused();
    },
    entity: (id: string) => ({ type: 'gone', id }),
  });
  await gone('x');
  await first.manager.close();
  const next = testManager({ store, clock: first.clock });
  await next.manager.open();
  await queue(next, 1);
  await next.clock.advance(86_400_000);
  expect(next.manager.queue.list()).toMatchObject([{ operation: 'gone', state: 'unhandled' }]);
  expect(next.manager.status().queue.states).toMatchObject({ unhandled: 1, ready: 0 });
  const sent: string[] = [];
  next.manager.write('gone', {
    run: async (id: string) => {
      sent.push(id);
    },
    entity: (id) => ({ type: 'gone', id }),
  });
  await next.clock.advance(120_000);
  expect(sent).toEqual(['x']);
});

test.each([0, 1, 2, 3])(
  'a head that comes due while the drain looks is sent at once (question %i)',
  async (shift) => {
    // A timer may be early by the wall clock, whose millisecond then ends between two questions.
    let asked = shift;
    const exact = manualClock();
    const clock = { ...exact, now: () => exact.now() - (++asked % 4 < 2 ? 1 : 0) };
    const kit = testManager({ clock, breaker: { failureThreshold: 1, openFor: 30 } });
    kit.upstream.fail = () => new HttpError(503);
    await queue(kit, 1);
    kit.upstream.fail = undefined;
    await exact.advance(1_100);
    expect(kit.upstream.applied).toHaveLength(1);
  },
);

test.each([0, 1, 2, 3])(
  'a pause that is over while the drain looks holds nothing up (after question %i)',
  async (early) => {
    // A timer may be early by a fraction of a millisecond, which then ends between two questions.
    let asked = 0;
    let at = 0;
    const exact = manualClock();
    const elapsed = () => {
      if (exact.elapsed() !== at) asked = 0;
      at = exact.elapsed();
      asked += 1;
      return asked > early ? at : at - 0.01;
    };
    const kit = testManager({ clock: { ...exact, elapsed }, random: () => 0.5 });
    await kit.manager.activate();
    for (const id of ['tries', 'b', 'c', 'd']) await kit.put({ id, value: '1' });
    await kit.manager.deactivate();
    await exact.advance(1_000);
    expect(kit.upstream.applied).toHaveLength(4);
  },
);
