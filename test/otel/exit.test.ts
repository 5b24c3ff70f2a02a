import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import { type OtlpReceiver, otlpReceiver } from '../otlp-receiver.ts';
import { type AppFolder, appFolder } from './app-folder.ts';

vi.setConfig({ testTimeout: 60_000 }); // processes start, on a machine that may be busy

let folder: AppFolder;
let receiver: OtlpReceiver;
/** Nothing is exported before its time: what arrives was flushed. */
const never = '3600000';
/** How long the SDK itself would wait for its backend, in ms. */
const exportTimeout = 10_000;

beforeAll(() => {
  folder = appFolder();
});

beforeEach(async () => {
  receiver = await otlpReceiver();
  return () => receiver.close();
});

afterAll(() => folder.close());

function run(code: string, environment: Record<string, string> = {}) {
  const app = `
    import * as api from '@opentelemetry/api';
    api.trace.getTracer('app').startSpan('work').end();
    api.metrics.getMeter('app').createCounter('work.done').add(1);
    api.logs.getLogger('app').emit({ body: 'worked' });
    ${code}
  `;
  return folder.start('app.mjs', app, {
    OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url,
    OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json',
    OTEL_BSP_SCHEDULE_DELAY: never,
    OTEL_BLRP_SCHEDULE_DELAY: never,
    OTEL_METRIC_EXPORT_INTERVAL: never,
    ...environment,
  });
}

const ready = "process.stdout.write('ready'); setInterval(() => {}, 1_000);";
const endingWhenAsked = `process.once('SIGUSR2', () => process.exit(7)); ${ready}`;
const spans = () => receiver.spans.map(({ name }) => name);

function expectEverything() {
  expect(spans()).toEqual(['work']);
  expect(receiver.metrics).toContain('work.done');
  expect(receiver.logs).toEqual([{ stringValue: 'worked' }]);
}

test('a process that ends by itself exports what is left', async () => {
  expect(await run('').ended).toMatchObject({ code: 0, stderr: '' });
  expectEverything();
});

test.each(['SIGTERM', 'SIGINT', 'SIGHUP'] as const)(
  '%s exports, and ends the process as it would without us',
  async (signal) => {
    const app = run(ready);
    await expect.poll(app.written, { timeout: 10_000 }).toBe('ready');
    app.process.kill(signal);
    expect(await app.ended).toMatchObject({ code: null, signal, stderr: '' });
    expectEverything();
  },
);

test('an app that ends itself on a signal is left to it, and what it does meanwhile is exported, too', async () => {
  const app = run(`
    process.once('SIGTERM', () => api.trace.getTracer('app').startSpan('closing').end());
    ${endingWhenAsked}
  `);
  await expect.poll(app.written, { timeout: 10_000 }).toBe('ready');
  app.process.kill('SIGTERM');
  await expect.poll(spans, { timeout: 10_000 }).toEqual(['work', 'closing']);
  app.process.kill('SIGUSR2');
  expect(await app.ended).toMatchObject({ code: 7, signal: null, stderr: '' });
});

test('an error that nobody catches is exported for, printed, and ends the process with 1', async () => {
  const { code, stderr } = await run("setTimeout(() => { throw new Error('a bug'); });").ended;
  expect(code).toBe(1);
  expect(stderr).toContain('Error: a bug\n    at ');
  expectEverything();
});

test('a rejection that nobody handles likewise', async () => {
  const { code, stderr } = await run(
    "Promise.reject(new Error('a bug')); setInterval(() => {}, 1_000);",
  ).ended;
  expect(code).toBe(1);
  expect(stderr).toContain('Error: a bug\n    at ');
  expectEverything();
});

test('an app that catches its errors itself goes on', async () => {
  const app = run(`
    process.on('uncaughtException', ({ message }) => process.stderr.write(message));
    setTimeout(() => { throw new Error('a bug'); });
    ${endingWhenAsked}
  `);
  await expect.poll(spans, { timeout: 10_000 }).toEqual(['work']);
  app.process.kill('SIGUSR2');
  expect(await app.ended).toMatchObject({ code: 7, stderr: 'a bug' });
});

test.each(['SIGTERM', 'SIGUSR2'] as const)(
  'a library that ends the process where nobody else does is not kept from it: %s',
  async (signal) => {
    const app = run(`
    for (const event of ['SIGTERM', 'uncaughtException'])
      process.on(event, () => { if (process.listenerCount(event) === 1) process.exit(9); });
    process.once('SIGUSR2', () => { throw new Error('a bug'); });
    ${ready}
  `);
    await expect.poll(app.written, { timeout: 10_000 }).toBe('ready');
    app.process.kill(signal);
    expect(await app.ended).toMatchObject({ code: 9 });
  },
);

test('a backend that never answers does not keep a process that was asked to end', async () => {
  const silent = createServer(() => {}).listen(0, '127.0.0.1');
  await once(silent, 'listening');
  const { port } = silent.address() as AddressInfo;
  const app = run(ready, { OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${port}` });
  await expect.poll(app.written, { timeout: 10_000 }).toBe('ready');
  app.process.kill('SIGTERM');
  await once(silent, 'request');
  const asked = performance.now();
  expect(await app.ended).toMatchObject({ signal: 'SIGTERM' });
  expect(performance.now() - asked).toBeLessThan(exportTimeout);
  silent.closeAllConnections();
  silent.close();
});
