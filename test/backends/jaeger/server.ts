/** A real Jaeger: one that runs already, or the program that `go-tool` built, on free ports. */

import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { freePort } from '../../free-port.ts';

/** A Jaeger that answers. */
export interface JaegerServer {
  /** Of its page and its query API. */
  readonly url: string;
  /** Where it takes OTLP over HTTP. */
  readonly otlp: string;
  close(): Promise<void>;
}

const goTool = join(import.meta.dirname, '../go-tool');
/** How long it may take to start, in ms. */
const startWithin = 30_000;

/** How to get a Jaeger, where there is none. */
export function missingJaeger(): string | undefined {
  if (process.env.JAEGER_URL || hasProgram()) return undefined;
  return [
    'There is no Jaeger to test with. Either',
    '  build one, once (it needs Go 1.26 or newer, and 4 to 8 minutes): test/backends/go-tool jaeger',
    '  or use one that runs: JAEGER_URL=http://localhost:16686 OTEL_EXPORTER_OTLP_ENDPOINT=http://localhost:4318',
  ].join('\n');
}

/**
 * The one that `JAEGER_URL` and `OTEL_EXPORTER_OTLP_ENDPOINT` name, or one of our own.
 *
 * @throws {Error} when it does not answer, with what it said
 */
export async function jaegerServer(): Promise<JaegerServer> {
  const { JAEGER_URL, OTEL_EXPORTER_OTLP_ENDPOINT } = process.env;
  if (!JAEGER_URL) return startJaeger();
  const url = JAEGER_URL.replace(/\/+$/, '');
  const beside = Object.assign(new URL(url), { port: '4318' }).origin;
  if (!(await answers(url))) throw new Error(`Nothing answers at JAEGER_URL, ${url}`);
  return { url, otlp: OTEL_EXPORTER_OTLP_ENDPOINT ?? beside, close: async () => {} };
}

/**
 * Starts the program; `more` are further files of its configuration, and `set` single values of it.
 *
 * @throws {Error} when it does not start, with what it said
 */
export async function startJaeger(
  more: readonly string[] = [],
  set: Readonly<Record<string, string>> = {},
): Promise<JaegerServer> {
  const [query, grpc, otlp] = [await freePort(), await freePort(), await freePort()];
  const folder = mkdtempSync(join(tmpdir(), 'jaeger-'));
  const config = join(folder, 'config.yaml');
  writeFileSync(config, JSON.stringify(configuration(query, grpc, otlp))); // JSON is YAML
  const args = [
    ...[config, ...more].map((file) => `--config=file:${file}`),
    ...Object.entries(set).map(([key, value]) => `--set=${key}=${value}`),
  ];
  const child = spawn(program(), args, { stdio: ['ignore', 'pipe', 'pipe'] });
  const output: string[] = [];
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (data) => output.push(String(data)));
  const close = async () => {
    await end(child);
    rmSync(folder, { recursive: true, force: true });
  };
  const url = `http://127.0.0.1:${query}`;
  const deadline = performance.now() + startWithin;
  while (!(await answers(url))) {
    const ended = child.exitCode !== null || child.signalCode !== null;
    if (ended || performance.now() > deadline) {
      await close();
      throw new Error(`Jaeger did not start:\n${output.join('')}`);
    }
    await pause(100);
  }
  return { url, otlp: `http://127.0.0.1:${otlp}`, close };
}

/** Whether it was built. */
export function hasProgram(): boolean {
  return existsSync(program());
}

function program(): string {
  return execFileSync(goTool, ['--where', 'jaeger'], { encoding: 'utf8' }).trim();
}

/** All in one, in memory; its own telemetry is off. */
function configuration(query: number, grpc: number, otlp: number): object {
  const at = (port: number) => ({ endpoint: `127.0.0.1:${port}` });
  const exporters = ['jaeger_storage_exporter'];
  return {
    service: {
      extensions: ['jaeger_storage', 'jaeger_query'],
      pipelines: { traces: { receivers: ['otlp'], processors: [], exporters } },
      telemetry: { metrics: { level: 'none' }, logs: { level: 'error' } },
    },
    extensions: {
      jaeger_storage: { backends: { memory: { memory: { max_traces: 100_000 } } } },
      jaeger_query: { storage: { traces: 'memory' }, http: at(query), grpc: at(grpc) },
    },
    receivers: { otlp: { protocols: { http: at(otlp) } } },
    exporters: { jaeger_storage_exporter: { trace_storage: 'memory' } },
  };
}

async function answers(url: string): Promise<boolean> {
  return fetch(`${url}/api/services`, { signal: AbortSignal.timeout(5_000) }).then(
    ({ ok }) => ok,
    () => false,
  );
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill();
  await once(child, 'exit');
}
