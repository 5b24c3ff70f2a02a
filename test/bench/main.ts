/** `npm run bench`: measures the figures, and prints them beside their budgets. */

import { parseArgs } from 'node:util';
import { figures } from './figures.ts';
import { measureApart } from './measuring.ts';
import { type Result, reportJson, reportTable } from './report.ts';

const help = `Usage: npm run bench -- [options]

Measures what the built packages cost, each figure against a peer or a bare baseline in turns, in a
process of its own. Takes some minutes.

  --only <prefix>  measures the figures whose names begin so: --only call.
  --json           prints one JSON array, as the last line
  --help           shows this

Figures: ${figures.map(({ name }) => name).join(', ')}
`;

const { values } = parseArgs({
  options: {
    only: { type: 'string', default: '' },
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});

if (values.help) {
  process.stdout.write(help);
  process.exit();
}

const wanted = figures.filter(({ name }) => name.startsWith(values.only));
if (wanted.length === 0) {
  process.stderr.write(`No figure's name begins with '${values.only}'.\n\n${help}`);
  process.exit(2);
}

const results: Result[] = [];
for (const [index, figure] of wanted.entries()) {
  process.stderr.write(`measuring ${figure.name} (${index + 1} of ${wanted.length})\n`);
  results.push({ figure, measured: await measureApart(figure) });
}
process.stdout.write(`${values.json ? reportJson(results) : `\n${reportTable(results)}`}\n`);
