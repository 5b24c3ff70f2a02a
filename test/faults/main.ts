/** `npm run test:faults`: causes every fault, and counts what the store lost, invented or hid. */

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type { Fault } from './fault.ts';
import { faults } from './faults.ts';
import { startOracle } from './oracle.ts';
import { chanceOf } from './random.ts';
import { isSound, lineOf, type Outcome, reportJson } from './report.ts';

const help = `Usage: npm run test:faults -- [options]

Causes faults under the lowdb store, and to a fleet over one Redis, and lets a process of its own judge
what is left: of what was acknowledged nothing may be gone, nothing may be there that nobody wrote, each
lane is in order. What
damages files may lose what it damaged, but not without a word. Two runs take out what keeps data safe,
and must fail.

  --only <prefix>  causes the faults whose names begin so
  --quick          a few runs of each, in some minutes
  --seed <number>  for the same chances again
  --json           prints one JSON object, as the last line
  --help           shows this

Faults: ${faults.map(({ name }) => name).join(', ')}
`;

const { values } = parseArgs({
  options: {
    only: { type: 'string', default: '' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    quick: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});

if (values.help) {
  process.stdout.write(help);
  process.exit();
}

const wanted = faults.filter(
  ({ name, long }) => name.startsWith(values.only) && !(values.quick && long),
);
if (wanted.length === 0) {
  process.stderr.write(`No fault's name begins with '${values.only}'.\n\n${help}`);
  process.exit(2);
}

process.stderr.write(`seed ${values.seed}\n`);
const outcomes: Outcome[] = [];
for (const fault of wanted) {
  const outcome = await cause(fault);
  outcomes.push(outcome);
  process.stderr.write(`${lineOf(outcome)}\n`);
}
if (values.json) process.stdout.write(`${reportJson(outcomes)}\n`);
process.exitCode = outcomes.every(isSound) ? 0 : 1;

async function cause(fault: Fault): Promise<Outcome> {
  const missing = await fault.missing?.();
  if (missing !== undefined) return { fault, skipped: missing };
  const folder = await mkdtemp(join(tmpdir(), `faults-${fault.name}-`));
  const oracle = startOracle();
  const began = performance.now();
  try {
    const random = chanceOf(`${values.seed} ${fault.name}`);
    const counts = await fault.run({ quick: values.quick, oracle, folder, random });
    return { fault, counts, seconds: (performance.now() - began) / 1_000 };
  } finally {
    oracle.end();
    await rm(folder, { recursive: true, force: true });
  }
}
