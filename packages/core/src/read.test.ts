import { expect, test, vi } from 'vitest';
import type { Journal } from './journal.ts';
import { manualClock, settled } from './manual-clock.test.support.ts';
import { memoryJournal } from './memory-journal.ts';
import type { PendingWrite } from './operation.ts';
import { HttpError, refused, testManager } from './upstream.test.support.ts';

const down = () => refused();

/** Calls that wait until the test answers them, in the order of arrival. */
function gated(kit: ReturnType<typeof testManager>) {
  const waiting: (() => void)[] = [];
  kit.upstream.gate = () => new Promise((resolve) => waiting.push(resolve));
  return {
    release() {
      kit.upstream.gate = undefined;
      for (const go of waiting.splice(0)) go();
    },
  };
}

/** Calls the upstream in vain until the breaker opens. */
async function open(kit: ReturnType<typeof testManager>) {
  kit.upstream.fail = down;
  for (let call = 0; call < 5; call += 1) await kit.get(`open ${call}`).catch(() => {});
  expect(kit.manager.active).toBe(true);
}

// Single flight

test('readers of one key who wait together make one call, and share what it throws', async () => {
  const kit = testManager();
  kit.upstream.fail = () => new HttpError(503);
  const answers = await Promise.allSettled(Array.from({ length: 50 }, () => kit.get('a')));
  expect(kit.upstream.received).toEqual(['get a']);
  const causes = answers.map((each) => each.status === 'rejected' && each.reason.cause);
  expect(new Set(causes).size).toBe(1);
  expect(causes[0]).toBeInstanceOf(HttpError);
});

test('a reader with less time leaves the shared flight, which goes on for the others', async () => {
  const kit = testManager();
  const calls = gated(kit);
  const patient = kit.get('a');
  await settled();
  const hasty = kit.get('a', { timeoutMs: 100 });
  hasty.catch(() => {});
  await kit.clock.advance(100);
  await expect(hasty).rejects.toMatchObject({ cause: { code: 'FALLBACK_TIMEOUT' } });
  calls.release();
  expect(await patient).toEqual({ id: 'a', value: null });
  expect(kit.upstream.received).toEqual(['get a']);
});

test('a reader with more time than the flight has makes a call of its own', async () => {
  const kit = testManager();
  const calls = gated(kit);
  const hasty = kit.get('a', { timeoutMs: 100 });
  hasty.catch(() => {});
  await settled();
  const patient = kit.get('a', { timeoutMs: 10_000 });
  const third = kit.get('a');
  await kit.clock.advance(200);
  await expect(hasty).rejects.toMatchObject({ code: 'FALLBACK_UNAVAILABLE' });
  calls.release();
  expect(await Promise.all([patient, third])).toHaveLength(2);
  expect(kit.upstream.received).toEqual(['get a', 'get a']);
});

test('a call ends when everybody who waited for it gave up, and nobody joins it any more', async () => {
  const kit = testManager();
  const signals: AbortSignal[] = [];
  const slow = kit.manager.read('slow', {
    run: (_id: string, { signal }) => {
      signals.push(signal);
      return new Promise<string>((resolve) => {
        if (signals.length === 2) resolve('second');
      });
    },
  });
  const callers = [new AbortController(), new AbortController()];
  const calls = callers.map(({ signal }) => slow('a', { signal }));
  await settled();
  callers[0]?.abort(new Error('left first'));
  await expect(calls[0]).rejects.toThrow('left first');
  expect(signals[0]?.aborted).toBe(false);
  callers[1]?.abort(new Error('left last'));
  const next = slow('a');
  await expect(calls[1]).rejects.toThrow('left last');
  expect(signals[0]?.aborted).toBe(true);
  expect(await next).toBe('second');
  expect(kit.manager.status()).toMatchObject({
    operations: { rejected: 2, failure: 0, live: 1 },
    breakers: { items: { calls: { failure: 0 } } },
  });
});

test('who reads after a write never gets an answer that was asked for before it', async () => {
  const kit = testManager();
  const calls: (() => void)[] = [];
  kit.upstream.gate = (name) =>
    name.startsWith('get') ? new Promise((resolve) => calls.push(resolve)) : undefined;
  const slow = kit.manager.read('slow', {
    // Reads at once and answers later.
    run: async (id: string) => {
      const value = kit.upstream.values.get(id);
      await kit.upstream.get(id);
      return { id, value: value ?? null };
    },
    entities: (_id, item) => (item ? [{ type: 'item', id: item.id }] : []),
  });
  const before = slow('a');
  const beside = slow('a');
  await settled();
  await kit.put({ id: 'a', value: 'new' });
  const after = [slow('a'), slow('a'), slow('a', { timeoutMs: 4_000 })];
  await settled();
  expect(calls).toHaveLength(1);
  calls[0]?.();
  await settled();
  await kit.put({ id: 'a', value: 'newer' });
  for (const answer of calls.slice(1)) answer();
  expect(await before).toEqual({ id: 'a', value: null });
  for (const answer of [beside, ...after]) expect((await answer).value).toBe('new');
  expect(calls).toHaveLength(2);
});

