/** The command: `npm run test:drain`, `npm run test:drain -- --operations 10000 --json`. */

import { parseArgs } from 'node:util';
import { throttledDrain } from './throttled-drain.ts';

const help = `Replays a queue to an upstream that answers 429 above its limit, over real HTTP.

  npm run test:drain -- [--operations 1000] [--limit 50] [--json]

  --operations  writes that are queued at first (default 1000: about half a minute)
  --limit       requests a second that the upstream takes (default 50)
  --json        print the verdict alone, as one JSON object
  --help        this

Ends with exit code 0 when all are delivered, once and in the order of their lanes, and the
upstream never saw more than 1.5 times its limit in a second after the first three.
`;

const { values } = parseArgs({
  options: {
    operations: { type: 'string', default: '1000' },
    limit: { type: 'string', default: '50' },
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});
if (values.help) process.stdout.write(help);
else await run(positive('operations'), positive('limit'));

async function run(operations: number, limit: number): Promise<void> {
  const ending = new AbortController();
  process.once('SIGINT', () => ending.abort());
  const report = await throttledDrain({
    operations,
    limit,
    signal: ending.signal,
    onProgress(delivered) {
      if (!values.json) process.stderr.write(`${delivered} of ${operations} delivered\n`);
    },
  });
  process.stdout.write(`${JSON.stringify(report)}\n`);
  process.exitCode = report.ok ? 0 : 1;
}

function positive(name: 'operations' | 'limit'): number {
  const number = Number(values[name]);
  if (Number.isInteger(number) && number > 0) return number;
  process.stderr.write(
    `Expected --${name} to be a whole number of 1 or more, got ${values[name]}\n`,
  );
  process.exit(2);
}
