/** `npx @graphiti-fallback/dashboards`: writes dashboards, rules and provisioning into a folder. */

import { readFileSync } from 'node:fs';
import { Command } from 'commander';
import { exportTo, kinds } from './export.ts';

const { version } = JSON.parse(
  readFileSync(new URL('../package.json', import.meta.url), 'utf8'),
) as { version: string };

const program = new Command('npx @graphiti-fallback/dashboards')
  .description('Grafana dashboards and Prometheus rules for graphiti-fallback.')
  .version(version)
  .showHelpAfterError('--help tells more');

program
  .command('export')
  .summary('writes dashboards, rules, provisioning and a compose file')
  .description(
    [
      'Writes into a folder, which is created where it is not there:',
      ...Object.entries(kinds).map(([kind, { what }]) => `  ${kind.padEnd(14)}${what}`),
    ].join('\n'),
  )
  .argument('<folder>', 'where to')
  .option('--only <kind...>', `some of it: ${Object.keys(kinds).join(', ')}`)
  .option('--force', 'overwrites files that were changed', false)
  .action((folder: string, { only, force }: { only?: string[]; force: boolean }) => {
    const written = exportTo(folder, { only, force });
    process.stdout.write(written.map((path) => `${path}\n`).join(''));
  });

try {
  program.parse();
} catch (error) {
  process.stderr.write(`error: ${error instanceof Error ? error.message : error}\n`);
  process.exitCode = 1;
}