test('the async context of a reader who joined a flight is its own', async () => {
  const { AsyncLocalStorage } = await import('node:async_hooks');
  const request = new AsyncLocalStorage<string>();
  const kit = testManager();
  const calls = gated(kit);
  const seen = ['first', 'second'].map((name) =>
    request.run(name, async () => {
      await kit.get('a', { timeoutMs: 1_000 });
      return request.getStore();
    }),
  );
  await settled();
  calls.release();
  expect(await Promise.all(seen)).toEqual(['first', 'second']);
  expect(kit.upstream.received).toHaveLength(1);
});

// Failures that are kept

/** Reads of one key at once. */
function together(kit: ReturnType<typeof testManager>, id: string, readers = 2) {
  return Promise.allSettled(Array.from({ length: readers }, () => kit.get.detailed(id)));
}

test('after a failure that several waited for, who asks the same gets it without a call', async () => {
  const kit = testManager();
  kit.upstream.fail = () => new HttpError(503);
  const [first] = await together(kit, 'a', 20);
  const [second] = await together(kit, 'a', 20);
  expect(kit.upstream.received).toEqual(['get a']);
  if (first?.status !== 'rejected' || second?.status !== 'rejected') throw new Error('Expected');
  expect(second.reason.cause).toBe(first.reason.cause);
  await together(kit, 'b');
  expect(kit.upstream.received).toEqual(['get a', 'get b']);
  await kit.clock.advance(100);
  await together(kit, 'a');
  expect(kit.upstream.received).toEqual(['get a', 'get b', 'get a']);
});

test('a caller alone is never held up: it paces itself', async () => {
  const kit = testManager();
  kit.upstream.fail = down;
  for (let call = 0; call < 3; call += 1) await kit.get('a').catch(() => {});
  expect(kit.upstream.received).toHaveLength(3);
  kit.upstream.fail = undefined;
  expect((await kit.get.detailed('a')).outcome).toBe('live');
});

test('with an answer at hand they get that, for the reason of the failure', async () => {
  const kit = testManager();
  const reasons: unknown[] = [];
  await kit.get('a');
  kit.manager.on('operation', ({ reason }) => reasons.push(reason));
  kit.upstream.fail = () => new HttpError(500);
  await together(kit, 'a');
  expect(await kit.get.detailed('a')).toMatchObject({ outcome: 'stale', cause: { status: 500 } });
  expect(reasons).toEqual(['unknown', 'unknown', 'unknown']);
  expect(kit.upstream.received).toHaveLength(2);
});

test('failures in a row are kept longer, up to ten times, and a success ends it', async () => {
  const kit = testManager({ breaker: { failureThreshold: 100 } });
  const calls: number[] = [];
  kit.upstream.fail = () => {
    calls.push(kit.clock.elapsed());
    return refused();
  };
  while (kit.clock.elapsed() < 4_000) {
    await together(kit, 'a');
    await kit.clock.advance(50);
  }
  expect(calls).toEqual([0, 100, 300, 700, 1_500, 2_500, 3_500]);
  kit.upstream.fail = undefined;
  await kit.clock.advance(500);
  expect((await kit.get.detailed('a')).outcome).toBe('live');
  kit.upstream.fail = down;
  await together(kit, 'a');
  await kit.clock.advance(100);
  kit.upstream.fail = undefined;
  expect((await kit.get.detailed('a')).outcome).toBe('live');
});

test('a failure is kept as long as the upstream asks for with 429, within the same bound', async () => {
  const kit = testManager();
  await kit.get('a');
  kit.upstream.fail = () => new HttpError(429, { 'retry-after': '60' });
  await together(kit, 'a');
  kit.upstream.fail = undefined;
  await kit.clock.advance(900);
  expect((await kit.get.detailed('a')).outcome).toBe('stale');
  await kit.clock.advance(100);
  expect((await kit.get.detailed('a')).outcome).toBe('live');
});

test("the caller's own failures, and what was refused here, are not kept", async () => {
  const kit = testManager({ bulkhead: { limit: 1, queue: 0 } });
  kit.upstream.fail = () => new HttpError(422);
  await together(kit, 'a');
  await together(kit, 'a');
  expect(kit.upstream.received).toHaveLength(2);
  kit.upstream.fail = undefined;
  const calls = gated(kit);
  const first = kit.get('a');
  await settled();
  expect((await together(kit, 'b')).map(({ status }) => status)).toEqual(['rejected', 'rejected']);
  calls.release();
  await first;
  expect((await kit.get.detailed('b')).outcome).toBe('live');
});

