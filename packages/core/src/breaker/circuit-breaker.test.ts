import { describe, expect, expectTypeOf, onTestFinished, test } from 'vitest';
import type { HealthStatus } from '../health/checker.ts';
import { circuitBreaker, getCircuitBreaker } from '../index.ts';
import { manualClock } from '../manual-clock.test.support.ts';
import type { FallbackManagerOptions } from '../options.ts';
import { HttpError, testManager } from '../upstream.test.support.ts';
import { AdaptiveBreaker, type AdaptiveBreakerOptions } from './adaptive-breaker.ts';
import { CircuitBreaker, type CircuitBreakerOptions } from './circuit-breaker.ts';

/** A manager that is found until the test is over. */
function start(options: Partial<FallbackManagerOptions> = {}) {
  const kit = testManager(options);
  onTestFinished(() => kit.manager.close());
  return kit;
}

function circuitKit(options: CircuitBreakerOptions = {}) {
  const clock = manualClock();
  const breaker = new CircuitBreaker({
    failureThreshold: 2,
    successThreshold: 1,
    openFor: 1_000,
    clock,
    random: () => 0.5,
    ...options,
  });
  const failing = (error: unknown = new HttpError(503)) =>
    breaker.execute(() => Promise.reject(error)).catch((thrown: unknown) => thrown);
  return { clock, breaker, failing };
}

describe('a breaker of ones own', () => {
  test('runs calls, opens, tries again and closes', async () => {
    const { breaker, clock, failing } = circuitKit();
    const transitions: string[] = [];
    breaker.on('transition', ({ from, to }) => transitions.push(`${from} > ${to}`));
    const value = await breaker.execute(() => 42);
    expectTypeOf(value).toEqualTypeOf<number>();
    expect(value).toBe(42);
    const error = new HttpError(503);
    expect(await failing(error)).toBe(error);
    await failing();
    expect(breaker.active).toBe(true);
    await expect(breaker.execute(() => 42)).rejects.toMatchObject({
      code: 'FALLBACK_UNAVAILABLE',
      message: "'circuit' lets no call through now: it is open",
      headers: { 'Retry-After': '1' },
    });
    await clock.advance(1_000);
    expect(await breaker.execute(async () => 'works')).toBe('works');
    expect(breaker.state).toBe('closed');
    expect(transitions).toEqual(['closed > open', 'open > half_open', 'half_open > closed']);
    expect(breaker.status().calls).toEqual({ success: 2, failure: 2, refused: 1 });
  });

  test('answers by its fallback what was refused or failed, with the cause', async () => {
    const causes: unknown[] = [];
    const fallback = (cause: unknown) => {
      causes.push(cause);
      return 'instead';
    };
    const { failing, breaker } = circuitKit({ fallback });
    const error = new HttpError(503);
    expect(await failing(error)).toBe('instead');
    await failing();
    expect(await breaker.execute(() => 'live')).toBe('instead');
    expect(causes[0]).toBe(error);
    expect(causes[2]).toMatchObject({ code: 'FALLBACK_UNAVAILABLE' });
  });

  test("what is the caller's fault, or an abort, is thrown and counts for nothing", async () => {
    const { failing, breaker } = circuitKit({ fallback: () => 'instead' });
    const aborted = new DOMException('gone', 'AbortError');
    for (const error of [new HttpError(404), new HttpError(429), aborted, new HttpError(401)])
      expect(await failing(error)).toBe(error);
    expect(breaker.status().calls).toEqual({ success: 0, failure: 0, refused: 0 });
  });

  test('reads errors as it is told', async () => {
    const { failing, breaker } = circuitKit({
      classify: (error) =>
        (error as Error).message === 'mine'
          ? { label: 'rejected', fault: 'caller', applied: 'no', code: 'mine' }
          : undefined,
    });
    for (let call = 0; call < 5; call += 1) await failing(new Error('mine'));
    expect(breaker.active).toBe(false);
    for (let call = 0; call < 2; call += 1) await failing(new Error('theirs'));
    expect(breaker.active).toBe(true);
  });

  test('is set apart by hand, let go and reset', async () => {
    const { breaker } = circuitKit();
    await breaker.isolate('maintenance');
    expect(breaker.status().isolation).toMatchObject({ reason: 'maintenance' });
    await expect(breaker.execute(() => 1)).rejects.toThrow('it is isolated');
    expect(await breaker.restore()).toBe(true);
    expect(await breaker.restore()).toBe(false);
    expect(breaker.state).toBe('half_open');
    await breaker.reset();
    expect(breaker.state).toBe('closed');
    await expect(breaker.isolate('')).rejects.toThrow('`reason` of isolate');
  });

  test('cockatiel g: a listener that throws spoils no call', async () => {
    const { breaker, failing, clock } = circuitKit();
    const warnings: unknown[] = [];
    const warn = (warning: unknown) => warnings.push(warning);
    process.on('warning', warn);
    breaker.on('transition', () => {
      throw new Error('listener');
    });
    await failing();
    await failing();
    await clock.advance(1_000);
    expect(await breaker.execute(() => 'works')).toBe('works');
    expect(breaker.state).toBe('closed');
    expect(warnings).not.toHaveLength(0);
    process.off('warning', warn);
  });

  test('is never stuck half-open: while a try hangs the others get the fallback at once, and later it is tried again', async () => {
    const { breaker, clock, failing } = circuitKit({
      fallback: () => 'instead',
      halfOpenTimeout: 5_000,
    });
    for (let call = 0; call < 2; call += 1) await failing();
    await clock.advance(1_000);
    void breaker.execute(() => new Promise(() => {}));
    expect(breaker.state).toBe('half_open');
    expect(await breaker.execute(() => 'live')).toBe('instead');
    await clock.advance(5_000);
    expect(breaker.status()).toMatchObject({ state: 'open', retryInMs: 1_000 });
    await clock.advance(1_000);
    expect(await breaker.execute(() => 'live')).toBe('live');
    expect(breaker.state).toBe('closed');
  });

  test('a listener is told until it stops', async () => {
    const { breaker, failing } = circuitKit();
    const heard: string[] = [];
    const stop = breaker.on('transition', ({ to }) => heard.push(to));
    await failing();
    await failing();
    stop();
    await breaker.reset();
    expect(heard).toEqual(['open']);
    expect(() => breaker.on('open' as 'transition', () => {})).toThrow('to be transition');
  });

  test('refuses options that are wrong', () => {
    expect(() => new CircuitBreaker({ treshold: 3 } as CircuitBreakerOptions)).toThrow(
      'Unknown option `treshold` of `breaker`',
    );
    expect(() => new CircuitBreaker({ fallback: 'x' as never })).toThrow(
      '`fallback` of CircuitBreaker to be a function',
    );
  });
});

