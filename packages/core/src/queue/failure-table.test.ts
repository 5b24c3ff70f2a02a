/** The failure table: what each kind of failure means for a live write, and for a queued one. */

import { describe, expect, test } from 'vitest';
import { memoryJournal } from '../memory-journal.ts';
import type { FallbackMode } from '../mode.ts';
import {
  HttpError,
  outage,
  recovery,
  refused,
  testManager,
  untilClosed,
} from '../upstream.test.support.ts';

function systemError(code: string): Error {
  return new TypeError('fetch failed', { cause: Object.assign(new Error(code), { code }) });
}

type Row = readonly [what: string, error: () => Error];

const unavailable: readonly Row[] = [
  ['a refused connection', refused],
  ['a name that is not found', () => systemError('ENOTFOUND')],
  ['a certificate that is over', () => systemError('CERT_HAS_EXPIRED')],
  ['503', () => new HttpError(503)],
];
const unknown: readonly Row[] = [
  ['a reset', () => systemError('ECONNRESET')],
  ...[408, 500, 502, 504].map((status): Row => [String(status), () => new HttpError(status)]),
];
const unauthorized: readonly Row[] = [
  ['401', () => new HttpError(401)],
  ['403', () => new HttpError(403)],
];
const rejected: readonly Row[] = [400, 404, 409, 410, 422].map((status) => [
  String(status),
  () => new HttpError(status),
]);

const item = { id: 'a', value: '1' };
type Kit = ReturnType<typeof testManager>;

/** Writes fail like this, and reads do not: the breaker closes whatever becomes of the queue. */
function failWrites({ upstream }: Kit, error: () => Error) {
  upstream.fail = (name) => (name.startsWith('put') ? error() : undefined);
}

/** One queued write, and an upstream that fails writes like this from now on. */
async function queued(write: 'put' | 'add' | 'log', error: () => Error): Promise<Kit> {
  const kit = testManager();
  await outage(kit);
  await kit[write](item);
  failWrites(kit, error);
  return kit;
}

function head({ manager }: Kit) {
  return manager.queue.list()[0];
}

