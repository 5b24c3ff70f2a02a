import { expect, expectTypeOf, test } from 'vitest';
import { isFallbackError } from './errors.ts';
import type { Journal } from './journal.ts';
import { settled } from './manual-clock.test.support.ts';
import { memoryJournal } from './memory-journal.ts';
import type { CallOptions } from './operation.ts';
import { HttpError, refused, testManager } from './upstream.test.support.ts';

const down = () => refused();

/** Calls the upstream in vain until the breaker opens. */
async function open(kit: ReturnType<typeof testManager>) {
  kit.upstream.fail = down;
  for (let call = 0; call < 5; call += 1) await kit.get('open').catch(() => {});
  expect(kit.manager.active).toBe(true);
}

async function recover(kit: ReturnType<typeof testManager>) {
  kit.upstream.fail = undefined;
  await kit.clock.advance(70_000);
}

test('a read is live while the upstream answers', async () => {
  const { get, upstream } = testManager();
  upstream.values.set('a', '1');
  expect(await get.detailed('a')).toEqual({
    value: { id: 'a', value: '1' },
    outcome: 'live',
    ageMs: 0,
    pending: 0,
  });
});

test('a read is stale with its age and cause when the upstream fails', async () => {
  const { get, upstream, clock } = testManager();
  await get('a');
  upstream.fail = down;
  await clock.advance(3_000);
  const answer = await get.detailed('a');
  expect(answer).toMatchObject({ outcome: 'stale', ageMs: 3_000 });
  expect(answer.cause).toBeInstanceOf(TypeError);
});

test('a read with nothing at hand is unavailable, with the cause and when to come again', async () => {
  const { get, upstream } = testManager();
  upstream.fail = down;
  const error = await get('a').catch((thrown: unknown) => thrown);
  expect(isFallbackError(error, 'FALLBACK_UNAVAILABLE')).toBe(true);
  expect(error).toMatchObject({ status: 503, headers: { 'Retry-After': '1' } });
});

test('staleIfError counts from expiry and never slides', async () => {
  const { get, upstream, clock } = testManager({ cache: { staleIfError: 10_000 } });
  await get('a');
  upstream.fail = down;
  await clock.advance(6_000);
  expect((await get.detailed('a')).outcome).toBe('stale');
  await clock.advance(4_000);
  await expect(get('a')).rejects.toMatchObject({ code: 'FALLBACK_UNAVAILABLE' });
});

test('a caller may ask for less staleness than the cache allows', async () => {
  const { get, upstream, clock } = testManager();
  await get('a');
  upstream.fail = down;
  await clock.advance(2_000);
  await expect(get('a', { maxStaleMs: 1_000 })).rejects.toMatchObject({
    code: 'FALLBACK_UNAVAILABLE',
  });
  expect((await get.detailed('a', { maxStaleMs: 3_000 })).outcome).toBe('stale');
});

test("the caller's fault passes through, counts for nothing, and 404 is the truth", async () => {
  const { get, upstream, manager } = testManager();
  await get('a');
  upstream.fail = () => new HttpError(404);
  for (let call = 0; call < 10; call += 1)
    await expect(get('a')).rejects.toMatchObject({ status: 404 });
  expect(manager.active).toBe(false);
  upstream.fail = down;
  await expect(get('a')).rejects.toMatchObject({ code: 'FALLBACK_UNAVAILABLE' });
});

test('a fresh answer is not asked for again', async () => {
  const { get, upstream } = testManager({ cache: { ttl: 1_000 } });
  await get('a');
  expect((await get.detailed('a')).outcome).toBe('cache');
  expect(upstream.received).toEqual(['get a']);
});

test('readers of one key share one flight, and its failure', async () => {
  const { get, upstream } = testManager();
  await Promise.all([get('a'), get('a'), get('b')]);
  expect(upstream.received).toEqual(['get a', 'get b']);
  upstream.fail = down;
  const answers = await Promise.all([get.detailed('a'), get.detailed('a')]);
  expect(answers.map(({ outcome }) => outcome)).toEqual(['stale', 'stale']);
  expect(upstream.received).toHaveLength(3);
});

