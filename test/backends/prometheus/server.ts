/** A real Prometheus on a free port, with the rules that are shipped. */

import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { freePort } from '../../free-port.ts';

/** A Prometheus that answers. */
export interface PrometheusServer {
  readonly url: string;
  close(): Promise<void>;
}

/** How to start one. */
interface PrometheusOptions {
  /** What is scraped, as in its configuration. */
  readonly scrapes: readonly object[];
  /** Files with rules. */
  readonly rules: readonly string[];
  /** @default the one on the path */
  readonly program?: string;
  readonly args?: readonly string[];
}

const goTool = join(import.meta.dirname, '../go-tool');
/** How long it may take to start, in ms. */
const startWithin = 60_000;

/** How to get Debian's, where it is missing. */
export function missingPrometheus(): string | undefined {
  const missing = ['prometheus', 'promtool'].filter(
    (program) => spawnSync(program, ['--version'], { stdio: 'ignore' }).error,
  );
  if (missing.length === 0) return undefined;
  return [
    `There is no ${missing.join(' and no ')} on the path. Either`,
    '  install the package: apt-get install --no-install-recommends prometheus',
    '  or unpack a release of https://prometheus.io/download and put its folder on the path',
  ].join('\n');
}

/** How to get one that takes OTLP, where it is missing. */
export function missingOtlpPrometheus(): string | undefined {
  if (process.env.PROMETHEUS_URL || existsSync(otlpProgram())) return undefined;
  return [
    'There is no Prometheus 3 to test OTLP with. Either',
    '  build one, once (it needs Go 1.26 or newer, and 6 minutes): test/backends/go-tool prometheus-otlp',
    '  or use one that runs with --web.enable-otlp-receiver: PROMETHEUS_URL=http://localhost:9090',
  ].join('\n');
}

/**
 * The one that `PROMETHEUS_URL` names, with the rules that it has, or one of our own with those given.
 *
 * @throws {Error} when it does not answer
 */
export async function otlpPrometheusServer(rules: readonly string[]): Promise<PrometheusServer> {
  const { PROMETHEUS_URL } = process.env;
  if (!PROMETHEUS_URL) {
    const args = ['--web.enable-otlp-receiver'];
    return prometheusServer({ scrapes: [], rules, program: otlpProgram(), args });
  }
  const url = PROMETHEUS_URL.replace(/\/+$/, '');
  if (!(await answers(url))) throw new Error(`Nothing answers at PROMETHEUS_URL, ${url}`);
  return { url, close: async () => {} };
}

function otlpProgram(): string {
  return execFileSync(goTool, ['--where', 'prometheus-otlp'], { encoding: 'utf8' }).trim();
}

/**
 * Starts one that scrapes and evaluates each second.
 *
 * @throws {Error} when it does not answer, with what it said
 */
export async function prometheusServer(options: PrometheusOptions): Promise<PrometheusServer> {
  const { scrapes, rules, program = 'prometheus', args = [] } = options;
  const folder = mkdtempSync(join(tmpdir(), 'prometheus-'));
  const config = join(folder, 'prometheus.yaml');
  const global = { scrape_interval: '1s', evaluation_interval: '1s' };
  // JSON is YAML.
  writeFileSync(config, JSON.stringify({ global, rule_files: rules, scrape_configs: scrapes }));
  const port = await freePort();
  const own = [
    `--config.file=${config}`,
    `--storage.tsdb.path=${join(folder, 'data')}`,
    `--web.listen-address=127.0.0.1:${port}`,
    '--log.level=warn',
  ];
  const child = spawn(program, [...own, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  const output: string[] = [];
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (data) => output.push(String(data)));
  const close = async () => {
    await end(child);
    rmSync(folder, { recursive: true, force: true });
  };
  const url = `http://127.0.0.1:${port}`;
  const deadline = performance.now() + startWithin;
  while (!(await answers(url))) {
    const ended = child.exitCode !== null || child.signalCode !== null;
    if (ended || performance.now() > deadline) {
      await close();
      throw new Error(`Prometheus did not start:\n${output.join('')}`);
    }
    await pause(100);
  }
  return { url, close };
}

async function answers(url: string): Promise<boolean> {
  return fetch(`${url}/-/ready`, { signal: AbortSignal.timeout(5_000) }).then(
    ({ ok }) => ok,
    () => false,
  );
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill();
  await once(child, 'exit');
}
