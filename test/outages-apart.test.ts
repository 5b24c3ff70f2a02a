import {
  FallbackManager,
  type FallbackManagerOptions,
  type Journal,
  memoryJournal,
} from '@graphiti-fallback/core';
import { diag, trace } from '@opentelemetry/api';
import * as tracing from '@opentelemetry/sdk-trace';
import { expect, onTestFinished, test } from 'vitest';
import { idOf, linksOf, startSdk } from './trace-sdk.ts';

const down = () => Promise.reject(Object.assign(new Error('down'), { status: 503 }));
const names = (spans: readonly tracing.ReadableSpan[]) => spans.map(({ name }) => name);

function managerOf(options: Partial<FallbackManagerOptions> = {}) {
  return new FallbackManager({
    name: 'items',
    application: 'outages-apart-test',
    logger: false,
    recoveryRamp: 0,
    retry: { retries: 0 },
    breaker: { failureThreshold: 1, successThreshold: 1, openFor: 30 },
    ...options,
  });
}

/** Time that passes when a test says so. */
function manualClock() {
  let time = 0;
  const due = new Set<{ readonly at: number; readonly wake: () => void }>();
  return {
    now: () => 1_700_000_000_000 + time,
    elapsed: () => time,
    after(ms: number, wake: () => void) {
      const timer = { at: time + ms, wake };
      due.add(timer);
      return () => void due.delete(timer);
    },
    pass(ms: number) {
      time += ms;
      for (const timer of due)
        if (timer.at <= time) {
          due.delete(timer);
          timer.wake();
        }
    },
  };
}

test('of two outages at a time each has its own drain, which links to it', async () => {
  const { named, only } = startSdk();
  await using manager = managerOf();
  const upstream = { messages: true, search: true };
  const write = (name: keyof typeof upstream) =>
    manager.write(`${name}.write`, {
      run: async (_input: string) => (upstream[name] ? down() : 'done'),
      breaker: name,
      idempotent: true,
    });
  const messages = write('messages');
  const search = write('search');
  await messages('one');
  await search('two');
  // The younger outage goes on while the older one is drained.
  upstream.messages = false;
  await expect.poll(() => manager.status().queue.replayed, { timeout: 5_000 }).toBe(1);
  upstream.search = false;
  await expect.poll(() => manager.status().queue.replayed, { timeout: 5_000 }).toBe(2);
  await manager.close();
  for (const name of ['messages', 'search']) {
    const replay = named('process items').find(
      ({ attributes }) =>
        attributes['graphiti_fallback.operation.name'] === `${name}.write` &&
        attributes['graphiti_fallback.queue.result'] === 'done',
    );
    const drain = named('drain items').find(
      (span) => idOf(span) === replay?.parentSpanContext?.spanId,
    );
    expect(drain && linksOf(drain)).toEqual([idOf(only(`activate ${name}`))]);
  }
});

test('a drain run that is still busy when its manager closes ends once', async () => {
  const { named } = startSdk();
  const manager = managerOf({ closeTimeout: 20 });
  const upstream = { down: true };
  let answer = (_value: string) => {};
  const write = manager.write('items.write', {
    run: (_input: string) =>
      upstream.down
        ? down()
        : new Promise<string>((resolve) => {
            answer = resolve;
          }),
    idempotent: true,
  });
  await write('one');
  upstream.down = false;
  await expect.poll(() => manager.status().queue.states.in_flight, { timeout: 5_000 }).toBe(1);
  const complaints: string[] = [];
  const complain = (message: string) => complaints.push(message);
  const quiet = () => {};
  diag.setLogger({ error: complain, warn: complain, info: quiet, debug: quiet, verbose: quiet });
  onTestFinished(() => diag.disable());
  await manager.close();
  answer('late');
  await expect.poll(() => named('process items').length).toBe(1);
  expect(complaints).toEqual([]);
  expect(named('drain items').length).toBeGreaterThan(0);
});

test('a check that goes on failing is told again after 1, 2, 4 and 8 minutes', async () => {
  const { named } = startSdk();
  const clock = manualClock();
  await using manager = managerOf({
    clock,
    health: {
      interval: 0,
      checks: [{ name: 'graph db', check: () => Promise.reject(new Error('down')) }],
    },
  });
  const began = clock.now();
  for (let check = 0; check <= 20; check += 1) {
    await manager.checkAndActivate();
    clock.pass(30_000);
  }
  const minutes = named('health_check graph db').map(
    ({ endTime: [seconds] }) => (seconds * 1_000 - began) / 60_000,
  );
  // The one that tripped the breaker, the first one of the outage, and its reminders.
  expect(minutes).toEqual([0, 0.5, 1.5, 2.5, 4.5, 8.5]);
});

test("a check's name becomes a code where it is the reason", async () => {
  await using manager = managerOf({
    health: {
      interval: 0,
      checks: [{ name: 'graph db (main)', check: () => Promise.reject(new Error('down')) }],
    },
  });
  await manager.checkAndActivate();
  expect(manager.status().reason).toBe('graph_db__main_');
});