test('a reader that gives up leaves the shared flight to the others', async () => {
  const { get, upstream } = testManager();
  let go = () => {};
  upstream.gate = () => new Promise((resolve) => (go = resolve));
  const caller = new AbortController();
  const first = get('a', { signal: caller.signal });
  const second = get('a');
  await settled();
  caller.abort(new Error('left'));
  await expect(first).rejects.toThrow('left');
  go();
  expect(await second).toEqual({ id: 'a', value: null });
});

test('answers are frozen: two requests never share a mutable object', async () => {
  const { get } = testManager();
  const answer = await get('a');
  expect(() => {
    (answer as { value: string }).value = 'changed';
  }).toThrow(TypeError);
});

test('answers that are not JSON are served, not cached, and warned about once', async () => {
  const { manager } = testManager();
  const warnings: string[] = [];
  manager.on('warning', ({ message }) => warnings.push(message));
  const odd = manager.read('odd', { run: async (_id: string) => ({ at: new Date(0) }) });
  expect((await odd('a')).at).toBeInstanceOf(Date);
  await odd('b');
  expect(warnings).toHaveLength(1);
  expect(manager.status().cache.entries).toBe(0);
});

test('a write is applied while the upstream answers', async () => {
  const { put, upstream, manager } = testManager();
  expect(await put({ id: 'a', value: '1' })).toEqual({ outcome: 'applied', value: { ok: true } });
  expect(upstream.values.get('a')).toBe('1');
  expect(manager.status().operations.applied).toBe(1);
});

test('a write is queued when the upstream fails, and replayed when it is back', async () => {
  const kit = testManager();
  await open(kit);
  const receipt = await kit.put({ id: 'a', value: '1' });
  expect(receipt).toMatchObject({ outcome: 'queued', durability: 'memory' });
  expect(kit.manager.status().queue).toMatchObject({ size: 1, enqueued: 1 });
  await recover(kit);
  expect(kit.upstream.values.get('a')).toBe('1');
  expect(kit.manager.status().breakers.items?.state).toBe('half_open');
  await kit.get('a');
  expect(kit.manager.status()).toMatchObject({ active: false, queue: { size: 0, replayed: 1 } });
});

test('writes of one lane are replayed in order, whatever the order of the keys', async () => {
  const kit = testManager();
  await open(kit);
  for (const value of ['1', '2', '3']) await kit.put({ id: 'a', value });
  await kit.put({ id: 'b', value: '1' });
  await recover(kit);
  expect(kit.upstream.applied.filter((each) => each.startsWith('a'))).toEqual([
    'a=1',
    'a=2',
    'a=3',
  ]);
});

test('a write behind a busy lane queues even when the upstream is healthy', async () => {
  const kit = testManager();
  await open(kit);
  await kit.put({ id: 'a', value: '1' });
  kit.upstream.fail = (name) => (name.startsWith('put') ? new HttpError(401) : undefined);
  await kit.clock.advance(70_000);
  kit.upstream.fail = undefined;
  await kit.get('a');
  await kit.get('a');
  expect(kit.manager.active).toBe(false);
  const receipt = await kit.put({ id: 'a', value: '2' });
  expect(receipt.outcome).toBe('queued');
  expect(kit.manager.queue.list()).toMatchObject([
    { state: 'blocked', reason: 'unauthorized' },
    { state: 'ready' },
  ]);
});

test('a lane that waits for a person goes on after the decision', async () => {
  const kit = testManager();
  await open(kit);
  await kit.put({ id: 'a', value: '1' });
  kit.upstream.fail = (name) => (name.startsWith('put') ? new HttpError(403) : undefined);
  await kit.clock.advance(70_000);
  kit.upstream.fail = undefined;
  const [blocked] = kit.manager.queue.list();
  expect(await kit.manager.queue.decide(blocked?.id ?? '', 'retry')).toBe(true);
  await kit.clock.advance(70_000);
  expect(kit.upstream.values.get('a')).toBe('1');
});