test('a kept failure neither holds up a half-open upstream nor outlives the outage', async () => {
  const kit = testManager({
    cache: { failureTtl: 1_000 },
    breaker: { failureThreshold: 1, successThreshold: 1, openFor: 100 },
  });
  await kit.get('a');
  kit.upstream.fail = down;
  await together(kit, 'a');
  kit.upstream.fail = undefined;
  await kit.clock.advance(100);
  expect(kit.manager.status().breakers.items?.state).toBe('half_open');
  expect((await kit.get.detailed('a')).outcome).toBe('live');

  kit.upstream.fail = down;
  await together(kit, 'a');
  kit.upstream.fail = undefined;
  await kit.clock.advance(100);
  await kit.get('b');
  expect(kit.manager.active).toBe(false);
  expect((await kit.get.detailed('a')).outcome).toBe('live');
});

test('where errors pass, a kept failure passes as it came; with no time to keep it there is none', async () => {
  const kit = testManager({ mode: 'disabled' });
  kit.upstream.fail = () => new HttpError(500);
  await together(kit, 'a');
  await expect(kit.get('a')).rejects.toMatchObject({ status: 500 });
  expect(kit.upstream.received).toHaveLength(1);

  const never = testManager({ cache: { failureTtl: 0 } });
  never.upstream.fail = down;
  await together(never, 'a');
  await together(never, 'a');
  expect(never.upstream.received).toHaveLength(2);
});

// Soft timeout

test('off by default: a slow upstream is waited for, whatever is at hand', async () => {
  const kit = testManager();
  await kit.get('a');
  const calls = gated(kit);
  const slow = kit.get.detailed('a');
  await kit.clock.advance(4_900);
  calls.release();
  expect((await slow).outcome).toBe('live');
});

test('slower than the soft timeout a stale answer is given, and the refresh is cached', async () => {
  const kit = testManager({ cache: { softTimeout: 200 } });
  const reasons: unknown[] = [];
  kit.manager.on('operation', ({ reason }) => reasons.push(reason));
  kit.upstream.values.set('a', 'old');
  await kit.get('a');
  await kit.clock.advance(1_000);
  const calls = gated(kit);
  kit.upstream.values.set('a', 'new');
  const slow = kit.get.detailed('a');
  await kit.clock.advance(199);
  expect(await Promise.race([slow, settled()])).toBeUndefined();
  await kit.clock.advance(1);
  expect(await slow).toEqual({
    value: { id: 'a', value: 'old' },
    outcome: 'stale',
    ageMs: 1_200,
    pending: 0,
  });
  expect(reasons).toEqual([undefined, 'soft_timeout']);
  calls.release();
  await settled();
  kit.upstream.fail = down;
  expect(await kit.get('a')).toEqual({ id: 'a', value: 'new' });
});

test('a quick answer is live, a quick failure is answered at once', async () => {
  const kit = testManager({ cache: { softTimeout: 200 } });
  await kit.get('a');
  expect((await kit.get.detailed('a')).outcome).toBe('live');
  kit.upstream.fail = () => new HttpError(500);
  const answer = await kit.get.detailed('a');
  expect(answer).toMatchObject({ outcome: 'stale', cause: { status: 500 } });
});

test('a soft timeout of 0 answers stale at once, and refreshes behind it', async () => {
  const kit = testManager({ cache: { softTimeout: 0 } });
  expect((await kit.get.detailed('a')).outcome).toBe('live');
  kit.upstream.values.set('a', 'new');
  expect(await kit.get.detailed('a')).toMatchObject({
    outcome: 'stale',
    value: { value: null },
  });
  await settled();
  expect(await kit.get.detailed('a')).toMatchObject({ outcome: 'stale', value: { value: 'new' } });
});

test('the operation or the call may say another soft timeout, or none', async () => {
  const kit = testManager({ cache: { softTimeout: 0 } });
  const patient = kit.manager.read('patient', {
    run: (id: string) => kit.upstream.get(id),
    softTimeout: false,
  });
  await patient('a');
  await kit.get('a');
  expect((await patient.detailed('a')).outcome).toBe('live');
  expect((await patient.detailed('a', { softTimeout: 0 })).outcome).toBe('stale');
  expect((await kit.get.detailed('a', { softTimeout: false })).outcome).toBe('live');
});

test('with nothing at hand that may be served, the soft timeout waits for the upstream', async () => {
  const kit = testManager({ cache: { softTimeout: 100 } });
  await kit.get('a');
  await kit.clock.advance(1_000);
  const calls = gated(kit);
  const tooOld = kit.get.detailed('a', { maxStaleMs: 500 });
  const never = kit.get.detailed('b');
  await kit.clock.advance(300);
  calls.release();
  expect((await tooOld).outcome).toBe('live');
  expect((await never).outcome).toBe('live');
});