describe('a live write', () => {
  test.each(unavailable)('unavailable: %s queues it', async (_what, error) => {
    const kit = testManager();
    failWrites(kit, error);
    expect(await kit.add(item)).toMatchObject({ outcome: 'queued' });
    expect(kit.upstream.received).toEqual(['put a=1']);
  });

  test.each(['disabled', 'read_only'] as const)(
    'unavailable: in %s it gets the upstream’s error',
    async (mode: FallbackMode) => {
      const kit = testManager({ mode });
      failWrites(kit, () => new HttpError(503));
      await expect(kit.put(item)).rejects.toMatchObject({ status: 503, message: 'HTTP 503' });
      expect(kit.manager.queue.list()).toEqual([]);
    },
  );

  test('unavailable: a full bulkhead queues it, and says nothing about the upstream', async () => {
    const kit = testManager({ bulkhead: { limit: 1, queue: 0 } });
    kit.upstream.gate = () => new Promise(() => {});
    const holding = kit.put({ id: 'holding', value: '1' }, { timeoutMs: 60_000 });
    for (let call = 0; call < 10; call += 1)
      expect(await kit.put({ id: String(call), value: '1' })).toMatchObject({ outcome: 'queued' });
    expect(kit.upstream.received).toEqual(['put holding=1']);
    expect(kit.manager.active).toBe(false);
    holding.catch(() => {});
  });

  test('unavailable: an open breaker queues it without a call', async () => {
    const kit = testManager();
    await outage(kit);
    const before = kit.upstream.received.length;
    expect(await kit.add(item)).toMatchObject({ outcome: 'queued' });
    expect(kit.upstream.received).toHaveLength(before);
  });

  test('unavailable: a caller that gives up before it is sent leaves it queued', async () => {
    const kit = testManager();
    const signal = AbortSignal.abort();
    expect(await kit.add(item, { signal })).toMatchObject({ outcome: 'queued' });
    expect(kit.upstream.received).toEqual([]);
  });

  test('throttled: it is tried again where Retry-After fits the deadline', async () => {
    const kit = testManager({ retry: { retries: 1 } });
    let tries = 0;
    failWrites(kit, () => new HttpError(429, { 'retry-after': '2' }));
    const { fail } = kit.upstream;
    kit.upstream.fail = (name) => {
      tries += 1;
      return tries === 1 ? fail?.(name) : undefined;
    };
    const writing = kit.add(item);
    await kit.clock.advance(1_900);
    expect(kit.upstream.received).toHaveLength(1);
    await kit.clock.advance(200);
    expect(await writing).toMatchObject({ outcome: 'applied' });
  });

  test('throttled: it is queued where Retry-After does not fit, and waits as long as it says', async () => {
    const kit = testManager({ retry: { retries: 1 } });
    failWrites(kit, () => new HttpError(429, { 'retry-after': '30' }));
    expect(await kit.add(item)).toMatchObject({ outcome: 'queued' });
    kit.upstream.fail = undefined;
    await kit.clock.advance(29_000);
    expect(kit.upstream.applied).toEqual([]);
    await kit.clock.advance(2_000);
    expect(kit.upstream.applied).toEqual(['a=1']);
  });

  test.each(unknown)('unknown: %s queues an idempotent one', async (_what, error) => {
    const kit = testManager();
    failWrites(kit, error);
    expect(await kit.put(item)).toMatchObject({ outcome: 'queued' });
  });

  test.each(unknown)('unknown: %s queues one that can be looked for', async (_what, error) => {
    const kit = testManager();
    failWrites(kit, error);
    expect(await kit.log(item)).toMatchObject({ outcome: 'queued' });
  });

  test.each(unknown)('unknown: after %s any other is told so, and not queued', async (_, error) => {
    const kit = testManager();
    failWrites(kit, error);
    await expect(kit.add(item)).rejects.toMatchObject({ code: 'FALLBACK_UNKNOWN_OUTCOME' });
    expect(kit.manager.queue.list()).toEqual([]);
  });

  test('unknown: a deadline after sending is such a failure', async () => {
    const kit = testManager();
    kit.upstream.gate = () => new Promise(() => {});
    const [put, add] = [kit.put(item), kit.add({ id: 'b', value: '1' })];
    add.catch(() => {});
    await kit.clock.advance(10_000);
    expect(await put).toMatchObject({ outcome: 'queued' });
    await expect(add).rejects.toMatchObject({ code: 'FALLBACK_UNKNOWN_OUTCOME', status: 504 });
  });

  test.each([...unauthorized, ...rejected])(
    '%s passes through and is not queued',
    async (_, error) => {
      const kit = testManager({ retry: { retries: 2 } });
      failWrites(kit, error);
      await expect(kit.put(item)).rejects.toThrow(error().message);
      expect(kit.upstream.received).toHaveLength(1);
      expect(kit.manager.queue.list()).toEqual([]);
    },
  );

  test('is tried again only where it was certainly not applied, or is idempotent', async () => {
    const triesOf = async (write: 'put' | 'add', error: () => Error) => {
      const kit = testManager({ retry: { retries: 2 } });
      failWrites(kit, error);
      const id = `${write} ${error()}`;
      const sent = () => kit.upstream.received.filter((each) => each.includes(id)).length;
      const tries = kit[write]({ id, value: '1' }).then(sent, sent);
      await kit.clock.advance(9_000);
      return tries;
    };
    expect(await triesOf('add', () => new HttpError(500))).toBe(1);
    expect(await triesOf('put', () => new HttpError(500))).toBe(3);
    expect(await triesOf('add', () => new HttpError(429))).toBe(3);
  });

  test.each([
    ...[...unavailable, ...unknown].map(([what, error]) => [what, error, true] as const),
    ...[...unauthorized, ...rejected].map(([what, error]) => [what, error, false] as const),
    ['429', () => new HttpError(429), false] as const,
  ])('%s counts against the breaker: %3$s', async (_what, error, counts) => {
    const kit = testManager();
    failWrites(kit, error);
    for (let call = 0; call < 5; call += 1)
      await kit.put({ id: String(call), value: '1' }).catch(() => {});
    expect(kit.manager.active).toBe(counts);
  });
});