test('live writes of one lane go one at a time, in the order of arrival', async () => {
  const { put, upstream } = testManager();
  const gates: (() => void)[] = [];
  upstream.gate = () => new Promise((resolve) => gates.push(resolve));
  const writes = ['1', '2', '3'].map((value) => put({ id: 'a', value }));
  for (let index = 0; index < 3; index += 1) {
    await settled();
    expect(upstream.received).toHaveLength(index + 1);
    gates[index]?.();
  }
  await Promise.all(writes);
  expect(upstream.applied).toEqual(['a=1', 'a=2', 'a=3']);
});

test('a waiter whose time is over is queued behind the write that holds the lane', async () => {
  const { put, upstream, clock, manager } = testManager();
  let go = () => {};
  upstream.gate = (name) =>
    name.includes('=1') ? new Promise((resolve) => (go = resolve)) : undefined;
  const first = put({ id: 'a', value: '1' }, { timeoutMs: 60_000 });
  await settled();
  const second = put({ id: 'a', value: '2' }, { timeoutMs: 1_000 });
  await clock.advance(1_000);
  expect(await second).toMatchObject({ outcome: 'queued' });
  // The held write was stored ahead of it, as being in flight.
  expect(manager.queue.list().map(({ state }) => state)).toEqual(['in_flight', 'ready']);
  go();
  expect(await first).toMatchObject({ outcome: 'applied' });
  await clock.advance(1_000);
  expect(upstream.applied).toEqual(['a=1', 'a=2']);
  expect(manager.status().queue.size).toBe(0);
});

test('a held write that fails after others were queued behind it stays ahead of them', async () => {
  const kit = testManager();
  const { put, upstream, clock } = kit;
  let fail = (_error: unknown) => {};
  upstream.gate = (name) =>
    name.includes('=1') ? new Promise((_resolve, reject) => (fail = reject)) : undefined;
  const first = put({ id: 'a', value: '1' }, { timeoutMs: 60_000 });
  await settled();
  const second = put({ id: 'a', value: '2' }, { timeoutMs: 1_000 });
  await clock.advance(1_000);
  await second;
  fail(refused());
  expect(await first).toMatchObject({ outcome: 'queued' });
  upstream.gate = undefined;
  await clock.advance(10_000);
  expect(upstream.applied).toEqual(['a=1', 'a=2']);
});

test('waiters are queued at once when the breaker opens', async () => {
  const kit = testManager();
  const { put, upstream } = kit;
  let go = () => {};
  upstream.gate = (name) =>
    name.startsWith('put') ? new Promise((resolve) => (go = resolve)) : undefined;
  const first = put({ id: 'a', value: '1' });
  const second = put({ id: 'a', value: '2' });
  await settled();
  await open(kit);
  expect(await second).toMatchObject({ outcome: 'queued' });
  upstream.fail = undefined;
  upstream.gate = undefined;
  go();
  expect(await first).toMatchObject({ outcome: 'applied' });
  await recover(kit);
  expect(upstream.applied).toEqual(['a=1', 'a=2']);
});

test('a write that may have been applied is an error when repeating it is not safe', async () => {
  const { add, upstream, manager } = testManager();
  upstream.fail = () => new HttpError(500);
  const error = await add({ id: 'a', value: '1' }).catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({ code: 'FALLBACK_UNKNOWN_OUTCOME', status: 504 });
  expect(manager.status().queue.size).toBe(0);
});

test('a write with a reconcile hook is not sent again once it is found', async () => {
  const kit = testManager();
  const { log, upstream, clock } = kit;
  upstream.failAfter = () => new HttpError(502);
  expect(await log({ id: 'a', value: '1' })).toMatchObject({ outcome: 'queued' });
  upstream.failAfter = undefined;
  await clock.advance(30_000);
  expect(upstream.received).toEqual(['put a=1', 'look a=1']);
  expect(kit.manager.status().queue.size).toBe(0);
});

