import { expect, test } from 'vitest';
import { Emitter, type FallbackEvents } from '../events.ts';
import { manualClock } from '../manual-clock.test.support.ts';
import { Breaker } from './breaker.ts';
import { type BreakerOptions, settings } from './breaker-options.ts';
import type { PermitHolder } from './permit.ts';

function breakerKit(options: BreakerOptions = {}) {
  const clock = manualClock();
  const events = new Emitter<FallbackEvents>();
  const transitions: string[] = [];
  events.on('stateChange', ({ from, to }) => transitions.push(`${from} > ${to}`));
  const breaker = new Breaker(
    settings({ failureThreshold: 3, successThreshold: 2, openFor: 1_000, ...options }),
    { name: 'test', mode: 'queue_writes', clock, random: () => 0.5, events },
  );
  const fail = (times: number) => {
    for (let call = 0; call < times; call += 1) breaker.admit('call')?.fail('500');
  };
  return { breaker, clock, events, transitions, fail };
}

test('opens after so many failures in a row', () => {
  const { breaker, fail } = breakerKit();
  fail(2);
  breaker.admit('call')?.succeed();
  fail(2);
  expect(breaker.state.kind).toBe('closed');
  fail(1);
  expect(breaker.state.kind).toBe('open');
  expect(breaker.admit('call')).toBeUndefined();
  expect(breaker.status().calls).toEqual({ success: 1, failure: 5, refused: 1 });
});

test('what says nothing about the upstream counts for nothing', () => {
  const { breaker } = breakerKit();
  for (let call = 0; call < 10; call += 1) breaker.admit('call')?.release();
  expect(breaker.state.kind).toBe('closed');
});

test('is half-open by the clock, without anybody calling', async () => {
  const { breaker, clock, fail, transitions } = breakerKit();
  fail(3);
  expect(breaker.status().retryInMs).toBe(1_000);
  await clock.advance(1_000);
  expect(transitions).toEqual(['closed > open', 'open > half_open']);
  expect(breaker.status()).toMatchObject({
    state: 'half_open',
    retryInMs: 0,
    waitingForCall: true,
  });
});

test('lets one call through while half-open, and turns the others away at once', async () => {
  const { breaker, clock, fail } = breakerKit();
  fail(3);
  await clock.advance(1_000);
  const permit = breaker.admit('call');
  expect(permit).toBeDefined();
  expect(breaker.admit('call')).toBeUndefined();
  permit?.succeed();
  breaker.admit('call')?.succeed();
  expect(breaker.state.kind).toBe('closed');
});

test('a failure while half-open opens it again, in the same outage', async () => {
  const { breaker, clock, fail } = breakerKit();
  fail(3);
  const { outage } = breaker;
  await clock.advance(1_000);
  breaker.admit('call')?.fail('503');
  expect(breaker.state.kind).toBe('open');
  expect(breaker.outage).toBe(outage);
});

test('a result counts only for the state that its call started in', async () => {
  const { breaker, clock, fail } = breakerKit();
  const late = breaker.admit('call');
  const early = breaker.admit('call');
  fail(3);
  early?.succeed();
  expect(breaker.state.kind).toBe('open');
  await clock.advance(1_000);
  breaker.admit('call')?.succeed();
  breaker.admit('call')?.succeed();
  late?.fail('500');
  expect(breaker.state.kind).toBe('closed');
  fail(2);
  expect(breaker.state.kind).toBe('closed');
});

test('canary, check and real call take turns, so that none of them can hold it', async () => {
  const { breaker, clock, fail } = breakerKit({ successThreshold: 100 });
  const order: PermitHolder[] = [];
  for (const by of ['check', 'canary'] as const)
    breaker.addProber(by, {
      wants: () => true,
      probe: () => {
        const permit = breaker.admit(by);
        if (!permit) return;
        order.push(by);
        permit.release();
      },
    });
  fail(3);
  await clock.advance(1_000);
  for (let step = 0; step < 40; step += 1) {
    await clock.advance(50);
    const permit = breaker.admit('call');
    if (!permit) continue;
    order.push('call');
    permit.release();
  }
  expect(new Set(order)).toEqual(new Set(['check', 'canary', 'call']));
  for (const [index, by] of order.entries()) expect(order[index + 1]).not.toBe(by);
});

