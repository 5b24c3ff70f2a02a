/** Writes the telemetry contract into the README; with `--check`, fails where the two differ. */

import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { telemetryTables } from './telemetry-tables.ts';

const file = new URL('../README.md', import.meta.url);
const [begin, end] = ['<!-- telemetry: generated -->', '<!-- /telemetry -->'];

const present = readFileSync(file, 'utf8');
const [before, rest] = present.split(begin);
const [, after] = rest?.split(end) ?? [];
if (after === undefined) throw new Error(`README.md of core holds no ${begin} … ${end}`);
const written = formatted(`${before}${begin}\n\n${telemetryTables()}\n\n${end}${after}`);
if (written === present) process.exit();
if (process.argv.includes('--check')) {
  console.error(
    'README.md of core does not say what the telemetry contract does: npm run generate',
  );
  process.exit(1);
}
writeFileSync(file, written);

function formatted(markdown: string): string {
  return execFileSync('npx', ['biome', 'format', '--stdin-file-path=README.md'], {
    input: markdown,
    encoding: 'utf8',
  });
}