test('an absent write is sent again only after reconcileFor', async () => {
  const kit = testManager();
  const { log, upstream, clock } = kit;
  upstream.fail = (name) => (name.startsWith('put') ? new HttpError(502) : undefined);
  await log({ id: 'a', value: '1' });
  upstream.fail = undefined;
  await clock.advance(9_000);
  expect(upstream.received.filter((each) => each.startsWith('put'))).toHaveLength(1);
  await clock.advance(20_000);
  expect(upstream.applied).toEqual(['a=1']);
  expect(kit.manager.status().queue).toMatchObject({ size: 0, replayed: 1 });
});

test('a write takes no headers: its replay would lack them', async () => {
  const { put, upstream } = testManager();
  const options = { headers: { 'x-tenant': 'one' } } as CallOptions;
  await expect(put({ id: 'a', value: '1' }, options)).rejects.toMatchObject({
    code: 'FALLBACK_INVALID_INPUT',
  });
  expect(upstream.received).toEqual([]);
});

test('a rejected write passes through and is never queued', async () => {
  const { put, upstream, manager } = testManager();
  upstream.fail = () => new HttpError(422);
  await expect(put({ id: 'a', value: '1' })).rejects.toMatchObject({ status: 422 });
  expect(manager.status()).toMatchObject({ queue: { size: 0 }, operations: { rejected: 1 } });
});

test('a queued write that the upstream rejects is a dead letter, and its lane goes on', async () => {
  const kit = testManager();
  await open(kit);
  await kit.put({ id: 'a', value: 'bad' });
  await kit.put({ id: 'a', value: 'good' });
  kit.upstream.fail = (name) => (name.includes('bad') ? new HttpError(422) : undefined);
  await kit.clock.advance(70_000);
  expect(kit.upstream.applied).toEqual(['a=good']);
  expect(kit.manager.queue.list()).toMatchObject([{ state: 'dead', reason: 'rejected' }]);
});

test('an outage that answers 500 for long gives nothing up; one poisoned write is given up alone', async () => {
  const kit = testManager();
  kit.upstream.fail = () => new HttpError(500);
  for (let call = 0; call < 5; call += 1) await kit.get('x').catch(() => {});
  await kit.put({ id: 'poison', value: '1' });
  for (const id of ['a', 'b', 'c']) await kit.put({ id, value: '1' });
  await kit.clock.advance(24 * 3_600_000);
  expect(kit.manager.status().queue).toMatchObject({ size: 4, deadLettered: 0 });
  kit.upstream.fail = (name) => (name.includes('poison') ? new HttpError(500) : undefined);
  for (let hour = 0; hour < 12; hour += 1) {
    await kit.clock.advance(3_600_000);
    await kit.put({ id: 'healthy', value: String(hour) });
  }
  expect(kit.manager.queue.list()).toMatchObject([
    { lane: 'item:poison', state: 'dead', reason: 'poison' },
  ]);
  expect(kit.manager.active).toBe(false);
});

test('429 on replay waits as long as it says, and charges nothing', async () => {
  const kit = testManager();
  await open(kit);
  await kit.put({ id: 'a', value: '1' });
  let throttled = 0;
  kit.upstream.fail = (name) => {
    if (!name.startsWith('put') || throttled > 0) return undefined;
    throttled += 1;
    return new HttpError(429, { 'retry-after': '30' });
  };
  await kit.clock.advance(70_000);
  const [waiting] = kit.manager.queue.list();
  if (waiting) expect(waiting).toMatchObject({ attempts: 0, lastError: '429' });
  await kit.clock.advance(70_000);
  expect(kit.upstream.applied).toEqual(['a=1']);
});

test('an applied update expires what is cached of its entity, a delete removes it', async () => {
  const { get, put, remove, upstream } = testManager({ cache: { ttl: 60_000 } });
  await get('a');
  await put({ id: 'a', value: '2' });
  expect(await get('a')).toEqual({ id: 'a', value: '2' });
  await remove('a');
  upstream.fail = down;
  await expect(get('a')).rejects.toMatchObject({ code: 'FALLBACK_UNAVAILABLE' });
});