test('an answer that is removed while the soft timeout runs is not served', async () => {
  const kit = testManager({ cache: { softTimeout: 100 } });
  await kit.get('a');
  const calls = gated(kit);
  const slow = kit.get.detailed('a');
  await settled();
  kit.manager.cache.remove({ type: 'item', id: 'a' });
  await kit.clock.advance(100);
  calls.release();
  expect((await slow).outcome).toBe('live');
});

test('a refresh that hangs counts for the breaker, and rejects nowhere', async () => {
  const unhandled = vi.fn();
  process.on('unhandledRejection', unhandled);
  try {
    const kit = testManager({ cache: { softTimeout: 100 }, breaker: { failureThreshold: 2 } });
    await kit.get('a');
    kit.upstream.gate = () => new Promise(() => {});
    for (let call = 0; call < 2; call += 1) {
      const slow = kit.get.detailed('a');
      const hasty = kit.get.detailed('a', { timeoutMs: 3_000 });
      await kit.clock.advance(100);
      expect([(await slow).outcome, (await hasty).outcome]).toEqual(['stale', 'stale']);
      await kit.clock.advance(5_000);
    }
    expect(kit.manager.active).toBe(true);
    expect(kit.manager.status().breakers.items?.calls.failure).toBe(2);
    await settled();
    expect(unhandled).not.toHaveBeenCalled();
  } finally {
    process.off('unhandledRejection', unhandled);
  }
});

test('a refresh that finds nothing upstream removes the answer', async () => {
  const kit = testManager({ cache: { softTimeout: 0 } });
  await kit.get('a');
  kit.upstream.fail = () => new HttpError(410);
  expect((await kit.get.detailed('a')).outcome).toBe('stale');
  await settled();
  kit.upstream.fail = down;
  await expect(kit.get('a')).rejects.toMatchObject({ code: 'FALLBACK_UNAVAILABLE' });
});

test('a refresh goes on when the request that was answered stale is over', async () => {
  const kit = testManager({ cache: { softTimeout: 100 } });
  await kit.get('a');
  const calls = gated(kit);
  const caller = new AbortController();
  const slow = kit.get('a', { signal: caller.signal });
  await kit.clock.advance(100);
  await slow;
  caller.abort();
  kit.upstream.values.set('a', 'new');
  calls.release();
  await settled();
  kit.upstream.fail = down;
  expect(await kit.get('a')).toEqual({ id: 'a', value: 'new' });
});

test('a caller may give up before the soft timeout', async () => {
  const kit = testManager({ cache: { softTimeout: 100 } });
  await kit.get('a');
  const calls = gated(kit);
  const caller = new AbortController();
  const slow = kit.get('a', { signal: caller.signal });
  await settled();
  caller.abort(new Error('left'));
  await expect(slow).rejects.toThrow('left');
  calls.release();
  expect(kit.manager.status().operations.rejected).toBe(1);
});

// What is cached, and for how long

test('being served does not make an answer last longer, nor does a failing refresh', async () => {
  const kit = testManager({ cache: { ttl: 1_000, staleIfError: 10_000, softTimeout: 50 } });
  await kit.get('a');
  kit.upstream.fail = down;
  for (let second = 1; second < 11; second += 1) {
    await kit.clock.advance(1_000);
    const { outcome, ageMs } = await kit.get.detailed('a');
    expect([outcome, ageMs]).toEqual(['stale', second * 1_000]);
  }
  await kit.clock.advance(1_000);
  await expect(kit.get('a')).rejects.toMatchObject({ code: 'FALLBACK_UNAVAILABLE' });
  expect(kit.manager.status().cache.entries).toBe(0);
});

test('an answer that may never be served again is not kept', async () => {
  const store = memoryJournal();
  const kit = testManager({ store, cache: { ttl: 0, staleIfError: 0 } });
  await kit.get('a');
  expect(kit.manager.status().cache.entries).toBe(0);
  expect([...store.entries('cache')]).toEqual([]);
});

test('where nothing is kept each caller gets an answer of its own, also of one call', async () => {
  const kit = testManager({ cache: { ttl: 0, staleIfError: 0 } });
  let calls = 0;
  const get = kit.manager.read('tags', {
    run: async (_id: string) => {
      calls += 1;
      return { tags: ['a'] };
    },
  });
  const { signal } = new AbortController();
  const changed = (read: Promise<{ tags: string[] }>) =>
    read.then((answer) => {
      answer.tags.push('b');
      return answer.tags;
    });
  const reads = [get('x'), get('x'), get('x', { signal })].map(changed);
  expect(await Promise.all(reads)).toEqual(Array.from({ length: 3 }, () => ['a', 'b']));
  expect(calls).toBe(1);
});

