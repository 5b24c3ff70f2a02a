import { expect, test } from 'vitest';
import { Emitter, type FallbackEvents } from '../events.ts';
import { manualClock } from '../manual-clock.test.support.ts';
import { Breaker } from './breaker.ts';
import type { PermitHolder } from './permit.ts';

function breakerKit(options = {}) {
  const clock = manualClock();
  const events = new Emitter<FallbackEvents>();
  const transitions: string[] = [];
  events.on('stateChange', ({ from, to }) => transitions.push(`${from} > ${to}`));
  const breaker = new Breaker(
    { failureThreshold: 3, successThreshold: 2, openFor: 1_000, ...options },
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
