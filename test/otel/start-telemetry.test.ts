import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { startTelemetry } from '@graphiti-fallback/otel';
import { afterAll, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import { type OtlpReceiver, otlpReceiver } from '../otlp-receiver.ts';
import { type AppFolder, appFolder } from './app-folder.ts';

vi.setConfig({ testTimeout: 60_000 }); // processes start, on a machine that may be busy

let folder: AppFolder;
let receiver: OtlpReceiver;
let exporting: Record<string, string>;

beforeAll(() => {
  folder = appFolder();
});

beforeEach(async () => {
  receiver = await otlpReceiver();
  exporting = {
    OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url,
    OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json',
  };
  return () => receiver.close();
});

afterAll(() => folder.close());

/** Runs an app that starts telemetry in its code; answers what it wrote. */
async function run(code: string, environment = exporting, args: string[] = []): Promise<string> {
  const app = `
    import * as api from '@opentelemetry/api';
    import { startTelemetry } from '@graphiti-fallback/otel';
    const work = () => api.trace.getTracer('app').startSpan('work').end();
    ${code}
  `;
  const { stdout, stderr } = await folder.start('app.mjs', app, environment, args).ended;
  expect(stderr).toBe('');
  return stdout;
}

test.each([
  [{ serviceName: ' ' }, 'Expected `serviceName` to be a name, got " "'],
  [
    { statusPath: 'health' },
    'Expected `statusPath` to be a path such as /health/fallback, got "health"',
  ],
])('a wrong option is refused in words: %j', (options, message) => {
  expect(() => startTelemetry(options)).toThrow(new TypeError(message));
});

test('telemetry started in code exports on shutdown, and a second start is the first one', async () => {
  const output = await run(`
    const telemetry = startTelemetry({ serviceName: 'named in code' });
    console.log(telemetry.running, startTelemetry() === telemetry);
    work();
    await telemetry.shutdown();
    await telemetry.shutdown();
    process.exit();
  `);
  expect(output).toBe('true true\n');
  expect(receiver.spans).toMatchObject([
    { name: 'work', resource: { 'service.name': 'named in code', 'service.version': '1.2.3' } },
  ]);
});

test('flush exports at once', async () => {
  await run('const telemetry = startTelemetry(); work(); await telemetry.flush(); process.exit();');
  expect(receiver.spans).toMatchObject([{ name: 'work' }]);
});

test('the variables name the service, its attributes and its instance', async () => {
  await run('startTelemetry(); work();', {
    ...exporting,
    OTEL_SERVICE_NAME: 'named by variable',
    OTEL_RESOURCE_ATTRIBUTES: 'deployment.environment.name=test',
  });
  expect(receiver.spans[0]?.resource).toMatchObject({
    'service.name': 'named by variable',
    'service.instance.id': expect.any(String),
    'deployment.environment.name': 'test',
    'process.pid': expect.anything(),
  });
});

test('nothing starts with OTEL_SDK_DISABLED', async () => {
  const output = await run('console.log(startTelemetry().running); work();', {
    ...exporting,
    OTEL_SDK_DISABLED: 'true',
  });
  expect(output).toBe('false\n');
  expect(receiver.spans).toEqual([]);
});

test('an SDK that the app has already goes on alone', async () => {
  const code = `
    import { NodeSDK } from '@opentelemetry/sdk-node';
    const own = new NodeSDK({ serviceName: 'its own' });
    own.start();
    const { startTelemetry } = await import('@graphiti-fallback/otel');
    process.on('warning', ({ message }) => console.log(message));
    console.log(startTelemetry().running);
    const api = await import('@opentelemetry/api');
    api.trace.getTracer('app').startSpan('work').end();
    await own.shutdown();
  `;
  const { stdout } = await folder.start('own.mjs', code, exporting, []).ended;
  expect(stdout).toBe(
    'false\nOpenTelemetry runs in this process already; it is not started again\n',
  );
  expect(receiver.spans).toMatchObject([{ name: 'work', resource: { 'service.name': 'its own' } }]);
});

test('instrumentations are chosen by variable', async () => {
  const asking = `
    import { createServer } from 'node:http';
    const server = createServer((_, response) => response.end()).listen(0, async () => {
      await fetch('http://127.0.0.1:' + server.address().port);
      server.close();
      server.closeAllConnections();
    });
  `;
  const only = { ...exporting, OTEL_NODE_DISABLED_INSTRUMENTATIONS: 'undici' };
  expect(await folder.start('asking.mjs', asking, only).ended).toMatchObject({ stderr: '' });
  expect(receiver.spans.map(({ kind }) => kind)).toEqual([2]);
});

test('the status path is not traced, below any prefix; what only looks like it is', async () => {
  folder.write(
    'telemetry.mjs',
    `import { startTelemetry } from '@graphiti-fallback/otel';
     startTelemetry({ statusPath: '/kit/status' });`,
  );
  const asking = `
    import { createServer } from 'node:http';
    const paths = ['/kit/status', '/app/kit/status?x=1', '/kit/status/operations/1', '/kit/statuses', '/a?b=/kit/status'];
    const server = createServer((_, response) => response.end()).listen(0, async () => {
      for (const path of paths) await fetch('http://127.0.0.1:' + server.address().port + path);
      server.close();
      server.closeAllConnections();
    });
  `;
  const args = ['--import', './telemetry.mjs'];
  expect(await folder.start('asking.mjs', asking, exporting, args).ended).toMatchObject({
    code: 0,
  });
  const paths = receiver.spans
    .filter(({ kind }) => kind === 2)
    .map(({ attributes }) => attributes['url.path']);
  expect(paths).toEqual(['/kit/statuses', '/a']);
});

test('metrics are exported every 15 seconds, and the variables stay as they were', async () => {
  const intervals = (variables: string) => `
    const setTimer = setInterval;
    globalThis.setInterval = (action, ms, ...more) => {
      console.log(ms);
      return setTimer(action, ms, ...more);
    };
    ${variables}
    startTelemetry();
    console.log(process.env.OTEL_METRIC_EXPORT_INTERVAL);
  `;
  expect(await run(intervals(''))).toBe('15000\nundefined\n');
  const own = intervals("process.env.OTEL_METRIC_EXPORT_INTERVAL = '5000';");
  expect(await run(own)).toBe('5000\n5000\n');
});

test('OTEL_METRICS_EXPORTER=prometheus serves them, and says so when the port is taken', async () => {
  const taken = createServer().listen(0, '127.0.0.1');
  await once(taken, 'listening');
  const { port } = taken.address() as AddressInfo;
  const environment = {
    ...exporting,
    OTEL_METRICS_EXPORTER: 'prometheus',
    OTEL_EXPORTER_PROMETHEUS_HOST: '127.0.0.1',
    OTEL_EXPORTER_PROMETHEUS_PORT: String(port),
  };
  const metrics = `
    import { setTimeout as pause } from 'node:timers/promises';
    import { startTelemetry } from '@graphiti-fallback/otel';
    import * as api from '@opentelemetry/api';
    startTelemetry();
    api.metrics.getMeter('app').createCounter('work.done').add(1);
    await pause(100);
  `;
  const { stderr } = await folder.start('metrics.mjs', metrics, environment, []).ended;
  expect(stderr).toContain(`[opentelemetry] listen EADDRINUSE: address already in use`);

  taken.close();
  await once(taken, 'close');
  const serving = `${metrics} setInterval(() => {}, 1_000);`;
  const app = folder.start('metrics.mjs', serving, environment, []);
  const scraped = () =>
    fetch(`http://127.0.0.1:${port}/metrics`).then(
      (answer) => answer.text(),
      () => '',
    );
  await expect.poll(scraped, { timeout: 10_000 }).toContain('work_done_total');
  app.process.kill();
  await app.ended;
});

test('a backend that takes traces only says which variables spare it the rest', async () => {
  const tracesOnly = createServer(({ url }, response) => {
    response.writeHead(url === '/v1/traces' ? 200 : 404).end('{}');
  }).listen(0, '127.0.0.1');
  await once(tracesOnly, 'listening');
  const { port } = tracesOnly.address() as AddressInfo;
  const code = `
    import { startTelemetry } from '@graphiti-fallback/otel';
    import * as api from '@opentelemetry/api';
    startTelemetry();
    api.metrics.getMeter('app').createCounter('work.done').add(1);
  `;
  const environment = { ...exporting, OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${port}` };
  const { stderr } = await folder.start('traces.mjs', code, environment, []).ended;
  expect(stderr.trim().split('\n')).toEqual([
    expect.stringContaining('OTEL_METRICS_EXPORTER=none'),
  ]);
  tracesOnly.closeAllConnections();
  tracesOnly.close();
});

test('a backend that is down is told of once, and costs the app nothing', async () => {
  const gone = await otlpReceiver();
  await gone.close();
  const code = `
    import { startTelemetry } from '@graphiti-fallback/otel';
    import * as api from '@opentelemetry/api';
    const telemetry = startTelemetry();
    const work = () => api.trace.getTracer('app').startSpan('work').end();
    work();
    await telemetry.flush();
    work();
    await telemetry.flush();
    console.log('well');
    process.exit();
  `;
  const environment = {
    ...exporting,
    OTEL_EXPORTER_OTLP_ENDPOINT: gone.url,
    OTEL_EXPORTER_OTLP_TIMEOUT: '500',
  };
  const {
    code: exitCode,
    stdout,
    stderr,
  } = await folder.start('down.mjs', code, environment, []).ended;
  expect({ exitCode, stdout }).toEqual({ exitCode: 0, stdout: 'well\n' });
  expect(stderr.trim().split('\n')).toEqual([
    expect.stringMatching(/^\[opentelemetry\] cannot export: .*ECONNREFUSED/),
  ]);
});
