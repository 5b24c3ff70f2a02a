import { execFileSync } from 'node:child_process';
import { readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeEach, expect, test, vi } from 'vitest';
import { boards } from './boards.ts';
import { temporaryFolder } from './temporary-folder.test.support.ts';

vi.setConfig({ testTimeout: 120_000 }); // a compiler starts, on a machine that may be busy

const root = fileURLToPath(new URL('../..', import.meta.url));
const schema = join(import.meta.dirname, 'grafana-schema.test.support.ts');
const folder = temporaryFolder('grafana-schema-');

beforeEach(() => {
  symlinkSync(join(root, 'node_modules'), join(folder.path, 'node_modules'));
  write('package.json', { type: 'module' });
  write('tsconfig.json', {
    extends: join(root, 'tsconfig.json'),
    compilerOptions: {
      exactOptionalPropertyTypes: false, // those of Grafana were not written with it
      rewriteRelativeImportExtensions: false,
      allowImportingTsExtensions: true,
      types: [],
    },
    include: ['*.ts'],
  });
});

function write(file: string, content: object): void {
  writeFileSync(join(folder.path, file), JSON.stringify(content));
}

/** What the compiler has against dashboards, as literals of the schema's type. */
function complaints(dashboards: Readonly<Record<string, string>>): string {
  for (const [name, json] of Object.entries(dashboards)) {
    const declared = `import type { DashboardJson } from '${schema}';\nexport const dashboard: DashboardJson = ${json};`;
    writeFileSync(join(folder.path, `${name}.ts`), declared);
  }
  const compiler = join(root, 'node_modules/typescript/bin/tsc');
  try {
    execFileSync(process.execPath, [compiler, '-p', folder.path], { encoding: 'utf8' });
    return '';
  } catch (error) {
    return (error as { stdout: string }).stdout;
  }
}

function generated(name: string): string {
  return readFileSync(join(root, 'dashboards/grafana', `${name}.json`), 'utf8');
}

test("every dashboard is what Grafana's schema says, and has nothing that it does not know", () => {
  const all = Object.keys(boards).map((name) => [name, generated(name)]);
  expect(complaints(Object.fromEntries(all))).toBe('');
});

test('one with a wrong option, an unknown one or a wrong type is found', () => {
  const json = generated('queue');
  const found = complaints({
    wrong: json.replace('"colorMode": "background"', '"colorMode": "foreground"'),
    unknown: json.replace('"graphTooltip"', '"tooltips"'),
    type: json.replace('"lineWidth": 1', '"lineWidth": "1"'),
  });
  for (const name of ['wrong', 'unknown', 'type']) expect(found).toContain(`${name}.ts`);
});