test('an answer that is what it was is kept anew, as the same object', async () => {
  const store = memoryJournal();
  const kit = testManager({ store, cache: { ttl: 1_000, staleIfError: 10_000 } });
  const first = await kit.get('a');
  await kit.clock.advance(1_500);
  expect(await kit.get('a')).toBe(first);
  await kit.clock.advance(900);
  expect(await kit.get.detailed('a')).toMatchObject({ outcome: 'cache', ageMs: 900 });
  await kit.put({ id: 'a', value: '2' });
  expect(await kit.get('a')).not.toBe(first);
  await kit.clock.advance(1_000);
  expect([...store.entries('cache')]).toHaveLength(1);
});

test('`run` gets the answer that is kept, and renews it by giving it back', async () => {
  const kit = testManager({ cache: { ttl: 1_000, staleIfError: 10_000 } });
  const kept: unknown[] = [];
  const get = kit.manager.read('page', {
    run: async (_id: string, context): Promise<{ tag: string }> => {
      kept.push(context.kept);
      return (context.kept as { tag: string } | undefined) ?? { tag: 'v1' };
    },
    entities: (id) => [{ type: 'page', id }],
  });
  const first = await get('a');
  await kit.clock.advance(1_500);
  expect(await get('a')).toBe(first);
  expect(kept).toEqual([undefined, first]);
  await kit.clock.advance(900);
  expect(await get.detailed('a')).toMatchObject({ outcome: 'cache', ageMs: 900 });
  await kit.clock.advance(20_000);
  await get('a');
  expect(kept[2]).toBeUndefined();
});

test('what was removed while it was asked for does not come back, though `run` still had it', async () => {
  const kit = testManager({ cache: { ttl: 0, staleIfError: 10_000 } });
  let meanwhile = async () => {};
  const get = kit.manager.read('page', {
    run: async (_id: string, { kept }): Promise<{ tag: string }> => {
      await meanwhile();
      return (kept as { tag: string } | undefined) ?? { tag: 'v1' };
    },
    entities: (id) => [{ type: 'page', id }],
  });
  await get('a');
  meanwhile = async () => {
    kit.manager.cache.remove({ type: 'page', id: 'a' });
  };
  await get('a');
  expect(kit.manager.status().cache.entries).toBe(0);
});

test('an update counts staleness from then on, and only once', async () => {
  const kit = testManager({ cache: { ttl: 60_000, staleIfError: 10_000 } });
  await kit.get('a');
  await kit.put({ id: 'a', value: '1' });
  await kit.clock.advance(6_000);
  await kit.put({ id: 'a', value: '2' });
  kit.upstream.fail = down;
  expect((await kit.get.detailed('a')).outcome).toBe('stale');
  await kit.clock.advance(4_000);
  await expect(kit.get('a')).rejects.toMatchObject({ code: 'FALLBACK_UNAVAILABLE' });
});

test('a delete also removes the answers that contain what was deleted', async () => {
  const kit = testManager();
  const list = kit.manager.read('list', {
    run: async (_which: string) => {
      await kit.upstream.get('list');
      return [{ id: 'a' }, { id: 'b' }];
    },
    entities: (_which: string, items) => (items ?? []).map(({ id }) => ({ type: 'item', id })),
  });
  await list('all');
  await kit.get('b');
  await kit.remove('a');
  kit.upstream.fail = down;
  await expect(list('all')).rejects.toMatchObject({ code: 'FALLBACK_UNAVAILABLE' });
  expect((await kit.get.detailed('b')).outcome).toBe('stale');
});

test('a queued delete removes answers when it is applied, a live 404 at once', async () => {
  const kit = testManager();
  await kit.get('a');
  await open(kit);
  await kit.remove('a');
  expect((await kit.get.detailed('a')).outcome).toBe('stale');
  kit.upstream.fail = undefined;
  await kit.clock.advance(70_000);
  await kit.get('other');
  await kit.get('other');
  kit.upstream.fail = down;
  await expect(kit.get('a')).rejects.toMatchObject({ code: 'FALLBACK_UNAVAILABLE' });
});

test('a read that began before an update is stale from the start, not fresh', async () => {
  const kit = testManager({ cache: { ttl: 60_000 } });
  let go = () => {};
  kit.upstream.gate = (name) =>
    name.startsWith('get') ? new Promise((resolve) => (go = resolve)) : undefined;
  const late = kit.get('a');
  await settled();
  await kit.put({ id: 'a', value: 'new' });
  go();
  await late;
  kit.upstream.gate = undefined;
  expect(await kit.get.detailed('a')).toMatchObject({
    outcome: 'live',
    value: { value: 'new' },
  });
});

