import { beforeAll, beforeEach, describe, expect, inject, test } from 'vitest';
import { toCommonJs } from '../common-js.ts';
import { type OtlpReceiver, otlpReceiver } from '../otlp-receiver.ts';
import { type ConsumerProject, consumerProject } from './consumer-project.ts';
import { publishedPackages } from './published-packages.ts';
import { userDependencies } from './user-dependencies.ts';

/** An app that lives through an outage, and says what the kit says of telemetry. */
const app = `
  import { FallbackManager } from '@graphiti-fallback/core';
  const upstream = { down: false };
  const run = async () => {
    if (upstream.down) throw Object.assign(new Error('down'), { status: 503 });
    return { value: 1 };
  };
  async function main() {
    const manager = new FallbackManager({
      name: 'items',
      application: 'sdk-test',
      logger: false,
      retry: { retries: 0 },
      breaker: { failureThreshold: 1, successThreshold: 1, openFor: 50 },
    });
    const read = manager.read('items.get', { run });
    const write = manager.write('items.save', { run, idempotent: true });
    START
    const outcomes = [(await read.detailed('a')).outcome];
    upstream.down = true;
    outcomes.push((await read.detailed('a')).outcome, (await write({ text: 'x' })).outcome);
    upstream.down = false;
    while (manager.status().queue.replayed < 1) await new Promise((next) => setTimeout(next, 20));
    await manager.close();
    const { traces, metrics } = manager.status().telemetry;
    console.log(JSON.stringify({ outcomes, traces, metrics }));
  }
  main();
`;

/** The SDK as the app's owner starts it. */
const startSdk = `
  import { NodeSDK } from '@opentelemetry/sdk-node';
  const sdk = new NodeSDK({ instrumentations: [] });
  sdk.start();
  process.once('beforeExit', () => sdk.shutdown());
`;

const sdks = [
  { name: 'SDK 3', api: '~1.10.0', sdk: '^0.301.0' },
  { name: 'SDK 2', api: '1.9.0', sdk: '^0.223.0' },
];
const apps = [
  { kind: 'an ESM app', file: 'app.mjs' },
  { kind: 'a CommonJS app', file: 'app.cjs' },
];
const starts = [
  { how: 'imported before', args: ['--import', './sdk.mjs'], late: '' },
  { how: 'required before', args: ['--require', './sdk.cjs'], late: '' },
  { how: 'imported after the manager is there', args: [], late: "await import('./sdk.mjs');" },
];
const worked = ['live', 'stale', 'queued'];

let receiver: OtlpReceiver;

beforeEach(async () => {
  receiver = await otlpReceiver();
  return () => receiver.close();
});

async function projectWith(name: string, more: Record<string, string>, withOtel = false) {
  const kit = publishedPackages().filter(
    ({ manifest, adapter }) =>
      !adapter && (withOtel || manifest.name !== '@graphiti-fallback/otel'),
  );
  const tarballs = kit.map(({ manifest }) => inject('tarballs')[manifest.name] ?? manifest.name);
  const project = await consumerProject(name, { ...userDependencies(kit, []), ...more }, tarballs);
  project.write('sdk.mjs', startSdk);
  project.write('sdk.cjs', toCommonJs(startSdk));
  return project;
}

async function runApp(project: ConsumerProject, file: string, args: string[], late = '') {
  const code = app.replace('START', late);
  project.write(file, file.endsWith('.cjs') ? toCommonJs(code) : code);
  const { code: exitCode, output } = await project.run([...args, file], exporting());
  expect(exitCode, output).toBe(0);
  return JSON.parse(output) as { outcomes: string[]; traces: string; metrics: string };
}

function exporting() {
  return {
    OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url,
    OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json',
    OTEL_METRICS_EXPORTER: 'otlp',
    OTEL_LOGS_EXPORTER: 'none',
  };
}

function expectOneOfEach() {
  const spans = receiver.spans.filter(({ scope }) => scope === '@graphiti-fallback/core');
  const named = (name: string) => spans.filter((span) => span.name === name);
  const count = (name: string) => named(name).length;
  expect({
    reads: count('items.get'),
    writes: count('items.save'),
    sends: count('send items'),
    // On a busy machine one is tried in vain before the upstream is back.
    replays: named('process items').filter(
      ({ attributes }) => attributes['graphiti_fallback.queue.result'] === 'done',
    ).length,
  }).toEqual({ reads: 2, writes: 1, sends: 1, replays: 1 });
  expect(receiver.metrics).toContain('graphiti_fallback.operations');
}

describe.each(['1.9.0', '~1.10.0'])('without an SDK, beside @opentelemetry/api %s', (api) => {
  let project: ConsumerProject;

  beforeAll(async () => {
    project = await projectWith(`no SDK api ${api}`, { '@opentelemetry/api': api });
  });

  test.each(apps)('$kind works, and says that nobody takes its telemetry', async ({ file }) => {
    const told = await runApp(project, file, []);
    expect(told).toEqual({ outcomes: worked, traces: 'none', metrics: 'none' });
  });
});

describe.each(sdks)('with $name', ({ name, api, sdk }) => {
  let project: ConsumerProject;

  beforeAll(async () => {
    project = await projectWith(name, {
      '@opentelemetry/api': api,
      '@opentelemetry/sdk-node': sdk,
    });
  });

  test.each(starts.flatMap((start) => apps.map((one) => ({ ...start, ...one }))))(
    '$how, $kind has one span of each and its metrics',
    async ({ file, args, late }) => {
      const told = await runApp(project, file, args, late);
      expect(told).toEqual({ outcomes: worked, traces: 'sdk', metrics: 'sdk' });
      expectOneOfEach();
    },
  );
});

describe('with @graphiti-fallback/otel', () => {
  const web = `
    import express from 'express';
    const app = express();
    app.get('/items/:id', (req, res) => { res.json({}); });
    const server = app.listen(0, async () => {
      await fetch('http://127.0.0.1:' + server.address().port + '/items/1');
      server.close();
      server.closeAllConnections();
    });
  `;
  const oldest = 'node_modules/node/bin/node';
  let project: ConsumerProject;

  beforeAll(async () => {
    project = await projectWith(
      'with otel',
      { '@opentelemetry/api': '~1.10.0', express: '^5', node: '22.15.0' },
      true,
    );
  });

  test.each(['--import', '--require'])('%s of register', async (flag) => {
    for (const { file } of apps) {
      const told = await runApp(project, file, [flag, '@graphiti-fallback/otel/register']);
      expect(told).toEqual({ outcomes: worked, traces: 'sdk', metrics: 'sdk' });
    }
    expect(receiver.spans.filter(({ name }) => name === 'send items')).toHaveLength(2);
    expect(receiver.metrics).toContain('graphiti_fallback.operations');
  });

  test.each([
    { node: 'this Node', program: undefined },
    { node: 'Node 22.15', program: oldest },
  ])('an Express app on $node has one span for each thing', async ({ program }) => {
    for (const [file, code] of [
      ['web.mjs', web],
      ['web.cjs', toCommonJs(web)],
    ] as const) {
      project.write(file, code);
      const register = ['--import', '@graphiti-fallback/otel/register', file];
      expect(await project.run(register, exporting(), program)).toEqual({ code: 0, output: '' });
      const spans = receiver.spans.splice(0);
      const names = spans.map(({ name }) => name.replace(/ - .*/, ''));
      expect(names.sort()).toEqual(['GET', 'GET /items/:id', 'request handler']);
    }
  });
});