test('a late read does not bring back what was removed meanwhile', async () => {
  const { get, remove, upstream } = testManager();
  let go = () => {};
  upstream.gate = (name) =>
    name.startsWith('get') ? new Promise((resolve) => (go = resolve)) : undefined;
  const late = get('a');
  await settled();
  await remove('a');
  go();
  await late;
  upstream.gate = undefined;
  upstream.fail = down;
  await expect(get('a')).rejects.toMatchObject({ code: 'FALLBACK_UNAVAILABLE' });
});

test('pending writes are laid over answers', async () => {
  const kit = testManager();
  const { manager, upstream } = kit;
  const list = manager.read('list', {
    run: async (id: string) => {
      await upstream.get(id);
      return ['stored'];
    },
    entities: (id) => [{ type: 'item', id }],
    overlay: (value, pending) => [
      ...(value ?? []),
      ...pending.map(({ input }) => `pending ${(input as { value: string }).value}`),
    ],
  });
  await list('a');
  await open(kit);
  await kit.put({ id: 'a', value: '7' });
  expect(await list.detailed('a')).toMatchObject({
    value: ['stored', 'pending 7'],
    outcome: 'stale',
    pending: 1,
  });
});

test('several writes of one call are kept in one step, and the receipt names them all', async () => {
  const kit = testManager();
  await open(kit);
  const receipt = await kit.put.all([
    { id: 'a', value: '1' },
    { id: 'a', value: '2' },
  ]);
  if (receipt.outcome !== 'queued') throw new Error('Expected the writes to be queued');
  expect(receipt.operations).toHaveLength(2);
  expect(receipt.operation).toBe(receipt.operations[1]);
});

test('a full queue refuses, even when the upstream is up', async () => {
  const kit = testManager({ queue: { maxEntries: 1 } });
  await open(kit);
  await kit.put({ id: 'a', value: '1' });
  await expect(kit.put({ id: 'a', value: '2' })).rejects.toMatchObject({
    code: 'FALLBACK_QUEUE_FULL',
    status: 503,
  });
  expect(kit.manager.status().queue.refused).toBe(1);
});

test('a write that can be neither sent nor stored says so', async () => {
  const store = { ...memoryJournal(), commit: () => Promise.reject(new Error('disk on fire')) };
  const kit = testManager({ store });
  kit.upstream.fail = down;
  await expect(kit.put({ id: 'a', value: '1' })).rejects.toMatchObject({
    code: 'FALLBACK_STORE_FAILED',
    status: 507,
  });
  kit.upstream.fail = undefined;
  expect(await kit.put({ id: 'a', value: '2' })).toMatchObject({ outcome: 'applied' });
});

test('a queue outlasts its manager, and the outage goes on over the restart', async () => {
  const store = memoryJournal();
  const before = testManager({ store });
  await open(before);
  for (const value of ['1', '2']) await before.put({ id: 'a', value });
  const since = before.manager.status().since;
  await before.manager.close();

  const after = testManager({ store, clock: before.clock });
  after.upstream.fail = down;
  await after.manager.open();
  expect(after.manager.status()).toMatchObject({ active: true, since, queue: { size: 2 } });
  after.upstream.fail = undefined;
  await after.clock.advance(70_000);
  expect(after.upstream.applied).toEqual(['a=1', 'a=2']);
  expect(after.manager.active).toBe(false);
});

test('queued writes of an earlier run are announced, also when their time has not come', async () => {
  const store = memoryJournal();
  const before = testManager({ store });
  before.upstream.fail = down;
  await before.put({ id: 'a', value: '1' });
  expect(before.manager.active).toBe(false);
  await before.manager.close();
  const after = testManager({ store, clock: before.clock });
  await after.manager.open();
  expect(after.manager.status()).toMatchObject({ active: true, trigger: 'restart' });
});

test('an outage that is over is not resumed by a later process', async () => {
  const store = memoryJournal();
  const before = testManager({ store });
  await open(before);
  await before.put({ id: 'a', value: '1' });
  await recover(before);
  await before.get('a');
  expect(before.manager.status()).toMatchObject({ active: false, queue: { size: 0 } });
  await before.manager.close();
  const after = testManager({ store });
  await after.manager.open();
  expect(after.manager.active).toBe(false);
});

