import { AsyncLocalStorage } from 'node:async_hooks';
import { expect, test } from 'vitest';
import { Breaker } from '../breaker/breaker.ts';
import { settings } from '../breaker/breaker-options.ts';
import { systemClock } from '../clock.ts';
import { Emitter } from '../events.ts';
import { classify } from '../failure.ts';
import { manualClock, settled } from '../manual-clock.test.support.ts';
import type { CallPlan } from './call.ts';
import { createPolicy } from './policy.ts';

function policyKit({ limit = 64, queue = 256, retries = 2, clock = manualClock() } = {}) {
  const breaker = new Breaker(
    settings({ failureThreshold: 100, successThreshold: 1, openFor: 1_000 }),
    { name: 'test', mode: 'queue_writes', clock, random: () => 0.5, events: new Emitter() },
  );
  const policy = createPolicy({
    bulkhead: { limit, queue },
    retry: { retries, initialDelay: 100, maxDelay: 2_000 },
    clock,
    random: () => 0.5,
    classify,
  });
  const call = <T>(run: CallPlan<T>['run'], more: Partial<CallPlan<T>> = {}) =>
    policy.call({ run, breaker, timeoutMs: 5_000, signal: undefined, ...more });
  return { policy, breaker, clock, call };
}

const unavailable = () => Object.assign(new Error('503'), { status: 503 });

test('tries again what may be tried again, and then gives the last error', async () => {
  const { call, clock, breaker } = policyKit();
  let tries = 0;
  const result = call(
    () => {
      tries += 1;
      throw unavailable();
    },
    { retriable: () => true },
  );
  result.catch(() => {});
  await clock.advance(4_500);
  await expect(result).rejects.toMatchObject({ status: 503 });
  expect(tries).toBe(3);
  expect(breaker.status().calls.failure).toBe(3);
});

test('does not try again past its deadline, nor sooner than Retry-After', async () => {
  const { call, clock } = policyKit();
  const times: number[] = [];
  const throttled = (seconds: string) => () => {
    times.push(clock.elapsed());
    throw Object.assign(new Error('429'), { status: 429, headers: { 'retry-after': seconds } });
  };
  await expect(call(throttled('60'), { retriable: () => true })).rejects.toMatchObject({
    status: 429,
  });
  expect(times).toHaveLength(1);
  const result = call(throttled('2'), { retriable: () => true });
  result.catch(() => {});
  await clock.advance(5_000);
  expect(times[2]).toBeGreaterThanOrEqual((times[1] ?? 0) + 2_000);
});

test('retries cannot multiply an outage: a tenth of the calls, and ten', async () => {
  const { call, clock } = policyKit();
  let tries = 0;
  const calls = Array.from({ length: 60 }, () =>
    call(
      () => {
        tries += 1;
        throw unavailable();
      },
      { retriable: () => true },
    ).catch(() => {}),
  );
  await clock.advance(5_000);
  await Promise.all(calls);
  expect(tries).toBeGreaterThanOrEqual(70);
  expect(tries).toBeLessThanOrEqual(76);
});

test("a call that hangs ends at its deadline, gives its slot back and counts as the upstream's failure", async () => {
  const { call, clock, breaker, policy } = policyKit({ limit: 1 });
  const hung = call(() => new Promise(() => {}), { timeoutMs: 100 });
  hung.catch(() => {});
  await clock.advance(100);
  await expect(hung).rejects.toMatchObject({ code: 'FALLBACK_TIMEOUT', sent: true });
  expect(breaker.status().calls.failure).toBe(1);
  expect(policy.bulkhead.free).toBe(1);
});

test('a call that never got a slot was not sent, and says nothing about the upstream', async () => {
  const { call, clock, breaker } = policyKit({ limit: 1 });
  const first = call(() => new Promise(() => {}), { timeoutMs: 1_000 });
  const second = call(async () => 'never', { timeoutMs: 100 });
  for (const each of [first, second]) each.catch(() => {});
  await clock.advance(100);
  await expect(second).rejects.toMatchObject({ sent: false });
  expect(breaker.status().calls.failure).toBe(0);
  await clock.advance(1_000);
  await expect(call(async () => 'next')).resolves.toBe('next');
});

test('too many waiting calls are refused at once', async () => {
  const { call } = policyKit({ limit: 1, queue: 0 });
  call(() => new Promise(() => {})).catch(() => {});
  await settled();
  await expect(call(async () => 1)).rejects.toMatchObject({ code: 'bulkhead_full' });
});

test('who gives up while waiting for a slot leaves the place to others', async () => {
  const { call, policy } = policyKit({ limit: 1, queue: 1 });
  let end: (value: string) => void = () => {};
  const first = call(() => new Promise<string>((resolve) => (end = resolve)));
  const caller = new AbortController();
  const second = call(async () => 'second', { signal: caller.signal });
  second.catch(() => {});
  await expect(call(async () => 'refused')).rejects.toMatchObject({ code: 'bulkhead_full' });
  caller.abort(new Error('gone'));
  await expect(second).rejects.toMatchObject({ name: 'CallAborted', sent: false });
  const third = call(async () => 'third');
  end('first');
  expect(await Promise.all([first, third])).toEqual(['first', 'third']);
  expect(policy.bulkhead.free).toBe(1);
});

test("a caller's abort is told apart from a timeout, and ends the wait between tries", async () => {
  const { call, clock, breaker } = policyKit();
  const caller = new AbortController();
  let tries = 0;
  const result = call(
    () => {
      tries += 1;
      throw unavailable();
    },
    { retriable: () => true, signal: caller.signal },
  );
  result.catch(() => {});
  await settled();
  caller.abort(new Error('left'));
  await expect(result).rejects.toMatchObject({ name: 'CallAborted', sent: false });
  await clock.advance(5_000);
  expect(tries).toBe(1);
  expect(breaker.status().calls).toMatchObject({ success: 0, failure: 1 });
});

test("a call that waited for a slot runs in its own caller's context", async () => {
  const { call } = policyKit({ limit: 1, clock: systemClock as ReturnType<typeof manualClock> });
  const request = new AsyncLocalStorage<string>();
  let go = () => {};
  const first = request.run('first', () =>
    call(() => new Promise<void>((resolve) => (go = resolve))),
  );
  const second = request.run('second', () => call(async () => request.getStore()));
  await settled();
  request.run('first', () => go());
  await first;
  expect(await second).toBe('second');
});