test('answers outlast the process with their times, and only for the same upstream', async () => {
  const clock = manualClock();
  const store = memoryJournal();
  const upstream = 'https://items.internal/v1';
  const before = testManager({ clock, store, upstream, cache: { staleIfError: 10_000 } });
  await before.get('a');
  await before.manager.close();
  await clock.advance(6_000);
  const other = testManager({ clock, store, upstream: 'https://other.internal/v1' });
  other.upstream.fail = down;
  await expect(other.get('a')).rejects.toMatchObject({ code: 'FALLBACK_UNAVAILABLE' });
  await other.manager.close();
  const after = testManager({ clock, store, upstream: `${upstream}/` });
  after.upstream.fail = down;
  expect(await after.get.detailed('a')).toMatchObject({ outcome: 'stale', ageMs: 6_000 });
  await clock.advance(4_000);
  await expect(after.get('a')).rejects.toMatchObject({ code: 'FALLBACK_UNAVAILABLE' });
});

test('a store that opens late brings back nothing that is known better by then', async () => {
  const clock = manualClock();
  const store = memoryJournal();
  const before = testManager({ clock, store, cache: { ttl: 60_000 } });
  for (const id of ['a', 'b', 'c', 'd']) await before.get(id);
  await before.manager.close();

  let opens = () => {};
  const late: { -readonly [Member in keyof Journal]: Journal[Member] } = {
    ...store,
    open: async (identity) => {
      await new Promise<void>((resolve) => (opens = resolve));
      late.commit = store.commit;
      return store.open(identity);
    },
    commit: () => Promise.reject(new Error('not open')),
  };
  const kit = testManager({ clock, cache: { store: late, ttl: 60_000 } });
  const first = kit.get('a');
  await clock.advance(5_000);
  await first;
  await kit.put({ id: 'b', value: 'new' });
  await kit.remove('c');
  kit.upstream.values.set('a', 'newer');
  opens();
  await settled();
  const outcomes = await Promise.all(['a', 'b', 'c', 'd'].map((id) => kit.get.detailed(id)));
  expect(outcomes.map(({ outcome, ageMs }) => [outcome, ageMs])).toEqual([
    ['cache', 0],
    ['live', 0],
    ['live', 0],
    ['cache', 5_000],
  ]);
});

test('an answer that outgrows the cache is gone, also for a later process', async () => {
  const store = memoryJournal();
  const cache = { maxBytes: 500 };
  const kit = testManager({ store, cache });
  await kit.get('a');
  kit.upstream.values.set('a', 'x'.repeat(1_000));
  await kit.get('a');
  expect(kit.manager.status().cache.entries).toBe(0);
  await kit.manager.close();
  const later = testManager({ store, cache });
  later.upstream.fail = down;
  await expect(later.get('a')).rejects.toMatchObject({ code: 'FALLBACK_UNAVAILABLE' });
});

test('lookups are counted: hits and misses where answers may be fresh, and what fallback asks', async () => {
  const kit = testManager({ cache: { ttl: 1_000 } });
  await kit.get('a');
  await kit.get('a');
  await kit.get('a');
  await kit.clock.advance(1_000);
  kit.upstream.fail = down;
  await kit.get('a');
  expect(kit.manager.status().cache).toMatchObject({ hits: 2, misses: 2, stale: 1, hitRate: 0.6 });
});

// Headers of a call

test("an answer is only given to a call with equal headers, and run gets the call's own", async () => {
  const kit = testManager();
  const seen: unknown[] = [];
  const mine = kit.manager.read('mine', {
    run: async (_id: string, { headers }) => {
      seen.push(headers);
      await kit.upstream.get('mine');
      return headers.authorization ?? 'nobody';
    },
  });
  const ann = { headers: { Authorization: 'ann', 'X-Trace': undefined } };
  const bob = { headers: new Headers({ authorization: 'bob' }) };
  expect(await Promise.all([mine('a', ann), mine('a', bob), mine('a')])).toEqual([
    'ann',
    'bob',
    'nobody',
  ]);
  expect(seen).toEqual([{ authorization: 'ann' }, { authorization: 'bob' }, {}]);
  kit.upstream.fail = down;
  expect(await mine('a', { headers: { AUTHORIZATION: 'ann' } })).toBe('ann');
  expect(await mine('a', bob)).toBe('bob');
  expect(await mine('a', { headers: {} })).toBe('nobody');
  await expect(mine('a', { headers: { authorization: 'eve' } })).rejects.toMatchObject({
    code: 'FALLBACK_UNAVAILABLE',
  });
});

test('headers may be pairs, as in a Map or in what another library calls Headers', async () => {
  const { manager } = testManager();
  const mine = manager.read('mine', { run: (_id: string, { headers }) => ({ ...headers }) });
  const pairs = [['Tenant', 't']] as const;
  for (const headers of [new Map(pairs), pairs, new Headers([['tenant', 't']])])
    expect(await mine('a', { headers })).toEqual({ tenant: 't' });
  const odd = new Map([['tenant', 5]]) as unknown as Map<string, string>;
  await expect(mine('a', { headers: odd })).rejects.toMatchObject({
    code: 'FALLBACK_INVALID_INPUT',
  });
});