test('vain tries are paced, more and more slowly', async () => {
  const { breaker, clock, fail } = breakerKit();
  const times: number[] = [];
  breaker.addProber('canary', {
    wants: () => true,
    probe: () => {
      times.push(clock.elapsed());
      breaker.admit('canary')?.release();
    },
  });
  fail(3);
  await clock.advance(61_000);
  expect(times.length).toBeGreaterThan(5);
  expect(times.length).toBeLessThan(25);
});

test('a prober that wants but never takes does not keep real calls out', async () => {
  const { breaker, clock, fail } = breakerKit();
  breaker.addProber('canary', { wants: () => true, probe: () => {} });
  fail(3);
  await clock.advance(1_000);
  breaker.admit('call')?.succeed();
  await clock.advance(200);
  breaker.admit('call')?.succeed();
  expect(breaker.state.kind).toBe('closed');
});

test('continues an outage after a restart, half-open', () => {
  const { breaker, events } = breakerKit();
  const begun: string[] = [];
  events.on('activated', ({ outage }) => begun.push(outage));
  breaker.resume({ id: 'earlier', since: 1, trigger: 'calls', reason: '503' });
  expect(breaker.state.kind).toBe('half_open');
  expect(begun).toEqual(['earlier']);
});

test('a timer that is early does not leave it open', async () => {
  const { clock, fail, transitions } = breakerKit();
  const { after } = clock;
  clock.after = (ms, wake) => after(ms > 10 ? ms - 0.5 : ms, wake);
  fail(3);
  await clock.advance(1_010);
  expect(transitions).toEqual(['closed > open', 'open > half_open']);
});

test('cockatiel h: says that it is half-open, and before that when, without any call', async () => {
  const { breaker, clock, fail } = breakerKit();
  fail(3);
  await clock.advance(400);
  expect(breaker.status()).toMatchObject({ state: 'open', timeInStateMs: 400, retryInMs: 600 });
  await clock.advance(600);
  expect(breaker.status()).toMatchObject({ state: 'half_open', timeInStateMs: 0, retryInMs: 0 });
});

test('cockatiel b: with a hung try the others are turned away at once, and past its time it has failed', async () => {
  const { breaker, clock, fail } = breakerKit({ halfOpenTimeout: 5_000 });
  fail(3);
  await clock.advance(1_000);
  const hung = breaker.admit('call');
  await clock.advance(4_999);
  expect(breaker.admit('call')).toBeUndefined();
  expect(breaker.state.kind).toBe('half_open');
  await clock.advance(1);
  expect(breaker.status()).toMatchObject({ state: 'open', retryInMs: 1_000 });
  await clock.advance(1_000);
  const next = breaker.admit('call');
  expect(next).toBeDefined();
  hung?.succeed();
  hung?.fail('500');
  expect(breaker.admit('call')).toBeUndefined();
  expect(breaker.state.kind).toBe('half_open');
});

test('a try with a longer deadline of its own has that time', async () => {
  const { breaker, clock, fail } = breakerKit({ halfOpenTimeout: 5_000 });
  fail(3);
  await clock.advance(1_000);
  const slow = breaker.admit('call', 120_000);
  await clock.advance(100_000);
  slow?.succeed();
  breaker.admit('call')?.succeed();
  expect(breaker.state.kind).toBe('closed');
});

test('cockatiel c: a failure that began before the recovery does not open it again', async () => {
  const { breaker, clock, fail } = breakerKit({ failureThreshold: 1 });
  const old = breaker.admit('call');
  fail(1);
  await clock.advance(1_000);
  breaker.admit('call')?.succeed();
  breaker.admit('call')?.succeed();
  old?.fail('500');
  expect(breaker.state.kind).toBe('closed');
});

test('half-open may try more calls than have to succeed', async () => {
  const { breaker, clock, fail, transitions } = breakerKit({
    successThreshold: 3,
    halfOpenCalls: 4,
  });
  fail(3);
  await clock.advance(1_000);
  for (const works of [true, false, true]) {
    const permit = breaker.admit('call');
    if (works) permit?.succeed();
    else permit?.fail('500');
    await clock.advance(200);
  }
  expect(breaker.state.kind).toBe('half_open');
  breaker.admit('call')?.fail('500');
  expect(breaker.state.kind).toBe('open');
  expect(transitions).toHaveLength(3);
});