describe('a breaker that adapts to health', () => {
  function adaptiveKit(options: Partial<AdaptiveBreakerOptions> = {}) {
    const clock = manualClock();
    const health: { upstream: HealthStatus } = { upstream: 'healthy' };
    const breaker = new AdaptiveBreaker({ health, clock, random: () => 0.5, ...options });
    const fail = async (times: number) => {
      for (let call = 0; call < times; call += 1)
        await breaker.execute(() => Promise.reject(new HttpError(503))).catch(() => {});
    };
    return { clock, health, breaker, fail };
  }

  test.each<[HealthStatus, number, number]>([
    ['healthy', 5, 60_000],
    ['unknown', 5, 60_000],
    ['degraded', 3, 90_000],
    ['unhealthy', 1, 120_000],
  ])('%s: opens at %i failures, for %i ms', async (upstream, failures, openFor) => {
    const { health, breaker, fail } = adaptiveKit();
    health.upstream = upstream;
    await fail(failures - 1);
    expect(breaker.state).toBe('closed');
    await fail(1);
    expect(breaker.status()).toMatchObject({ state: 'open', retryInMs: openFor });
  });

  test('changes in between, and forgets nothing', async () => {
    const { health, breaker, fail } = adaptiveKit();
    await fail(2);
    const underWay = breaker.execute(async () => {
      health.upstream = 'degraded';
      throw new HttpError(503);
    });
    await expect(underWay).rejects.toThrow('503');
    expect(breaker.status()).toMatchObject({ state: 'open', retryInMs: 90_000 });
  });

  test('its levels can be told; what is told for all of them wins over the defaults', async () => {
    const { health, breaker, fail } = adaptiveKit({
      openFor: 5_000,
      levels: { unhealthy: { failureThreshold: 2 } },
    });
    health.upstream = 'unhealthy';
    await fail(1);
    expect(breaker.state).toBe('closed');
    await fail(1);
    expect(breaker.status().retryInMs).toBe(5_000);
  });

  test('is configured anew at run time', async () => {
    const { breaker, fail } = adaptiveKit();
    breaker.configure({ failureThreshold: 2 });
    await fail(2);
    expect(breaker.state).toBe('open');
  });

  test('a source that throws knows nothing; none is refused', async () => {
    const { breaker, fail } = adaptiveKit({
      health: () => {
        throw new Error('no idea');
      },
    });
    await fail(4);
    expect(breaker.state).toBe('closed');
    expect(() => new AdaptiveBreaker({} as AdaptiveBreakerOptions)).toThrow('`health`');
    expect(() => adaptiveKit({ levels: { healthy: { openFor: 0 } } })).toThrow('`openFor`');
  });
});