test('headers are stored as a hash, and no error repeats them', async () => {
  const store = memoryJournal();
  const kit = testManager({ store });
  await kit.get('a', { headers: { authorization: 'Bearer secret', 'x-tenant': 't' } });
  await kit.clock.advance(1_000);
  const stored = JSON.stringify([...store.entries('cache')]);
  expect(stored).toContain('item.get');
  expect(stored).not.toMatch(/secret|authorization|x-tenant/);
  const wrong: unknown[] = ['secret', { a: 7 }, { 'not a name': 'secret' }, { a: 'secret\nx' }];
  for (const headers of wrong) {
    const error: unknown = await kit
      .get('a', { headers: headers as Record<string, string> })
      .catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: 'FALLBACK_INVALID_INPUT' });
    expect(String(error)).not.toContain('secret');
  }
});

test('limits of a call that are no times are refused', async () => {
  const { get } = testManager();
  for (const options of [{ softTimeout: -1 }, { maxStaleMs: Number.NaN }, { timeoutMs: 0 }])
    await expect(get('a', options)).rejects.toMatchObject({ code: 'FALLBACK_INVALID_INPUT' });
});

// The overlay

type Item = { readonly id: string; readonly value: string | null };

/** A read that shows what is written, also while it is only queued. */
function itemsWithPending(kit: ReturnType<typeof testManager>) {
  return kit.manager.read('shown', {
    run: (id: string): Promise<Item> => kit.upstream.get(id),
    entities: (id) => [{ type: 'item', id }],
    overlay: (value, pending): Item | undefined => {
      const last = pending.at(-1)?.input as Item | undefined;
      return last ? { ...value, ...last } : undefined;
    },
  });
}

test('pending writes alone make an answer where nothing is cached', async () => {
  const kit = testManager();
  const shown = itemsWithPending(kit);
  await open(kit);
  await expect(shown('a')).rejects.toMatchObject({ code: 'FALLBACK_UNAVAILABLE' });
  await kit.put({ id: 'a', value: '1' });
  expect(await shown.detailed('a')).toEqual({
    value: { id: 'a', value: '1' },
    outcome: 'entity',
    ageMs: 0,
    pending: 1,
  });
  expect(Object.isFrozen(await shown('a'))).toBe(true);
});

test('a live answer shows what is still queued, and so does a live 404', async () => {
  const kit = testManager();
  const shown = itemsWithPending(kit);
  await open(kit);
  await kit.put({ id: 'a', value: 'queued' });
  kit.upstream.fail = (name) => (name.startsWith('put') ? new HttpError(401) : undefined);
  await kit.clock.advance(70_000);
  await kit.get('x');
  await kit.get('x');
  expect(kit.manager.active).toBe(false);
  expect(await shown.detailed('a')).toMatchObject({
    value: { value: 'queued' },
    outcome: 'live',
    pending: 1,
  });
  kit.upstream.fail = () => new HttpError(404);
  const answer = await shown.detailed('a');
  expect(answer).toMatchObject({ value: { id: 'a', value: 'queued' }, outcome: 'live' });
  expect(answer.cause).toMatchObject({ status: 404 });
  await expect(shown('b')).rejects.toMatchObject({ status: 404 });
});

test('an overlay can change neither the answer nor what is still to be sent', async () => {
  const store = memoryJournal();
  const first = testManager({ store });
  await open(first);
  await first.put({ id: 'a', value: 'mine' });
  await first.manager.close();

  const kit = testManager({ store });
  const thrown: unknown[] = [];
  const meddling = kit.manager.read('meddling', {
    run: (id: string) => kit.upstream.get(id),
    entities: (id) => [{ type: 'item', id }],
    overlay: (_value, pending) => {
      for (const { input, entity } of pending as PendingWrite[])
        for (const change of [
          () => Object.assign(input as object, { value: 'theirs' }),
          () => Object.assign(entity as object, { id: 'theirs' }),
        ])
          try {
            change();
          } catch (error) {
            thrown.push(error);
          }
      return undefined;
    },
  });
  kit.upstream.fail = (name) => (name.startsWith('put') ? refused() : undefined);
  await meddling('a').catch(() => {});
  expect(thrown).toEqual([expect.any(TypeError), expect.any(TypeError)]);
  kit.upstream.fail = undefined;
  await kit.clock.advance(120_000);
  await kit.get('x');
  await kit.clock.advance(120_000);
  expect(kit.upstream.applied).toEqual(['a=mine']);
});

