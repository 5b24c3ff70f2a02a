import {
  FallbackManager,
  type FallbackManagerOptions,
  memoryJournal,
} from '@graphiti-fallback/core';
import type { HrTime } from '@opentelemetry/api';
import * as tracing from '@opentelemetry/sdk-trace';
import { expect, test } from 'vitest';
import { idOf, linksOf, startSdk } from './trace-sdk.ts';

function managerOf(options: Partial<FallbackManagerOptions> = {}) {
  const upstream = { down: false };
  const manager = new FallbackManager({
    name: 'items',
    application: 'outage-trace-test',
    logger: false,
    recoveryRamp: 0,
    retry: { retries: 0 },
    breaker: { failureThreshold: 2, successThreshold: 1, openFor: 30 },
    ...options,
  });
  const run = async () => {
    if (upstream.down) throw Object.assign(new Error('down'), { status: 503 });
    return 'answer';
  };
  const read = manager.read('items.read', { run: (_key: string) => run() });
  const write = manager.write('items.write', { run: (_input: string) => run(), idempotent: true });
  return { manager, upstream, read, write };
}

/** Two failures that open the breaker, a write that is kept, and the recovery. */
async function outage({ manager, upstream, read, write }: ReturnType<typeof managerOf>) {
  await read('k');
  upstream.down = true;
  await read('k');
  await read('k');
  await read('never asked').catch(() => {});
  await write('kept');
  expect(manager.active).toBe(true);
  upstream.down = false;
  await expect.poll(() => manager.status().queue.replayed, { timeout: 5_000 }).toBe(1);
  await expect.poll(() => manager.active).toBe(false);
}

const seconds = ([whole, nanos]: HrTime) => whole + nanos / 1e9;

test('an outage is one trace: activate is its root, outage and deactivate stand below it', async () => {
  const { named, only } = startSdk();
  const subject = managerOf();
  await outage(subject);
  await subject.manager.close();

  const activate = only('activate items');
  expect(activate.parentSpanContext).toBeUndefined();
  expect(activate.attributes).toMatchObject({
    'graphiti_fallback.name': 'items',
    'graphiti_fallback.breaker.name': 'items',
    'graphiti_fallback.mode': 'queue_writes',
    'graphiti_fallback.outage.trigger': 'calls',
    'graphiti_fallback.outage.reason': '503',
  });
  const tripping = named('items.read').at(2) as tracing.ReadableSpan;
  expect(linksOf(activate)).toEqual([idOf(tripping)]);

  const whole = only('outage items');
  const deactivate = only('deactivate items');
  for (const span of [whole, deactivate]) {
    expect(span.spanContext().traceId).toBe(activate.spanContext().traceId);
    expect(span.parentSpanContext?.spanId).toBe(idOf(activate));
    expect(span.attributes).toMatchObject({
      'graphiti_fallback.outage.trigger': 'calls',
      'graphiti_fallback.outage.stale': 1,
      'graphiti_fallback.outage.queued': 1,
      'graphiti_fallback.outage.refused': 1,
    });
  }
  expect(seconds(whole.startTime)).toBeCloseTo(seconds(activate.startTime), 3);
  expect(seconds(whole.duration)).toBeCloseTo(
    Number(whole.attributes['graphiti_fallback.outage.duration']),
    3,
  );
  expect(seconds(whole.duration)).toBeGreaterThan(0.02);
});

test('transitions and drains link to the activation, replays stand below their drain', async () => {
  const { named, only } = startSdk();
  const subject = managerOf();
  await outage(subject);
  await subject.manager.close();

  const activate = only('activate items');
  const transitions = named('breaker_transition items');
  expect(transitions.length).toBeGreaterThanOrEqual(3);
  for (const transition of transitions) expect(linksOf(transition)).toEqual([idOf(activate)]);
  const [drain] = named('drain items');
  expect(drain?.parentSpanContext).toBeUndefined();
  expect(drain && linksOf(drain)).toEqual([idOf(activate)]);
  const process = only('process items');
  expect(process.parentSpanContext?.spanId).toBe(drain && idOf(drain));
  expect(linksOf(process)).toEqual([idOf(only('send items'))]);
  expect(only('send items').attributes['graphiti_fallback.queue.lane_depth']).toBe(1);
});