test('an operation that nobody declares any more stays, and shows as unhandled', async () => {
  const store = memoryJournal();
  const before = testManager({ store });
  const old = before.manager.write('old.write', {
    run: async (_input: object) => {},
    idempotent: true,
  });
  await open(before);
  await old({ any: 'thing' });
  await before.manager.close();
  const after = testManager({ store });
  await after.manager.open();
  await after.clock.advance(600_000);
  expect(after.manager.status().queue.states).toMatchObject({ unhandled: 1 });
  expect(await after.put({ id: 'b', value: '1' })).toMatchObject({ outcome: 'applied' });
});

test('three unhealthy checks in a row trip the breaker, and a proving one closes it', async () => {
  let healthy = false;
  const { clock, manager } = testManager({
    health: {
      checks: [
        {
          name: 'ping',
          check: () => {
            if (!healthy) throw new Error('down');
            return undefined;
          },
        },
      ],
      interval: 1_000,
    },
  });
  await manager.open();
  // The first check comes soon after the start, the others in intervals.
  await clock.advance(2_000);
  expect(manager.active).toBe(false);
  await clock.advance(100);
  expect(manager.status()).toMatchObject({ active: true, trigger: 'health', reason: 'ping' });
  healthy = true;
  await clock.advance(70_000);
  expect(manager.status()).toMatchObject({
    active: false,
    health: { upstream: 'healthy' },
  });
});

test('a liveness answer proves nothing: it never closes a breaker', async () => {
  const kit = testManager({
    health: { checks: [{ name: 'live', proves: false, check: () => undefined }] },
  });
  await open(kit);
  await kit.clock.advance(600_000);
  expect(kit.manager.status().breakers.items?.state).toBe('half_open');
  kit.upstream.fail = undefined;
  await kit.get('a');
  await kit.clock.advance(10_000);
  await kit.get('a');
  expect(kit.manager.active).toBe(false);
});

test('reads go live little by little after an outage', async () => {
  let dice = 0;
  const kit = testManager({ recoveryRamp: 5_000, random: () => dice });
  await kit.get('a');
  await open(kit);
  await recoverWithReads(kit);
  expect((await kit.get.detailed('a')).outcome).toBe('stale');
  dice = 0.95;
  expect((await kit.get.detailed('a')).outcome).toBe('live');
  dice = 0;
  await kit.clock.advance(5_000);
  expect((await kit.get.detailed('a')).outcome).toBe('live');
});

async function recoverWithReads(kit: ReturnType<typeof testManager>) {
  kit.upstream.fail = undefined;
  await kit.clock.advance(60_000);
  await kit.get('b');
  await kit.get('b');
  expect(kit.manager.active).toBe(false);
}

test('closing stores who waits, and later writes go straight to the upstream', async () => {
  const kit = testManager();
  await open(kit);
  await kit.put({ id: 'a', value: '1' });
  await kit.manager.close();
  kit.upstream.fail = undefined;
  await kit.clock.advance(60_000);
  await expect(kit.put({ id: 'a', value: '2' })).rejects.toMatchObject({ status: 503 });
});

test('a listener that throws hurts nobody, and listening can be undone', async () => {
  const { manager, get } = testManager();
  let heard = 0;
  manager.on('operation', () => {
    throw new Error('listener');
  });
  const stop = manager.on('operation', () => {
    heard += 1;
  });
  await get('a');
  stop();
  await get('a');
  expect(heard).toBe(1);
});

test('wrong options are refused in the words of the user', () => {
  expect(() => testManager({ name: '' })).toThrow(
    'Expected `name` of FallbackManager to be a text that is not empty, got ""',
  );
  expect(() => testManager({ cache: { ttl: -1 } })).toThrow(
    'Expected `ttl` of `cache` to be 0 or more milliseconds, got -1',
  );
  expect(() => testManager({ brekaer: {} } as object)).toThrow('Unknown option `brekaer`');
});

test('an operation is declared once', () => {
  const { manager } = testManager();
  expect(() => manager.read('item.get', { run: () => 1 })).toThrow("got 'item.get' again");
});