test("what the app's own functions throw does not cost the answer", async () => {
  const kit = testManager();
  const warnings: string[] = [];
  kit.manager.on('warning', ({ message }) => warnings.push(message));
  const odd = kit.manager.read('odd', {
    run: (id: string) => kit.upstream.get(id),
    entities: () => {
      throw new Error('entities');
    },
  });
  expect(await odd('a')).toEqual({ id: 'a', value: null });
  expect(warnings).toHaveLength(1);
  // What no write can expire is not kept.
  expect(kit.manager.status().cache.entries).toBe(0);
});

// Sharing

test('an answer that is not JSON belongs to the caller who asked', async () => {
  const kit = testManager();
  let calls = 0;
  const dated = kit.manager.read('dated', {
    run: async (_id: string) => {
      calls += 1;
      await settled();
      return { at: new Date(0), bytes: Buffer.from('x') };
    },
  });
  const answers = await Promise.all([dated('a'), dated('a'), dated('a')]);
  expect(new Set(answers).size).toBe(3);
  answers[0]?.at.setTime(1);
  expect(answers[1]?.at.getTime()).toBe(0);
  expect(calls).toBe(3);
});

test('once answers are not JSON callers do not wait for each other, until they are again', async () => {
  const kit = testManager();
  let json = false;
  let calls = 0;
  const odd = kit.manager.read('odd', {
    run: async (_id: string) => {
      calls += 1;
      await settled();
      return json ? { at: '0' } : { at: new Date(0) };
    },
  });
  await odd('a');
  const both = Promise.all([odd('a'), odd('a')]);
  await Promise.resolve();
  expect(calls).toBe(3);
  await both;
  json = true;
  await odd('a');
  const [one, other] = await Promise.all([odd('a'), odd('a')]);
  expect(one).toBe(other);
  expect(calls).toBe(5);
});

test('a closed manager asks the upstream, and keeps nothing', async () => {
  const kit = testManager();
  await kit.get('a');
  await kit.manager.close();
  expect((await kit.get.detailed('b')).outcome).toBe('live');
  const caller = new AbortController();
  kit.upstream.gate = () => new Promise(() => {});
  const hung = kit.get('c', { signal: caller.signal });
  await settled();
  caller.abort(new Error('left'));
  await expect(hung).rejects.toThrow('left');
  expect(kit.manager.status().cache.entries).toBe(1);
});

test('an answer that comes when the manager is closed is given, and not kept', async () => {
  const kit = testManager();
  const calls = gated(kit);
  const late = kit.get('a');
  await settled();
  await kit.manager.close();
  calls.release();
  expect(await late).toEqual({ id: 'a', value: null });
  expect(kit.manager.status().cache.entries).toBe(0);
});

test('an error that throws when it is looked at reaches the caller, and holds no slot', async () => {
  const kit = testManager({ bulkhead: { limit: 1, queue: 0 } });
  const odd = {
    get status(): never {
      throw new Error('do not look');
    },
  };
  const get = kit.manager.read('odd', { run: () => Promise.reject(odd) });
  for (let round = 0; round < 3; round += 1) {
    const thrown: unknown = await get().catch((error: unknown) => error);
    expect(thrown).toMatchObject({ code: 'FALLBACK_UNAVAILABLE' });
    expect((thrown as Error).cause === odd).toBe(true);
  }
  expect(kit.manager.status().operations.failure).toBe(3);
});

test('a `classify` that gives what is no label is said, and what the kit reads holds', async () => {
  const kit = testManager({
    classify: () => ({ label: 'odd', fault: 'upstream', applied: 'no', code: 'odd' }) as never,
  });
  const warnings: string[] = [];
  kit.manager.on('warning', ({ message }) => warnings.push(message));
  kit.upstream.fail = () => new HttpError(404);
  await expect(kit.get('a')).rejects.toMatchObject({ status: 404 });
  expect(warnings[0]).toContain('Expected a label of unavailable');
});

test('where nothing is kept callers wait for each other again once answers are JSON', async () => {
  const kit = testManager({ cache: { ttl: 0, staleIfError: 0 } });
  let calls = 0;
  let json = false;
  const get = kit.manager.read('odd', {
    run: async (_id: string) => {
      calls += 1;
      await settled();
      return json ? { at: '0' } : { at: new Date(0) };
    },
  });
  const both = () => Promise.all([get('a'), get('a')]);
  await both();
  json = true;
  await get('a');
  calls = 0;
  await both();
  expect(calls).toBe(1);
});

test('a caller whose signal is aborted by `run` itself does not wait for the deadline', async () => {
  const kit = testManager();
  const caller = new AbortController();
  const get = kit.manager.read('odd', {
    run: (_id: string) => {
      caller.abort(new Error('left'));
      return new Promise<string>(() => {});
    },
  });
  await expect(get('a', { signal: caller.signal })).rejects.toThrow('left');
});
