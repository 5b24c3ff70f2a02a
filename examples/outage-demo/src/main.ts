/** The command: `npm run demo`, `npm run demo -- --json`. */

import { constants } from 'node:os';
import { Command, InvalidArgumentError } from 'commander';
import { backendAt } from './backend.ts';
import { closingTable } from './closing-table.ts';
import { type DemoResult, runDemo } from './demo.ts';
import { inkOf } from './ink.ts';
import { jaegerBeside, jaegerLinks } from './jaeger-links.ts';
import { liveView } from './live-view.ts';
import { restartPhase } from './outage-script.ts';
import { reportOf } from './report.ts';
import { shortenedTimesInWords } from './shortened-times.ts';

const command = new Command('demo')
  .description('Three outages of Graphiti in a minute, and an app that does not lose a write.')
  .option('--json', 'print the result as one JSON object on the last line of stdout')
  .option(
    '--otlp <url>',
    'send the telemetry of the app there, such as http://localhost:4318',
    httpAddress,
  )
  .option(
    '--jaeger <url>',
    "Jaeger's page, for the links at the end (default: port 16686 beside it)",
    httpAddress,
  )
  .parse();
const {
  json = false,
  otlp,
  jaeger = otlp && jaegerBeside(otlp),
} = command.opts<{ json?: boolean; otlp?: string; jaeger?: string }>();

/** With --json stdout belongs to the result. */
const stream = json ? process.stderr : process.stdout;
const ink = inkOf(stream);
/** Name under which the app is found in a backend. */
const service = process.env.OTEL_SERVICE_NAME ?? 'outage-demo';
/** How long it may take at most, in ms. */
const atMost = 56_000;

const ending = new AbortController();
let endedBy: NodeJS.Signals | undefined;
for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
  process.on(name, () => {
    endedBy ??= name;
    ending.abort(new Error(`Ended by ${name}`));
  });
const tooLong = `The demo did not end within ${atMost / 1000} s`;
setTimeout(() => ending.abort(new Error(tooLong)), atMost).unref();

stream.write(`${introduction()}\n`);
const view = liveView(stream);
try {
  const from = Date.now();
  const backend = otlp === undefined ? undefined : await backendAt(otlp, service);
  const result = await runDemo({ view, random: Math.random, backend, signal: ending.signal });
  view.end();
  const report = reportOf(result);
  stream.write(`${closingTable(result, report, ink)}\n`);
  if (jaeger !== undefined) stream.write(linksTo(jaeger, from, result));
  if (json) process.stdout.write(`${JSON.stringify(report)}\n`);
  process.exitCode = report.ok ? 0 : 1;
} catch (error) {
  view.end();
  stream.write(`${ink('red', error instanceof Error ? error.message : String(error))}\n`);
  if (json && !endedBy) process.stdout.write('{"ok":false}\n');
  process.exitCode = endedBy ? 128 + constants.signals[endedBy] : 1;
}

/** A URL without the slash at its end. */
function httpAddress(text: string): string {
  if (URL.canParse(text) && /^https?:$/.test(new URL(text).protocol))
    return text.replace(/\/+$/, '');
  throw new InvalidArgumentError('It has to be an address such as http://localhost:4318.');
}

function linksTo(page: string, from: number, { tally }: DemoResult): string {
  const queued = tally.accepted.find(({ queued, phase }) => queued && phase === restartPhase);
  const options = { jaeger: page, service, from, to: Date.now(), write: queued?.operation };
  const lines = jaegerLinks(options).map(({ what, url }) => `${what}:\n  ${url}`);
  return `\n${ink('bold', 'In Jaeger')}\n${lines.join('\n')}\n`;
}

function introduction(): string {
  return [
    ink(
      'bold',
      'Five users talk to an Express app whose memory is Graphiti, and Graphiti fails three times:',
    ),
    'it refuses connections, it answers 503 (and the app itself is killed by kill -9 meanwhile), it hangs.',
    ink('dim', 'Shortened for the demo (in brackets the defaults):'),
    ink('dim', `${shortenedTimesInWords.join(', ')}.`),
    '',
  ].join('\n');
}
