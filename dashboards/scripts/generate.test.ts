import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, expect, test, vi } from 'vitest';
import { temporaryFolder } from '../src/temporary-folder.test.support.ts';

vi.setConfig({ testTimeout: 60_000 }); // processes start, on a machine that may be busy

const repository = join(import.meta.dirname, '../..');
const folder = temporaryFolder('dashboards-generate-');

/** A checkout with copies of what may be changed. */
beforeEach(() => {
  const modules = join(folder.path, 'node_modules');
  mkdirSync(modules);
  for (const name of readdirSync(join(repository, 'node_modules')))
    if (name !== '@graphiti-fallback')
      symlinkSync(join(repository, 'node_modules', name), join(modules, name));
  copy('dashboards');
  copy('packages/core');
  mkdirSync(join(modules, '@graphiti-fallback'));
  symlinkSync(at('packages/core'), join(modules, '@graphiti-fallback/core'));
});

function copy(path: string): void {
  const filter = (from: string) => !/\/(node_modules|dist|\.turbo)$/.test(from);
  cpSync(join(repository, path), at(path), { recursive: true, filter });
}

function at(path: string): string {
  return join(folder.path, path);
}

function edit(path: string, from: string, to: string): void {
  const text = readFileSync(at(path), 'utf8');
  expect(text).toContain(from);
  writeFileSync(at(path), text.replace(from, to));
}

/** What `npm run check` runs. */
function generate(...args: string[]) {
  const { scripts } = JSON.parse(readFileSync(at('dashboards/package.json'), 'utf8'));
  const [, ...command] = scripts[args.length > 0 ? 'check:generated' : 'generate'].split(' ');
  return spawnSync(process.execPath, command, { cwd: at('dashboards'), encoding: 'utf8' });
}

test('what is committed is what the code says', () => {
  expect(generate('--check')).toMatchObject({ status: 0, stderr: '' });
});

test('a hand edit of a dashboard fails the check, and is undone by generating', () => {
  const path = 'dashboards/grafana/overview.json';
  const shipped = readFileSync(at(path), 'utf8');
  edit(path, '"Availability"', '"Uptime"');
  expect(generate('--check')).toMatchObject({
    status: 1,
    stderr: 'Not what the code says: grafana/overview.json. npm run generate\n',
  });
  expect(generate().status).toBe(0);
  expect(readFileSync(at(path), 'utf8')).toBe(shipped);
});

test('a file that nothing generates fails the check', () => {
  writeFileSync(at('dashboards/prometheus/old.yaml'), '');
  expect(generate('--check').stderr).toContain('prometheus/old.yaml');
  generate();
  expect(generate('--check').status).toBe(0);
});

test('a metric that is renamed in the contract alone fails the check of all that query it', () => {
  edit('packages/core/src/telemetry/contract/metrics.ts', "'queue.depth'", "'queue.length'");
  const { status, stderr } = generate('--check');
  expect(status).toBe(1);
  for (const path of ['grafana/overview.json', 'sharing/queue.json', 'prometheus/alerts.yaml'])
    expect(stderr).toContain(path);
  expect(stderr).not.toContain('recordings.yaml');
});

test('a value that is taken out of the contract is an error where it is queried', () => {
  edit('packages/core/src/queue/lane-queue.ts', "  'parked',\n", '');
  expect(generate('--check').stderr).toContain("got 'parked'");
});