test('an input that is not JSON is refused before anything is sent', async () => {
  const { manager, upstream } = testManager();
  const odd = manager.write('odd', { run: async (_input: unknown) => upstream.put('x', 'y') });
  await expect(odd({ at: { deep: new Map() } })).rejects.toMatchObject({
    code: 'FALLBACK_INVALID_INPUT',
    status: 400,
  });
  expect(upstream.received).toEqual([]);
});

test('a caller that has given up already costs nothing, and nobody', async () => {
  const { get, upstream } = testManager();
  upstream.fail = down;
  const gone = get('a', { signal: AbortSignal.abort(new Error('gone')) });
  await expect(gone).rejects.toThrow('gone');
  expect(upstream.received).toEqual([]);
});

test('an outage costs no work while nothing may be sent', async () => {
  const kit = testManager();
  await open(kit);
  for (const id of ['a', 'b', 'c']) await kit.put({ id, value: '1' });
  await kit.clock.advance(1_500);
  let timers = 0;
  const { after } = kit.clock;
  kit.clock.after = (ms, wake) => {
    timers += 1;
    return after(ms, wake);
  };
  await kit.clock.advance(10_000);
  expect(timers).toBeLessThan(5);
});

test('a hook of the app that throws loses nothing', async () => {
  let bad = true;
  const kit = testManager({
    classify: () => {
      if (bad) throw new Error('hook');
      return undefined;
    },
    health: {
      checks: [
        {
          name: 'odd',
          applies: () => {
            throw new Error('hook');
          },
          check: () => undefined,
        },
      ],
    },
  });
  await open(kit);
  await kit.put({ id: 'a', value: '1' });
  await kit.clock.advance(70_000);
  bad = false;
  kit.upstream.fail = undefined;
  await kit.clock.advance(200_000);
  expect(kit.upstream.applied).toEqual(['a=1']);
});

test('a write that was applied and cannot be kept is never said to be unsent', async () => {
  const store = { ...memoryJournal(), commit: () => Promise.reject(new Error('disk')) };
  const { put, upstream } = testManager({ store });
  upstream.failAfter = () => new HttpError(502);
  await expect(put({ id: 'a', value: '1' })).rejects.toMatchObject({
    code: 'FALLBACK_UNKNOWN_OUTCOME',
  });
  expect(upstream.applied).toEqual(['a=1']);
});

test('a settlement that could not be written is on disk before any later one', async () => {
  const base = memoryJournal();
  let failures = 0;
  const store: Journal = {
    ...base,
    commit(changes, options) {
      const removes = changes.some((change) => change.bucket === 'queue' && 'delete' in change);
      if (removes && failures-- > 0) return Promise.reject(new Error('disk'));
      return base.commit(changes, options);
    },
  };
  const kit = testManager({ store, breaker: { successThreshold: 1 } });
  await open(kit);
  for (const value of ['1', '2']) await kit.put({ id: 'a', value });
  failures = 1;
  await recover(kit);
  expect(kit.upstream.applied).toEqual(['a=1', 'a=2']);
  expect([...base.entries('queue')]).toEqual([]);
});

test('inputs that JSON cannot tell apart are refused: one user must not get another’s answer', async () => {
  const { manager } = testManager();
  const search = manager.read('search', {
    run: async (asked: URLSearchParams) => asked.toString(),
  });
  await expect(search(new URLSearchParams('user=ann'))).rejects.toMatchObject({
    code: 'FALLBACK_INVALID_INPUT',
  });
  const keyed = manager.read('keyed', {
    run: async (asked: URLSearchParams) => asked.toString(),
    key: (asked) => asked.toString(),
  });
  expect(await keyed(new URLSearchParams('user=ann'))).toBe('user=ann');
});

test('a wall clock that is set back does not keep the breaker open', async () => {
  const kit = testManager();
  await open(kit);
  const { now } = kit.clock;
  kit.clock.now = () => now() - 3_600_000;
  await kit.clock.advance(70_000);
  expect(kit.manager.status().breakers.items?.state).toBe('half_open');
  expect(kit.manager.retryAfterMs).toBeLessThan(60_000);
});