test('a restart during the outage goes on with its trace', async () => {
  const { only, named } = startSdk();
  const store = memoryJournal();
  const first = managerOf({ store });
  first.upstream.down = true;
  await first.read('k').catch(() => {});
  await first.read('k').catch(() => {});
  await first.write('one');
  await first.write('two');
  expect(first.manager.active).toBe(true);
  await first.manager.close();
  const second = managerOf({ store });
  await second.manager.open();
  await expect.poll(() => second.manager.status().queue.replayed, { timeout: 5_000 }).toBe(2);
  await second.manager.close();

  const activate = only('activate items');
  const whole = only('outage items');
  expect(whole.spanContext().traceId).toBe(activate.spanContext().traceId);
  expect(whole.parentSpanContext?.spanId).toBe(idOf(activate));
  expect(seconds(whole.startTime)).toBeCloseTo(seconds(activate.startTime), 3);
  const processes = named('process items');
  const sends = named('send items');
  // On a busy machine the first process has tried one in vain before it closed.
  const origins = new Set(processes.map((span) => linksOf(span)[0]));
  expect([...origins].sort()).toEqual(sends.map(idOf).sort());
});

test('a sampler that takes one trace in a hundred takes the outage all the same', async () => {
  const { exporter, only } = startSdk(new tracing.TraceIdRatioBasedSampler(0.01));
  for (let count = 0; count < 5; count += 1) {
    exporter.reset();
    const subject = managerOf();
    await outage(subject);
    await subject.manager.close();
    expect(only('outage items').parentSpanContext?.spanId).toBe(idOf(only('activate items')));
    expect(only('deactivate items').attributes['graphiti_fallback.outage.queued']).toBe(1);
  }
});

test('with `outages: sample` the sampler decides', async () => {
  const { exporter } = startSdk(new tracing.AlwaysOffSampler());
  const subject = managerOf({ telemetry: { outages: 'sample' } });
  await outage(subject);
  await subject.manager.close();
  expect(exporter.getFinishedSpans()).toEqual([]);
});

test('an SDK that starts during the outage gets the whole of it', async () => {
  const subject = managerOf();
  subject.upstream.down = true;
  await subject.read('k').catch(() => {});
  await subject.read('k').catch(() => {});
  expect(subject.manager.active).toBe(true);
  const { only } = startSdk();
  subject.upstream.down = false;
  await expect
    .poll(
      () =>
        subject
          .read('k')
          .then(() => subject.manager.active)
          .catch(() => true),
      {
        timeout: 5_000,
      },
    )
    .toBe(false);
  await subject.manager.close();
  const whole = only('outage items');
  expect(whole.parentSpanContext?.spanId).toBe(idOf(only('activate items')));
  expect(seconds(whole.startTime)).toBeCloseTo(seconds(only('activate items').startTime), 3);
});

test('groups of spans can be turned down', async () => {
  const { exporter } = startSdk();
  const subject = managerOf({
    telemetry: { spans: { cache: 'attribute', storage: 'off', attempt: 'off' } },
  });
  await outage(subject);
  await subject.manager.close();
  const names = new Set(exporter.getFinishedSpans().map(({ name }) => name));
  expect([...names].filter((name) => /^(cache|store|attempt)\b/.test(name))).toEqual([]);
  const [stale] = exporter
    .getFinishedSpans()
    .filter(({ attributes }) => attributes['graphiti_fallback.outcome'] === 'stale');
  expect(stale?.attributes['graphiti_fallback.cache.result']).toBe('stale');
  expect(stale?.attributes['graphiti_fallback.attempts']).toBeUndefined();
});

test('tries are spans once there is a second one', async () => {
  const { named } = startSdk();
  let calls = 0;
  const { manager } = managerOf({ retry: { retries: 2, initialDelay: 1, maxDelay: 5 } });
  const flaky = manager.read('items.flaky', {
    run: async () => {
      calls += 1;
      if (calls === 1) throw Object.assign(new Error('down'), { status: 503 });
      return 'answer';
    },
  });
  await flaky(undefined);
  await flaky(undefined);
  await manager.close();
  const [operation] = named('items.flaky');
  const attempts = named('attempt');
  expect(attempts.map(({ attributes }) => attributes['graphiti_fallback.attempt.number'])).toEqual([
    1, 2,
  ]);
  expect(attempts.map(({ attributes }) => attributes['graphiti_fallback.attempt.result'])).toEqual([
    'unavailable',
    'success',
  ]);
  for (const attempt of attempts)
    expect(attempt.parentSpanContext?.spanId).toBe(operation && idOf(operation));
});
