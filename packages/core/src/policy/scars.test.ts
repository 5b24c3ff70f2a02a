/** What others' libraries were hurt by, and this one must not be. Letters are those of cockatiel 4.0.0's defects. */

import { AsyncLocalStorage } from 'node:async_hooks';
import { execFile } from 'node:child_process';
import { getEventListeners } from 'node:events';
import { promisify } from 'node:util';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, onTestFinished, test, vi } from 'vitest';
import { Breaker } from '../breaker/breaker.ts';
import { type BreakerOptions, settings } from '../breaker/breaker-options.ts';
import { CircuitBreaker } from '../breaker/circuit-breaker.ts';
import { Emitter } from '../events.ts';
import { classify, isRepeatable } from '../failure.ts';
import { manualClock, settled } from '../manual-clock.test.support.ts';
import { HttpError, testManager } from '../upstream.test.support.ts';
import type { CallPlan } from './call.ts';
import { createPolicy } from './policy.ts';

function scarKit({
  limit = 64,
  breaker: options,
}: {
  limit?: number;
  breaker?: BreakerOptions;
} = {}) {
  const clock = manualClock();
  const timers: number[] = [];
  const { after } = clock;
  clock.after = (ms, wake, keepAlive) => {
    timers.push(ms);
    return after(ms, wake, keepAlive);
  };
  const breaker = new Breaker(settings({ failureThreshold: 100, openFor: 1_000, ...options }), {
    name: 'test',
    mode: 'queue_writes',
    clock,
    random: () => 0.5,
    events: new Emitter(),
  });
  const policy = createPolicy({
    bulkhead: { limit, queue: 256 },
    retry: { retries: 2, initialDelay: 100, maxDelay: 2_000 },
    clock,
    random: () => 0.5,
    classify,
  });
  const attempts: string[] = [];
  const call = <T>(run: CallPlan<T>['run'], more: Partial<CallPlan<T>> = {}) =>
    policy.call<T>({
      run,
      breaker,
      timeoutMs: 5_000,
      signal: undefined,
      retriable: (failed) => isRepeatable(failed, true),
      onAttempt: (_number, failed) => attempts.push(failed?.code ?? 'success'),
      ...more,
    });
  return { call, clock, breaker, policy, attempts, timers };
}

/** Listening is needed from the start: a rejection that nobody awaits yet would end the process. */
function outcomeOf(call: Promise<unknown>): Promise<unknown> {
  return call.catch((error: unknown) => error);
}

test("cockatiel a: calls that waited for a slot run in their own callers' contexts, whoever ends before them", async () => {
  const { call } = scarKit({ limit: 1 });
  const request = new AsyncLocalStorage<number>();
  const seen = await Promise.all(
    Array.from({ length: 20 }, (_, number) =>
      request.run(number, () =>
        call(async () => {
          const before = request.getStore();
          await settled();
          return [number, before, request.getStore()];
        }),
      ),
    ),
  );
  for (const [number, before, after] of seen) expect([before, after]).toEqual([number, number]);
});

test('cockatiel e: a caller that gives up is no timeout, and no failure of the upstream', async () => {
  const { call, clock, breaker, attempts } = scarKit();
  const caller = new AbortController();
  const reason = new Error('left');
  let signal: AbortSignal | undefined;
  const ended = outcomeOf(
    call(
      (context) => {
        signal = context.signal;
        return new Promise(() => {});
      },
      { signal: caller.signal },
    ),
  );
  await settled();
  caller.abort(reason);
  expect(await ended).toMatchObject({ name: 'CallAborted', cause: reason, sent: true });
  expect(signal?.reason).toBe(reason);
  await clock.advance(10_000);
  expect(attempts).toEqual([]);
  expect(breaker.status().calls).toEqual({ success: 0, failure: 0, refused: 0 });
});

test('cockatiel f: an abort between two tries ends the wait at once, and nothing is tried again', async () => {
  const { call, clock } = scarKit();
  const caller = new AbortController();
  let tries = 0;
  const ended = outcomeOf(
    call(
      () => {
        tries += 1;
        throw new HttpError(503, { 'retry-after': '2' });
      },
      { signal: caller.signal },
    ),
  );
  await settled();
  expect(tries).toBe(1);
  caller.abort();
  expect(await ended).toMatchObject({ name: 'CallAborted' });
  await clock.advance(10_000);
  expect(tries).toBe(1);
});

test('one call that times out aborts no other', async () => {
  const { call, clock } = scarKit();
  const signals: AbortSignal[] = [];
  const hang = (timeoutMs: number) =>
    outcomeOf(
      call(
        ({ signal }) => {
          signals.push(signal);
          return new Promise(() => {});
        },
        { timeoutMs },
      ),
    );
  const short = hang(100);
  hang(200);
  await clock.advance(50);
  hang(100);
  await clock.advance(50);
  expect(await short).toMatchObject({ code: 'FALLBACK_TIMEOUT' });
  expect(signals.map(({ aborted }) => aborted)).toEqual([true, false, false]);
});

test('a call that ignores its signal makes none, and one that succeeds aborts none', async () => {
  const { call } = scarKit();
  const made: AbortSignal[] = [];
  class CountedController extends AbortController {
    constructor() {
      super();
      made.push(this.signal);
    }
  }
  vi.stubGlobal('AbortController', CountedController);
  onTestFinished(() => void vi.unstubAllGlobals());
  for (let count = 0; count < 100; count += 1) await call(async () => 'ignores it');
  expect(made).toEqual([]);
  await call(async ({ signal }) => signal.aborted);
  expect(made.map(({ aborted }) => aborted)).toEqual([false]);
});