describe('a queued write', () => {
  test.each(unavailable)(
    'unavailable: after %s its lane backs off, uncharged',
    async (_, error) => {
      const kit = await queued('add', error);
      await untilClosed(kit);
      await kit.clock.advance(20_000);
      expect(head(kit)).toMatchObject({ attempts: 0 });
      const sent = kit.upstream.received.length;
      await kit.clock.advance(200_000);
      const later = kit.upstream.received.length - sent;
      // Full jitter of a backoff that doubles: far fewer than one a second.
      expect(later).toBeGreaterThan(0);
      expect(later).toBeLessThan(15);
      await recovery(kit);
      await kit.clock.advance(300_000);
      expect(kit.upstream.applied).toEqual(['a=1']);
    },
  );

  test('unavailable: the wait is over when the breaker closes', async () => {
    const kit = testManager({ random: () => 0.99 });
    await outage(kit);
    await kit.put(item);
    // Long enough that the lane waits for minutes.
    await kit.clock.advance(3_600_000);
    const wait = () => (head(kit)?.nextAttemptAt ?? 0) - kit.clock.now();
    for (let minute = 0; wait() < 150_000 && minute < 10; minute += 1)
      await kit.clock.advance(60_000);
    expect(wait()).toBeGreaterThan(150_000);
    kit.upstream.fail = undefined;
    await untilClosed(kit);
    await kit.clock.advance(1_000);
    expect(kit.upstream.applied).toEqual(['a=1']);
  });

  test('nothing is sent while the breaker is open', async () => {
    const kit = testManager();
    await outage(kit);
    for (const id of ['a', 'b', 'c']) await kit.put({ id, value: '1' });
    const before = kit.upstream.received.length;
    await kit.clock.advance(53_000);
    expect(kit.upstream.received).toHaveLength(before);
  });

  test('throttled: it is paused as long as Retry-After says, and its rate is bounded', async () => {
    const kit = await queued('add', () => new HttpError(429, { 'retry-after': '20' }));
    await untilClosed(kit);
    kit.upstream.fail = undefined;
    const waits = (head(kit)?.nextAttemptAt ?? 0) - kit.clock.now();
    expect(waits).toBeGreaterThan(0);
    expect(kit.manager.status().queue.drainRate).toBeGreaterThanOrEqual(1);
    const sent = kit.upstream.received.filter((each) => each.startsWith('put')).length;
    await kit.clock.advance(waits - 1);
    expect(kit.upstream.received.filter((each) => each.startsWith('put'))).toHaveLength(sent);
    await kit.clock.advance(2_000);
    expect(kit.upstream.applied).toEqual(['a=1']);
    expect(kit.manager.status().queue).toMatchObject({ size: 0, deadLettered: 0 });
  });

  test.each(unknown)(
    'unknown: after %s it is parked where it must not be repeated',
    async (_, error) => {
      const kit = await queued('add', error);
      await untilClosed(kit);
      await kit.clock.advance(100_000);
      expect(head(kit)).toMatchObject({ state: 'parked', reason: 'unknown', attempts: 0 });
      const sent = kit.upstream.received.length;
      await kit.clock.advance(1_000_000);
      expect(kit.upstream.received).toHaveLength(sent);
    },
  );

  test.each(unknown)('unknown: %s is charged, at last it is poison', async (_what, error) => {
    const kit = await queued('put', error);
    const good = (round: number) => kit.put({ id: 'good', value: String(round) });
    const { fail } = kit.upstream;
    kit.upstream.fail = (name) => (name.includes('a=1') ? fail?.(name) : undefined);
    await untilClosed(kit);
    for (let round = 0; round < 40; round += 1) {
      await good(round);
      await kit.clock.advance(300_000);
    }
    expect(kit.manager.queue.list()).toMatchObject([{ state: 'dead', reason: 'poison' }]);
    expect(kit.upstream.received.filter((each) => each === 'put a=1').length).toBeGreaterThan(10);
  });

  test('unknown: one that can be looked for is looked for before it is sent again', async () => {
    const kit = await queued('log', () => new HttpError(500));
    await untilClosed(kit);
    await kit.clock.advance(60_000);
    const about = kit.upstream.received.filter((each) => each.includes('a=1'));
    expect(about.slice(0, 2)).toEqual(['put a=1', 'look a=1']);
  });

  test.each(unauthorized)(
    'unauthorized: after %s its lane is blocked, uncharged',
    async (_, error) => {
      const kit = await queued('put', error);
      await untilClosed(kit);
      await kit.clock.advance(100_000);
      expect(head(kit)).toMatchObject({ state: 'blocked', reason: 'unauthorized', attempts: 0 });
      expect(kit.manager.status().queue.lanes.blocked).toBe(1);
    },
  );

  test.each(rejected)(
    'rejected: after %s it is a dead letter, and its lane goes on',
    async (_, error) => {
      const kit = testManager();
      await outage(kit);
      await kit.put(item);
      await kit.put({ id: 'a', value: '2' });
      kit.upstream.fail = (name) => (name === 'put a=1' ? error() : undefined);
      await kit.clock.advance(70_000);
      expect(kit.manager.queue.list()).toMatchObject([
        { state: 'dead', reason: 'rejected', lastError: error().message.replace('HTTP ', '') },
      ]);
      expect(kit.upstream.applied).toEqual(['a=2']);
    },
  );

  test.each([404, 410])('rejected: %i on a delete means that it is done', async (status) => {
    const kit = testManager();
    await outage(kit);
    await kit.remove('a');
    kit.upstream.fail = (name) => (name.startsWith('remove') ? new HttpError(status) : undefined);
    await kit.clock.advance(70_000);
    expect(kit.manager.status().queue).toMatchObject({ size: 0, replayed: 1, deadLettered: 0 });
  });
});

test('a write keeps its idempotency key through retries, replays and restarts', async () => {
  const keys: string[] = [];
  const store = memoryJournal();
  const start = (clock?: Kit['clock']) => {
    const kit = testManager({ store, retry: { retries: 1 }, ...(clock && { clock }) });
    const send = kit.manager.write('send', {
      idempotent: true,
      run: async (_input: string, { idempotencyKey }) => {
        keys.push(idempotencyKey);
        throw new HttpError(500);
      },
    });
    return { ...kit, send };
  };
  const first = start();
  const writing = first.send('x');
  const live = writing.then(() => keys.length);
  await first.clock.advance(5_000);
  const receipt = await writing;
  expect(await live).toBe(2);
  await first.clock.advance(600_000);
  await first.manager.close();
  const replayed = keys.length;
  expect(replayed).toBeGreaterThan(2);
  const second = start(first.clock);
  await second.manager.open();
  await second.clock.advance(600_000);
  expect(keys.length).toBeGreaterThan(replayed);
  expect(receipt).toMatchObject({ outcome: 'queued', operation: keys[0] });
  expect(new Set(keys).size).toBe(1);
  // RFC 9562: version 7.
  expect(keys[0]).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7/);
});
