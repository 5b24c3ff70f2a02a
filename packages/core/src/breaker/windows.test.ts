import { describe, expect, test } from 'vitest';
import { manualClock } from '../manual-clock.test.support.ts';
import { type BreakerOptions, resolveBreaker } from './breaker-options.ts';
import { createWindow } from './window.ts';

function windowKit(options: BreakerOptions) {
  const clock = manualClock();
  let window = createWindow(resolveBreaker(options), clock);
  const add = (results: string) =>
    [...results].map((result) => window.add(result === 'x', result === 's')).at(-1);
  const configure = (changes: BreakerOptions) => {
    window = createWindow(resolveBreaker(changes, options), clock, window);
  };
  return { clock, add, configure, rates: () => window.rates() };
}

describe('failures in a row', () => {
  test('open it at the threshold; a success begins anew', () => {
    const { add } = windowKit({ failureThreshold: 3 });
    expect(add('xx.xx')).toBe(false);
    expect(add('x')).toBe(true);
  });

  test('a slow call counts as a failure', () => {
    const { add, rates } = windowKit({ failureThreshold: 3, slowCall: { above: 100 } });
    expect(add('.xsx')).toBe(true);
    expect(rates()).toEqual({ calls: 4, failureRate: 0.5, slowRate: 0.25 });
  });

  test('tell the share of the last hundred calls that failed', () => {
    const { add, rates } = windowKit({ failureThreshold: 1_000 });
    expect(rates()).toEqual({ calls: 0, failureRate: 0, slowRate: 0 });
    add('x'.repeat(100));
    add('.'.repeat(75));
    expect(rates()).toEqual({ calls: 100, failureRate: 0.25, slowRate: 0 });
  });
});

describe('the last calls', () => {
  const window = { kind: 'count', size: 10, failureRate: 0.5, minimumCalls: 4 } as const;

  test('open it when more than the share of them failed, with enough of them', () => {
    const { add, rates } = windowKit({ window });
    expect(add('xxx')).toBe(false);
    expect(add('.')).toBe(false);
    expect(add('x')).toBe(true);
    expect(rates()).toEqual({ calls: 5, failureRate: 0.8, slowRate: 0 });
  });

  test('forget those before them', () => {
    const { add, rates } = windowKit({ window });
    add('xxxx');
    add('..........');
    expect(rates().failureRate).toBe(0);
    expect(add('xxxxx')).toBe(false);
    expect(add('x')).toBe(true);
  });

  test('open it when more than the share of them is slow', () => {
    const { add, rates } = windowKit({ window, slowCall: { above: 100, rate: 0.25 } });
    expect(add('......s.s')).toBe(false);
    expect(add('s')).toBe(true);
    expect(rates()).toMatchObject({ failureRate: 0, slowRate: 0.3 });
  });
});

describe('the calls of a while', () => {
  const window = { kind: 'time', ms: 10_000, failureRate: 0.5, minimumCalls: 4 } as const;

  test('open it when more than the share of them failed, with enough of them', () => {
    const { add } = windowKit({ window });
    expect(add('xx.')).toBe(false);
    expect(add('x')).toBe(true);
  });

  test('cockatiel d: failures before a quiet hour count no more, whatever comes next', async () => {
    const { add, clock, rates } = windowKit({ window });
    add('xxx');
    await clock.advance(3_600_000);
    expect(rates()).toEqual({ calls: 0, failureRate: 0, slowRate: 0 });
    expect(add('x')).toBe(false);
    expect(rates()).toMatchObject({ calls: 1, failureRate: 1 });
  });

  test('leave one after the other, as the time passes', async () => {
    const { add, clock, rates } = windowKit({ window });
    for (let second = 0; second < 20; second += 1) {
      add(second < 10 ? 'x.' : '..');
      await clock.advance(1_000);
    }
    expect(rates()).toEqual({ calls: 18, failureRate: 0, slowRate: 0 });
  });

  test('open it when more than the share of them is slow', () => {
    const { add } = windowKit({ window, slowCall: { above: 100, rate: 0.25 } });
    expect(add('...s')).toBe(false);
    expect(add('s')).toBe(true);
  });
});

describe('changed at run time', () => {
  test('a row goes on under another threshold', () => {
    const { add, configure, rates } = windowKit({ failureThreshold: 5 });
    add('xxx');
    configure({ failureThreshold: 4 });
    expect(rates().calls).toBe(3);
    expect(add('x')).toBe(true);
  });

  test('the last calls are taken along, as many as there is room for', () => {
    const { add, configure, rates } = windowKit({ window: { kind: 'count', size: 10 } });
    add('xxxx......');
    configure({ window: { kind: 'count', size: 8, failureRate: 0.3 } });
    expect(rates()).toEqual({ calls: 8, failureRate: 0.25, slowRate: 0 });
    configure({ window: { kind: 'count', size: 20 }, slowCall: { above: 5, rate: 0.5 } });
    expect(rates()).toEqual({ calls: 8, failureRate: 0.25, slowRate: 0 });
    add('ss');
    expect(rates()).toEqual({ calls: 10, failureRate: 0.2, slowRate: 0.2 });
  });

  test('the calls of a while keep their time', async () => {
    const { add, configure, rates, clock } = windowKit({ window: { kind: 'time', ms: 60_000 } });
    add('xxxx');
    await clock.advance(30_000);
    add('....');
    configure({ window: { kind: 'time', ms: 20_000 } });
    expect(rates()).toEqual({ calls: 4, failureRate: 0, slowRate: 0 });
    configure({ window: { kind: 'time', ms: 120_000 } });
    await clock.advance(100_000);
    expect(rates().calls).toBe(4);
    await clock.advance(30_000);
    expect(rates().calls).toBe(0);
  });

  test('another kind begins anew', () => {
    const { add, configure, rates } = windowKit({});
    add('xx');
    configure({ window: { kind: 'time' } });
    expect(rates().calls).toBe(0);
  });
});

describe('options', () => {
  test.each<[BreakerOptions, string]>([
    [
      { failureThreshold: 0 },
      '`failureThreshold` of `breaker` to be a whole number, 1 or more, got 0',
    ],
    [{ openForGrowth: 0.5 }, '`openForGrowth` of `breaker` to be a number, 1 or more, got 0.5'],
    [
      { window: { kind: 'sliding' as 'time' } },
      '`kind` of `window` of `breaker` to be consecutive, count or time, got "sliding"',
    ],
    [
      { window: { kind: 'count', failureRate: 1 } },
      '`failureRate` of `window` of `breaker` to be a share above 0 and below 1, got 1',
    ],
    [
      { window: { kind: 'count', size: 5, minimumCalls: 6 } },
      '`minimumCalls` of `window` to be no more than its `size` of 5, got 6',
    ],
    [
      { slowCall: {} as { above: number } },
      '`above` of `slowCall` of `breaker` to be 0 or more milliseconds, got undefined',
    ],
    [
      { successThreshold: 3, halfOpenCalls: 2 },
      '`halfOpenCalls` of `breaker` to be the `successThreshold` of 3 or more, got 2',
    ],
  ])('that are wrong are refused: %j', (options, message) => {
    expect(() => resolveBreaker(options)).toThrow(message);
  });

  test('that follow from others follow them again when these change', () => {
    const options = resolveBreaker({ successThreshold: 5, openFor: 900_000 });
    expect(options).toMatchObject({ halfOpenCalls: 5, longestOpenFor: 900_000 });
    expect(resolveBreaker({ successThreshold: 1, openFor: 1_000 }, options.asked)).toMatchObject({
      halfOpenCalls: 1,
      longestOpenFor: 600_000,
    });
  });
});