test('a thousand calls in the air wait on one timer', async () => {
  const { call, timers } = scarKit({ limit: 1_000 });
  for (let count = 0; count < 1_000; count += 1)
    void outcomeOf(call(() => new Promise(() => {}), { timeoutMs: 3_000 }));
  await settled();
  expect(timers).toEqual([3_000]);
});

test('an answer that is late changes nothing any more', async () => {
  const { call, clock, breaker, attempts } = scarKit();
  let answer = (_value: string) => {};
  const ended = outcomeOf(
    call(() => new Promise<string>((resolve) => (answer = resolve)), { timeoutMs: 100 }),
  );
  await clock.advance(100);
  expect(await ended).toMatchObject({ code: 'FALLBACK_TIMEOUT', sent: true });
  answer('late');
  await settled();
  expect(breaker.status().calls).toMatchObject({ success: 0, failure: 1 });
  expect(attempts).toEqual(['timeout']);
});

test.each<[string, Partial<CallPlan<unknown>>, 'abort' | undefined]>([
  ['a caller that gives up', {}, 'abort'],
  ['a 429', { run: () => Promise.reject(new HttpError(429)), retriable: () => false }, undefined],
  ["the caller's fault", { run: () => Promise.reject(new HttpError(404)) }, undefined],
])(
  'half-open is not stuck by %s: the permit comes back, and the next one tries',
  async (_name, plan, ends) => {
    const { call, clock, breaker } = scarKit({
      breaker: { failureThreshold: 1, successThreshold: 1 },
    });
    await outcomeOf(call(() => Promise.reject(new HttpError(503)), { retriable: () => false }));
    await clock.advance(1_000);
    const caller = new AbortController();
    const ended = outcomeOf(call(() => new Promise(() => {}), { signal: caller.signal, ...plan }));
    await settled();
    if (ends) {
      expect(breaker.admits('call')).toBe(false);
      caller.abort();
    }
    await ended;
    expect(breaker.state.kind).toBe('half_open');
    await clock.advance(1_000);
    expect(await call(async () => 'works')).toBe('works');
    expect(breaker.state.kind).toBe('closed');
  },
);

test('100,000 calls with one signal leave no listener on it, nor any warning', async () => {
  const { manager, get } = testManager({ retry: { retries: 1, initialDelay: 0, maxDelay: 0 } });
  onTestFinished(() => manager.close());
  const caller = new AbortController();
  const warnings: string[] = [];
  const warn = ({ name }: Error) => warnings.push(name);
  process.on('warning', warn);
  onTestFinished(() => void process.off('warning', warn));
  const { signal } = caller;
  for (let round = 0; round < 10_000; round += 1)
    await Promise.all(Array.from({ length: 10 }, (_, key) => get(String(key), { signal })));
  expect(getEventListeners(signal, 'abort')).toEqual([]);
  expect(warnings.filter((name) => name.startsWith('MaxListeners'))).toEqual([]);
}, 60_000);

test('10,000 breakers have no timer while closed, and nobody but their makers knows them', async () => {
  const collect = collector();
  const timers = () => process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout').length;
  const before = timers();
  const made = Array.from({ length: 10_000 }, () => new WeakRef(new CircuitBreaker()));
  expect(timers()).toBe(before);
  await settled();
  collect();
  expect(made.filter((each) => each.deref()).length).toBeLessThan(100);
});

test('a breaker that was made within a request does not hold on to the request, not even while it is open', async () => {
  const collect = collector();
  const request = new AsyncLocalStorage<object>();
  const breakers: CircuitBreaker[] = [];
  const requests = await Promise.all(
    Array.from({ length: 10 }, () => {
      const memory = { of: 'a request' };
      return request.run(memory, async () => {
        const breaker = new CircuitBreaker({ failureThreshold: 1 });
        await outcomeOf(breaker.execute(() => Promise.reject(new HttpError(503))));
        breakers.push(breaker);
        return new WeakRef(memory);
      });
    }),
  );
  await settled();
  collect();
  expect(breakers.map(({ state }) => state)).toEqual(Array(10).fill('open'));
  expect(requests.filter((each) => each.deref())).toEqual([]);
});

test('a process that only holds managers with breakers, deadlines and health checks ends by itself', async () => {
  const script = `
    import { CircuitBreaker, FallbackManager } from '@graphiti-fallback/core';
    const down = () => { throw Object.assign(new Error('down'), { status: 503 }); };
    const manager = new FallbackManager({
      name: 'exits', logger: false, retry: { retries: 0 },
      health: { interval: 50, checks: [{ name: 'up', check: () => new Promise(() => {}) }] },
    });
    const read = manager.read('read', { run: down });
    const hang = manager.read('hang', { run: () => new Promise(() => {}), breaker: 'hung' });
    const write = manager.write('write', { run: down, idempotent: true });
    hang('never').catch(() => {});
    for (let call = 0; call < 5; call += 1) await read(call).catch(() => {});
    await write('kept in memory');
    const own = new CircuitBreaker({ failureThreshold: 1 });
    await own.execute(down).catch(() => {});
    await manager.breaker('apart').isolate();
    console.log(manager.status().breakers.exits.state, own.state);
  `;
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ['--conditions=@graphiti-fallback/source', '--input-type=module-typescript', '--eval', script],
    { cwd: import.meta.dirname, timeout: 30_000 },
  );
  expect(stdout.trim()).toBe('open open');
}, 40_000);

/** Lets the garbage go now. */
function collector(): () => void {
  setFlagsFromString('--expose-gc');
  return runInNewContext('gc') as () => void;
}