describe('circuitBreaker()', () => {
  test('wraps a function: its calls run through the breaker, with its name, arguments and this', async () => {
    const { breaker } = circuitKit();
    async function add(this: { base: number }, a: number): Promise<number> {
      return this.base + a;
    }
    const guarded = circuitBreaker(breaker)(add);
    expectTypeOf(guarded).toEqualTypeOf<typeof add>();
    expect(guarded.name).toBe('add');
    expect(await guarded.call({ base: 40 }, 2)).toBe(42);
    await breaker.isolate();
    await expect(guarded.call({ base: 40 }, 2)).rejects.toMatchObject({
      code: 'FALLBACK_UNAVAILABLE',
    });
  });

  test('by name it is a breaker of the only manager there is, found when a call is made', async () => {
    const guarded = circuitBreaker('search')(async (id: string) => `found ${id}`);
    await expect(guarded('1')).rejects.toThrow('Expected one fallback manager');
    const { manager } = start();
    expect(await guarded('1')).toBe('found 1');
    expect(getCircuitBreaker('search')).toBe(manager.breaker('search'));
    expect(manager.status().breakers.search?.calls.success).toBe(1);
    expect(getCircuitBreaker().name).toBe('items');
  });

  test('refuses what is no breaker, and what is no method', () => {
    expect(() => circuitBreaker(42 as never)).toThrow('Expected a breaker, or the name of one');
    const { breaker } = circuitKit();
    expect(() => circuitBreaker(breaker)('x' as never)).toThrow('a function or a method');
    const context = { kind: 'getter' } as unknown as ClassMethodDecoratorContext;
    expect(() => circuitBreaker(breaker)(async () => {}, context)).toThrow('got getter');
  });
});

describe("a manager's breakers, together", () => {
  test('have their status and are reset at once', async () => {
    const { manager } = start();
    const search = manager.breaker('search', { failureThreshold: 1 });
    await search.execute(() => Promise.reject(new HttpError(503))).catch(() => {});
    await manager.activate();
    expect(
      Object.entries(manager.breakers.status()).map(([name, { state }]) => [name, state]),
    ).toEqual([
      ['items', 'isolated'],
      ['search', 'isolated'],
    ]);
    await manager.breakers.reset();
    expect([...manager.breakers].map(({ state }) => state)).toEqual(['closed', 'closed']);
  });

  test('a breaker begins as the manager is configured, and is changed in place', async () => {
    const { manager } = start({ breaker: { failureThreshold: 2, openFor: 5_000 } });
    const search = manager.breaker('search', { openFor: 1_000 });
    const fail = () => search.execute(() => Promise.reject(new HttpError(503))).catch(() => {});
    await fail();
    expect(manager.breaker('search', { failureThreshold: 3 })).toBe(search);
    await fail();
    expect(search.state).toBe('closed');
    await fail();
    expect(search.status()).toMatchObject({ state: 'open', retryInMs: 1_000 });
  });

  test('one that no operation names can be removed; its outage is over, its counts stay', async () => {
    const { manager } = start();
    const ended: string[] = [];
    manager.on('deactivated', ({ breaker }) => ended.push(breaker));
    const job = manager.breaker('job', { failureThreshold: 1 });
    await job.execute(() => Promise.reject(new HttpError(503))).catch(() => {});
    expect(manager.breakers.remove('job')).toBe(true);
    expect(ended).toEqual(['job']);
    expect(Object.keys(manager.status().breakers)).toEqual(['items']);
    expect(manager.breakers.remove('job')).toBe(false);
    expect(manager.breaker('job').status()).toMatchObject({
      state: 'closed',
      calls: { success: 0, failure: 1, refused: 0 },
    });
  });

  test('one that is in use cannot', () => {
    const { manager } = start();
    manager.read('find', { run: () => 1, breaker: 'search' });
    expect(() => manager.breakers.remove('search')).toThrow('it is that of find');
    expect(() => manager.breakers.remove('items')).toThrow('it is that of the manager');
  });
});
