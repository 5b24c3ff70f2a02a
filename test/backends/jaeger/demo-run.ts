/** The outage demo as a person runs it, with its telemetry sent to a backend. */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';

/** What the demo said. */
export interface DemoRun {
  readonly service: string;
  readonly report: { readonly ok: boolean; readonly queued: number; readonly stale: number };
  /** The links that it printed, by what they lead to. */
  readonly links: Readonly<Record<string, string>>;
}

const main = join(import.meta.dirname, '../../../examples/outage-demo/dist/main.js');

/**
 * Runs it to its end.
 *
 * @throws {Error} when it is not ok, with what it printed
 */
export async function runDemo(options: {
  readonly service: string;
  readonly otlp: string;
  readonly jaeger: string;
}): Promise<DemoRun> {
  const { service, otlp, jaeger } = options;
  const args = [main, '--json', '--otlp', otlp, '--jaeger', jaeger];
  const environment = { PATH: process.env.PATH, HOME: process.env.HOME, NO_COLOR: '1' };
  const child = spawn(process.execPath, args, {
    env: { ...environment, OTEL_SERVICE_NAME: service },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const output = Promise.all([text(child.stdout), text(child.stderr)]);
  await once(child, 'close');
  const [stdout, stderr] = await output;
  const report = JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as DemoRun['report'];
  if (!report.ok) throw new Error(`The demo is not ok:\n${stderr}`);
  return { service, report, links: linksOf(stderr.split('\n')) };
}

function linksOf(lines: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    lines.flatMap((line, index) => {
      const url = /^ {2}(http\S+\/search\?\S+)$/.exec(line)?.[1];
      return url === undefined ? [] : [[lines[index - 1]?.replace(/:$/, '') ?? '', url]];
    }),
  );
}