test('a store that hangs does not hang the app', async () => {
  const store = { ...memoryJournal(), open: () => new Promise<never>(() => {}) };
  const kit = testManager({ store });
  const read = kit.get('a');
  await kit.clock.advance(6_000);
  expect(await read).toEqual({ id: 'a', value: null });
});

test('Retry-After of a live 429 holds for the queued write, too', async () => {
  const kit = testManager();
  kit.upstream.fail = () => new HttpError(429, { 'retry-after': '30' });
  expect(await kit.put({ id: 'a', value: '1' })).toMatchObject({ outcome: 'queued' });
  kit.upstream.fail = undefined;
  await kit.clock.advance(29_000);
  expect(kit.upstream.applied).toEqual([]);
  await kit.clock.advance(2_000);
  expect(kit.upstream.applied).toEqual(['a=1']);
});

test('a deadline that is none is refused before anything is sent', async () => {
  const { get, put, upstream } = testManager();
  await expect(get('a', { timeoutMs: 0 })).rejects.toMatchObject({ status: 400 });
  await expect(put({ id: 'a', value: '1' }, { timeoutMs: Number.NaN })).rejects.toMatchObject({
    status: 400,
  });
  expect(upstream.received).toEqual([]);
});

test('after close, calls go straight to the upstream, and its errors pass', async () => {
  const { get, put, manager, upstream, clock } = testManager();
  await manager.close();
  expect(await get('a')).toEqual({ id: 'a', value: null });
  expect(await put({ id: 'a', value: '1' })).toMatchObject({ outcome: 'applied' });
  upstream.fail = () => new HttpError(500);
  await expect(get('a')).rejects.toMatchObject({ status: 500 });
  await expect(put({ id: 'a', value: '2' })).rejects.toMatchObject({ status: 500 });
  await clock.advance(600_000);
  expect(manager.status().closed).toBe(true);
});

test('types follow from the declaration', () => {
  const { get, put } = testManager();
  expectTypeOf(get).parameter(0).toEqualTypeOf<string>();
  expectTypeOf(get('a')).resolves.toEqualTypeOf<{ id: string; value: string | null }>();
  expectTypeOf(put).parameter(0).toEqualTypeOf<{ readonly id: string; readonly value: string }>();
});

test('a store that cannot even tell how it is degrades the kit, and nothing else', async () => {
  const store = {
    ...memoryJournal(),
    status: () => {
      throw new Error('no status');
    },
  };
  const { manager, get } = testManager({ store });
  expect(await get('a')).toMatchObject({ id: 'a' });
  expect(manager.status().store).toMatchObject({ kind: 'memory', writable: false });
  await manager.close();
});

test('an event that does not exist is said, and so is a listener that is none', () => {
  const { manager } = testManager();
  const on = manager.on.bind(manager) as (name: string, listener?: unknown) => unknown;
  expect(() => on('statechange', () => {})).toThrow('Expected `name` of on to be stateChange,');
  expect(() => on('stateChange', undefined)).toThrow('`listener`');
});

test('what a listener throws need not even have a text', async () => {
  const { manager, get } = testManager();
  manager.on('operation', () => {
    throw Object.create(null);
  });
  manager.on('operation', (() => ({
    // biome-ignore lint/suspicious/noThenProperty: a promise of another library, that rejects
    then: (_resolve: unknown, reject: (error: unknown) => void) => reject(Object.create(null)),
  })) as () => void);
  expect(await get('a')).toMatchObject({ id: 'a' });
});

test('a store that hangs does not hold the end', async () => {
  const store = { ...memoryJournal(), close: () => new Promise<void>(() => {}) };
  const { manager, clock } = testManager({ store });
  const failed: string[] = [];
  manager.on('storeFailed', ({ verb, error }) => failed.push(`${verb} ${String(error)}`));
  await manager.open();
  const closing = manager.close();
  await clock.advance(5_000);
  await closing;
  expect(failed).toEqual([expect.stringMatching(/^close /)]);
  expect(manager.status().closed).toBe(true);
});
