/** The command: `npm run test:soak -- --minutes 5 [--json]`. */

import { parseArgs } from 'node:util';
import { soak } from './soak.ts';

const help = `A real Express app with a lowdb store through random outages of a Graphiti-compatible server and
restarts of its own, under load; then whether anything was lost, and whether anything grew.

  npm run test:soak -- [--minutes 5] [--users 10] [--json]

  --minutes  how long the load lasts (default 5)
  --users    how many talk at once, each in a group of its own (default 10)
  --json     print the verdict alone, as one JSON object; progress goes to stderr
  --help     this

Ctrl-C ends the load early, and the verdict is about what was until then. Exit code 0 where nothing
was lost, doubled or out of order, the queue is empty, and memory, handles, timers and listeners
did not grow beyond their bounds.
`;

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '5' },
    users: { type: 'string', default: '10' },
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});
if (values.help) process.stdout.write(help);
else await run(positive('minutes'), Math.ceil(positive('users')));

async function run(minutes: number, users: number): Promise<void> {
  const ending = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.once(signal, () => {
      process.stderr.write('The load ends; what is queued is replayed, then comes the verdict\n');
      ending.abort();
    });
  const report = await soak({
    minutes,
    users,
    random: Math.random,
    tell: (line) => process.stderr.write(`${line}\n`),
    signal: ending.signal,
  });
  if (!values.json) {
    for (const [name, figure] of Object.entries(report))
      process.stdout.write(`${name.padEnd(16)} ${figure}\n`);
  }
  process.stdout.write(`${JSON.stringify(report)}\n`);
  process.exitCode = report.ok ? 0 : 1;
}

function positive(name: 'minutes' | 'users'): number {
  const number = Number(values[name]);
  if (Number.isFinite(number) && number > 0) return number;
  process.stderr.write(`Expected --${name} to be a number above 0, got ${values[name]}\n`);
  process.exit(2);
}
