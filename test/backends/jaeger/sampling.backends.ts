import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { expect, inject, test } from 'vitest';
import { type JaegerTrace, search } from './query.ts';
import { hasProgram, startJaeger } from './server.ts';

const outages = 10;
const calls = 100;

/** Runs the app to its end, and answers the name under which it is found. */
async function runApp(otlp: string, environment: Record<string, string> = {}): Promise<string> {
  const service = `outages-${randomUUID().slice(0, 8)}`;
  const child = spawn(
    process.execPath,
    [
      '--conditions=@graphiti-fallback/source',
      '--import',
      '@graphiti-fallback/otel/register',
      join(import.meta.dirname, 'outages-app.ts'),
      String(outages),
      String(calls),
    ],
    {
      cwd: import.meta.dirname,
      env: {
        PATH: process.env.PATH,
        OTEL_SERVICE_NAME: service,
        OTEL_EXPORTER_OTLP_ENDPOINT: otlp,
        OTEL_METRICS_EXPORTER: 'none',
        OTEL_LOGS_EXPORTER: 'none',
        ...environment,
      },
      stdio: ['ignore', 'ignore', 'pipe'],
    },
  );
  const errors = text(child.stderr);
  const [code] = await once(child, 'close');
  expect(code, await errors).toBe(0);
  return service;
}

function expectWhole(found: readonly JaegerTrace[]) {
  expect(found).toHaveLength(outages);
  for (const { spans } of found)
    expect(spans.map(({ name }) => name)).toEqual(
      expect.arrayContaining(['activate items', 'outage items', 'deactivate items']),
    );
}

test('with a sampler that keeps one trace in a hundred every outage is there', async () => {
  const { url, otlp } = inject('jaeger');
  const service = await runApp(otlp, {
    OTEL_TRACES_SAMPLER: 'parentbased_traceidratio',
    OTEL_TRACES_SAMPLER_ARG: '0.01',
  });
  expectWhole(await search(url, { service, operation: 'activate items' }));
  const drains = await search(url, { service, operation: 'drain items' });
  const replays = drains.flatMap(({ spans }) =>
    spans.filter(({ name }) => name.startsWith('process ')),
  );
  expect(replays).toHaveLength(outages);
  const sampled = await search(url, { service, operation: 'items.get' });
  expect(sampled.length).toBeLessThan((outages * calls) / 20);
});

if (!hasProgram())
  console.warn(
    'The tail sampler is not tested: it needs the program of Jaeger, not only JAEGER_URL.',
  );

test.skipIf(!hasProgram())(
  "a collector's tail sampler with our policy keeps every outage",
  async () => {
    const policy = fileURLToPath(
      new URL(
        'collector/tail-sampling.yaml',
        import.meta.resolve('@graphiti-fallback/otel/package.json'),
      ),
    );
    const pipeline = join(tmpdir(), `tail-sampling-${randomUUID()}.yaml`);
    const pipelines = { traces: { processors: ['tail_sampling'] } };
    writeFileSync(pipeline, JSON.stringify({ service: { pipelines } }));
    const jaeger = await startJaeger([policy, pipeline], {
      'processors.tail_sampling.decision_wait': '1s',
    });
    const service = await runApp(jaeger.otlp);
    const found = () => search(jaeger.url, { service, operation: 'activate items' });
    await expect.poll(found, { timeout: 30_000 }).toHaveLength(outages);
    expectWhole(await found());
    const sampled = await search(jaeger.url, { service, operation: 'items.get' });
    expect(sampled.length).toBeLessThan((outages * calls) / 20);
    await jaeger.close();
  },
);