test('slow calls open it, and a slow try does not close it', async () => {
  const { breaker, clock, events } = breakerKit({ slowCall: { above: 50 } });
  const reasons: string[] = [];
  events.on('stateChange', ({ reason }) => reasons.push(reason));
  const slowly = async () => {
    const permit = breaker.admit('call');
    await clock.advance(51);
    permit?.succeed();
  };
  for (let call = 0; call < 3; call += 1) await slowly();
  expect(breaker.status()).toMatchObject({ state: 'open', calls: { success: 3, failure: 0 } });
  await clock.advance(1_000);
  await slowly();
  expect(reasons).toEqual(['slow_calls', 'open_time_over', 'slow_calls']);
});

test('stays open longer each time, up to the longest, and begins anew after it was closed for as long', async () => {
  const { breaker, clock, fail } = breakerKit({ openForGrowth: 2, longestOpenFor: 3_000 });
  const openFor = () => breaker.status().retryInMs;
  const recover = () => {
    breaker.admit('call')?.succeed();
    breaker.admit('call')?.succeed();
    expect(breaker.state.kind).toBe('closed');
  };
  fail(3);
  expect(openFor()).toBe(1_000);
  await clock.advance(1_000);
  breaker.admit('call')?.fail('500');
  expect(openFor()).toBe(2_000);
  await clock.advance(2_000);
  recover();
  await clock.advance(1_999);
  fail(3);
  expect(openFor()).toBe(3_000);
  await clock.advance(3_000);
  recover();
  await clock.advance(3_000);
  fail(3);
  expect(openFor()).toBe(1_000);
});

test('remembers over a restart how often it opened', async () => {
  const { breaker, clock } = breakerKit({ openForGrowth: 2 });
  breaker.resume({ id: 'earlier', since: 1, trigger: 'calls', reason: '503' }, undefined, 3);
  await clock.advance(1);
  breaker.admit('call')?.fail('503');
  expect(breaker.status().retryInMs).toBe(8_000);
});

test('is closed by hand whatever it is: its results are forgotten, its counts are not', async () => {
  const { breaker, fail, events } = breakerKit();
  const ended: string[] = [];
  events.on('deactivated', ({ reason }) => ended.push(reason));
  fail(2);
  breaker.reset();
  fail(2);
  expect(breaker.state.kind).toBe('closed');
  fail(1);
  breaker.reset();
  expect(breaker.status()).toMatchObject({
    state: 'closed',
    failureRate: 0,
    calls: { failure: 5 },
  });
  breaker.isolate('read_only', 'by hand');
  breaker.reset();
  expect(breaker.state.kind).toBe('closed');
  expect(ended).toEqual(['500', 'manual']);
});

test('is configured anew without losing its state, its results, or calls on their way', async () => {
  const { breaker, clock, fail } = breakerKit({ failureThreshold: 5 });
  fail(2);
  const under = breaker.admit('call');
  breaker.configure({ failureThreshold: 3, openFor: 2_000 });
  under?.fail('500');
  expect(breaker.status()).toMatchObject({ state: 'open', retryInMs: 2_000 });
  const { outage } = breaker;
  breaker.configure({ openFor: 500, successThreshold: 1 });
  expect(breaker.status().retryInMs).toBe(2_000);
  await clock.advance(2_000);
  const trying = breaker.admit('call');
  breaker.configure({ failureThreshold: 7 });
  expect(breaker.admit('call')).toBeUndefined();
  expect(breaker.outage).toBe(outage);
  trying?.succeed();
  expect(breaker.state.kind).toBe('closed');
  expect(() => breaker.configure({ openFor: -1 })).toThrow('`openFor`');
});

test('a listener that sets it apart when it opens has its way, and everybody hears of all that happens in order', () => {
  const { breaker, fail, transitions, events } = breakerKit();
  const heard: string[] = [];
  events.on('activated', () => {
    if (breaker.state.kind === 'open')
      breaker.isolate('read_only', 'nobody calls during an outage');
  });
  events.on('activated', ({ mode }) => heard.push(`activated ${mode}`));
  events.on('stateChange', ({ to }) => heard.push(to));
  fail(3);
  expect(breaker.state.kind).toBe('isolated');
  expect(transitions).toEqual(['closed > open', 'open > isolated']);
  expect(heard).toEqual(['activated queue_writes', 'open', 'isolated']);
  events.on('stateChange', ({ to }) => to === 'half_open' && breaker.reset());
  breaker.restore();
  expect(breaker.status()).toMatchObject({ state: 'closed', waitingForCall: false });
  expect(heard.slice(3)).toEqual(['half_open', 'closed']);
});
