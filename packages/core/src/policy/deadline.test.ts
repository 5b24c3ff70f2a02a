import { AsyncLocalStorage } from 'node:async_hooks';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { systemClock } from '../clock.ts';
import { Deadline } from './deadline.ts';
import { inTime } from './in-time.ts';
import { type DeadlineContext, TimedCall } from './timed-call.ts';

function createDeadline(ms: number) {
  const deadline = new Deadline(ms, systemClock);
  return <T>(call: (context: DeadlineContext) => PromiseLike<T> | T, signal?: AbortSignal) =>
    inTime(deadline, call, signal);
}

const never = () => new Promise<never>(() => {});

beforeEach(() => vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] }));
afterEach(() => vi.useRealTimers());

test('passes the result of a call that is in time', async () => {
  await expect(createDeadline(50)(() => 'answer')).resolves.toBe('answer');
});

test('passes what a call throws, synchronously or not', async () => {
  const broken = () => {
    throw new Error('broken');
  };
  await expect(createDeadline(50)(broken)).rejects.toThrow('broken');
});

test('rejects with a timeout, and aborts the signal that the call holds', async () => {
  let signal: AbortSignal | undefined;
  const outcome = createDeadline(50)((context) => {
    signal = context.signal;
    return never();
  });
  vi.advanceTimersByTime(50);
  await expect(outcome).rejects.toMatchObject({ code: 'FALLBACK_TIMEOUT' });
  expect(signal?.reason).toMatchObject({ code: 'FALLBACK_TIMEOUT' });
});

test('a signal that is first read after the timeout is already aborted', async () => {
  let late: AbortSignal | undefined;
  const outcome = createDeadline(50)(async (context) => {
    await new Promise((wake) => setTimeout(wake, 80));
    late = context.signal;
  });
  outcome.catch(() => {});
  await vi.advanceTimersByTimeAsync(80);
  expect(late?.aborted).toBe(true);
});

test("a caller's abort is not reported as a timeout", async () => {
  const caller = new AbortController();
  const outcome = createDeadline(50)(never, caller.signal);
  caller.abort(new Error('caller left'));
  await expect(outcome).rejects.toThrow('caller left');
});

test('calls that started later expire later, on one timer', async () => {
  const deadline = createDeadline(50);
  const first = deadline(never);
  vi.advanceTimersByTime(30);
  const second = deadline(never);
  expect(vi.getTimerCount()).toBe(1);
  vi.advanceTimersByTime(20);
  await expect(first).rejects.toMatchObject({ code: 'FALLBACK_TIMEOUT' });
  const state = await Promise.race([second, Promise.resolve('pending')]);
  expect(state).toBe('pending');
  second.catch(() => {});
  vi.advanceTimersByTime(30);
  await expect(second).rejects.toMatchObject({ code: 'FALLBACK_TIMEOUT' });
});

test("one request's context never shows in another's abort listener", async () => {
  vi.useRealTimers(); // fake ones carry no context
  const request = new AsyncLocalStorage<string>();
  const deadline = createDeadline(5);
  const seen: (string | undefined)[] = [];
  const listen = ({ signal }: { signal: AbortSignal }) => {
    signal.addEventListener('abort', () => seen.push(request.getStore()));
    return never();
  };
  const calls = ['a', 'b'].map((name) => request.run(name, () => deadline(listen)));
  await Promise.allSettled(calls);
  expect(seen).toEqual([undefined, undefined]);
});

test('refuses a deadline that is not positive', () => {
  expect(() => createDeadline(0)).toThrow('Expected `ms` to be positive, got 0');
});

test('a call that has ended cannot be ended again from outside', async () => {
  const cuts: unknown[] = [];
  class Cut extends TimedCall<string> {
    run(): Promise<string> {
      if (this.begin()) this.resolve('done');
      return this.answer;
    }
    protected override cut(reason: unknown): unknown {
      cuts.push(reason);
      return reason;
    }
  }
  const call = new Cut(new Deadline(1_000, systemClock), undefined);
  expect(await call.run()).toBe('done');
  call.end(new Error('late'));
  expect(cuts).toEqual([]);
  expect(call.over).toBe(false);
});
