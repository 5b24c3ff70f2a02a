/** The command: `npm run demo`, `npm run demo -- --json`. */

import { fork } from 'node:child_process';
import { once } from 'node:events';
import { constants } from 'node:os';
import { fileURLToPath } from 'node:url';
import { Command, InvalidArgumentError, Option } from 'commander';
import { backendAt } from './backend.ts';
import { closingTable, verdictOn } from './closing-table.ts';
import { confirmWithin, type DeadWorker, deadWorker } from './dead-worker.ts';
import { deadWorkerReportOf, deadWorkerVerdict } from './dead-worker-report.ts';
import { type DemoResult, runDemo } from './demo.ts';
import { inkOf } from './ink.ts';
import { jaegerBeside, jaegerLinks } from './jaeger-links.ts';
import { liveView } from './live-view.ts';
import { restartPhase, threeOutages } from './outage-script.ts';
import { reportOf } from './report.ts';
import { shortenedTimesInWords } from './shortened-times.ts';

const command = new Command('demo')
  .description('Outages of Graphiti in a minute, and an app that does not lose a write.')
  .addOption(
    new Option('--scenario <name>', 'what goes wrong')
      .choices(['outages', 'dead-worker'])
      .default('outages'),
  )
  .option('--json', 'print the result as one JSON object on the last line of stdout')
  .addOption(
    new Option(
      '--cluster',
      'in its place: four instances that share one Redis, through an outage (needs redis-server, or REDIS_URL)',
    ).conflicts(['scenario', 'otlp', 'jaeger']),
  )
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
const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
const {
  scenario: name,
  json = false,
  cluster = false,
  otlp,
  jaeger = otlp && jaegerBeside(otlp),
} = command.opts<{
  scenario: 'outages' | 'dead-worker';
  json?: boolean;
  cluster?: boolean;
  otlp?: string;
  jaeger?: string;
}>();

if (cluster) {
  const fleet = fileURLToPath(import.meta.resolve('cluster/fleet'));
  const child = fork(fleet, json ? ['--json'] : []);
  for (const name of signals) process.on(name, () => child.kill(name));
  const [code] = await once(child, 'exit');
  process.exit(Number(code ?? 1));
}

const stories = {
  outages: {
    beginning:
      'Five users talk to an Express app whose memory is Graphiti, and Graphiti fails three times:',
    faults:
      'it refuses connections, it answers 503 (and the app itself is killed by kill -9 meanwhile), it hangs.',
  },
  'dead-worker': {
    beginning:
      'Five users talk to an Express app whose memory is Graphiti, whose ingestion worker dies:',
    faults:
      'it goes on answering 202 and says that it is healthy, stores nothing, and forgets it all when it is restarted.',
  },
} as const;
/** With --json stdout belongs to the result. */
const stream = json ? process.stderr : process.stdout;
const ink = inkOf(stream);
/** Name under which the app is found in a backend. */
const service = process.env.OTEL_SERVICE_NAME ?? 'outage-demo';
/** How long it may take at most, in ms. */
const atMost = 56_000;

const ending = new AbortController();
let endedBy: NodeJS.Signals | undefined;
for (const name of signals)
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
  const worker = deadWorker();
  const scenario = name === 'outages' ? threeOutages : worker;
  const { signal } = ending;
  const result = await runDemo({ scenario, view, random: Math.random, backend, signal });
  view.end();
  const { report, verdict } = judged(result, worker);
  stream.write(`${closingTable(result, verdict, ink)}\n`);
  if (jaeger !== undefined) stream.write(linksTo(jaeger, from, result));
  if (json) process.stdout.write(`${JSON.stringify(report)}\n`);
  process.exitCode = report.ok ? 0 : 1;
} catch (error) {
  view.end();
  stream.write(`${ink('red', error instanceof Error ? error.message : String(error))}\n`);
  if (json && !endedBy) process.stdout.write('{"ok":false}\n');
  process.exitCode = endedBy ? 128 + constants.signals[endedBy] : 1;
}

function judged(result: DemoResult, worker: DeadWorker) {
  if (name === 'outages') {
    const report = reportOf(result);
    return { report, verdict: verdictOn(report, ink) };
  }
  const report = deadWorkerReportOf(result, worker);
  return { report, verdict: deadWorkerVerdict(report, ink) };
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
  const within = `messages have to be seen within ${confirmWithin} s (10 min)`;
  const times = name === 'outages' ? shortenedTimesInWords : [...shortenedTimesInWords, within];
  return [
    ink('bold', stories[name].beginning),
    stories[name].faults,
    ink('dim', 'Shortened for the demo (in brackets the defaults):'),
    ink('dim', `${times.join(', ')}.`),
    '',
  ].join('\n');
}