test('what the app and its errors give for a code is shown only if it is one', async () => {
  const { exporter } = startSdk();
  const text = 'GET https://ann:secret@graph.example/users/42 failed';
  await using manager = managerOf({
    classify: (error) =>
      error instanceof TypeError
        ? { label: 'unavailable', fault: 'upstream', applied: 'no', code: text }
        : undefined,
  });
  const own = manager.read('items.own', { run: () => Promise.reject(new TypeError('down')) });
  const named = manager.read('items.named', {
    breaker: 'named',
    run: () => Promise.reject(Object.assign(new Error('down'), { name: text, code: text })),
  });
  await own(undefined).catch(() => {});
  await named(undefined).catch(() => {});
  expect(manager.active).toBe(true);
  await manager.close();
  const told = exporter.getFinishedSpans().map(({ attributes }) => attributes);
  expect(JSON.stringify([told, manager.status()])).not.toContain('secret');
  expect(told.map((each) => each['graphiti_fallback.outage.reason'])).toContain('error');
});

/** A store as a restart finds it: an outage with a queued write, whose trace somebody's hand has changed. */
async function storeWith(traceOf: (kept: object) => unknown, isolation?: unknown) {
  const store = memoryJournal();
  const first = managerOf({ store });
  const write = first.write('items.write', { run: (_input: string) => down(), idempotent: true });
  await write('one');
  await first.close();
  for (const bucket of ['state', 'queue'] as const)
    for (const [key, value] of [...store.entries(bucket)])
      if (typeof value === 'object' && value !== null && ('since' in value || 'lane' in value)) {
        const put = {
          ...value,
          trace: traceOf(value),
          ...(isolation !== undefined && { isolation }),
        };
        await store.commit([{ bucket, key, put: put as never }]);
      }
  return store;
}

/** Of an operation, a trace that is no trace at all sets the record aside. */
const looksRight = (told: unknown) => typeof Object(told).traceparent === 'string';

test.each([
  ['no object', 'garbage'],
  ['nothing', null],
  ['empty', {}],
  ['of numbers', { traceparent: 1, tracestate: 2 }],
  [
    'right but for its state',
    { traceparent: `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`, tracestate: 7 },
  ],
])('a stored trace that is %s costs neither the start nor the write', async (_case, garbage) => {
  const { named } = startSdk();
  const store = await storeWith((kept) =>
    'lane' in kept && !looksRight(garbage) ? undefined : garbage,
  );
  await using manager = managerOf({ store });
  await manager.open();
  expect(manager.queue.list()).toHaveLength(1);
  const write = manager.write('items.write', {
    run: async (_input: string) => 'done',
    idempotent: true,
  });
  await expect.poll(() => manager.status().queue.replayed, { timeout: 5_000 }).toBe(1);
  expect(await write('two')).toMatchObject({ outcome: 'applied' });
  await manager.close();
  expect(named('outage items')).toHaveLength(1);
});

test('a stored isolation that is none costs neither the start nor the write', async () => {
  const store = await storeWith(() => undefined, null);
  await using manager = managerOf({ store });
  const failed: string[] = [];
  manager.on('storeFailed', ({ verb }) => failed.push(verb));
  manager.write('items.write', { run: async (_input: string) => 'done', idempotent: true });
  await manager.open();
  expect(failed).toEqual([]);
  await expect.poll(() => manager.status().queue.replayed, { timeout: 5_000 }).toBe(1);
});

test('an outage that begins while the store opens has its own trace, and so has the next one', async () => {
  const { named } = startSdk();
  const kept = await storeWith((value) => ('trace' in value ? value.trace : undefined));
  let open = () => {};
  const gate = new Promise<void>((resolve) => {
    open = resolve;
  });
  const store: Journal = {
    ...kept,
    status: () => kept.status(),
    open: async (identity) => {
      await gate;
      return kept.open(identity);
    },
  };
  await using manager = managerOf({ store });
  const breaker = manager.breaker('items');
  const opened = manager.open();
  await breaker.execute(down).catch(() => {});
  open();
  await opened;
  await breaker.reset();
  await breaker.execute(down).catch(() => {});
  await breaker.reset();
  const traces = named('activate items').map((span) => span.spanContext().traceId);
  expect(new Set(traces).size).toBe(3);
  expect(named('outage items').map((span) => span.spanContext().traceId)).toEqual(traces.slice(1));
});

test('a call that was never sent is no try', async () => {
  const { named } = startSdk();
  const manager = managerOf({ bulkhead: { limit: 1 } });
  const read = manager.read('items.read', {
    run: (_key: string) => new Promise<never>(() => {}),
    timeoutMs: 20,
  });
  await manager.open();
  await manager.close();
  await Promise.allSettled([read('one'), read('two'), read('three')]);
  expect(
    named('items.read').map(({ attributes }) => attributes['graphiti_fallback.attempts']),
  ).toContain(1);
  expect(named('attempt')).toHaveLength(0);
});

test('a sampler that takes nothing, in an SDK that is slow, holds a call up for a moment only', async () => {
  const clock = manualClock();
  let asked = 0;
  startSdk({
    shouldSample() {
      asked += 1;
      clock.pass(5);
      return { decision: tracing.SamplingDecision.NOT_RECORD };
    },
    toString: () => 'slow',
  });
  await using manager = managerOf({ clock });
  await manager.activate('read_only', 'test');
  expect(asked).toBeLessThan(20);
});

test('another SDK takes over in the middle of an outage, and the outage ends where it began', async () => {
  const first = startSdk();
  await using manager = managerOf();
  await manager.activate('read_only', 'test');
  const activate = first.only('activate items');
  await first.stop();
  expect(trace.getTracer('any').startSpan('none').isRecording()).toBe(false);
  const second = startSdk();
  await manager.breaker('items').reset();
  expect(names(second.exporter.getFinishedSpans())).toEqual(
    expect.arrayContaining(['outage items', 'deactivate items']),
  );
  expect(second.only('outage items').parentSpanContext?.spanId).toBe(idOf(activate));
});
