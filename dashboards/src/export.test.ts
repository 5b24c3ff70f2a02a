import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import { temporaryFolder } from './temporary-folder.test.support.ts';

vi.setConfig({ testTimeout: 60_000 }); // processes start, on a machine that may be busy

const root = join(import.meta.dirname, '..');
const folder = temporaryFolder('dashboards-export-');

/** Runs the command from its source. */
function run(...args: string[]) {
  const command = ['--conditions=@graphiti-fallback/source', join(root, 'src/cli.ts'), ...args];
  return spawnSync(process.execPath, command, { cwd: folder.path, encoding: 'utf8' });
}

function all(path: string): string[] {
  return readdirSync(path, { recursive: true, encoding: 'utf8' })
    .filter((name) => /\.(json|yaml)$/.test(name))
    .sort();
}

test('export writes what is shipped, as it is, and says what it wrote', () => {
  const { status, stdout, stderr } = run('export', 'out/here');
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  const out = join(folder.path, 'out/here');
  const written = all(out);
  expect(written).toEqual(
    stdout
      .trim()
      .split('\n')
      .map((path) => path.slice('out/here/'.length))
      .sort(),
  );
  for (const name of ['overview', 'breakers', 'queue', 'store'])
    expect(written).toContain(`grafana/${name}.json`);
  for (const path of [
    'compose.yaml',
    'compose/collector.yaml',
    'compose/prometheus.yaml',
    'prometheus/alerts.yaml',
    'prometheus/recordings.yaml',
    'provisioning/dashboards/graphiti-fallback.yaml',
    'provisioning/datasources/graphiti-fallback.yaml',
  ])
    expect(written).toContain(path);
  for (const path of written)
    expect(readFileSync(join(out, path), 'utf8')).toBe(readFileSync(join(root, path), 'utf8'));
});

test('--only writes some of it', () => {
  expect(run('export', 'out', '--only', 'prometheus').status).toBe(0);
  expect(all(join(folder.path, 'out'))).toEqual([
    'prometheus/alerts.yaml',
    'prometheus/recordings.yaml',
  ]);
});

test('again is fine; what somebody changed is kept unless --force is given', () => {
  run('export', 'out');
  expect(run('export', 'out').status).toBe(0);
  const rules = join(folder.path, 'out/prometheus/alerts.yaml');
  const store = join(folder.path, 'out/grafana/store.json');
  const shipped = readFileSync(rules, 'utf8');
  writeFileSync(rules, 'ours');
  writeFileSync(store, 'theirs');
  const { status, stderr } = run('export', 'out');
  expect(status).toBe(1);
  expect(stderr).toBe(
    'error: out/grafana/store.json, out/prometheus/alerts.yaml: there already, and not the same. Nothing was written; --force overwrites\n',
  );
  expect(readFileSync(rules, 'utf8')).toBe('ours');
  expect(run('export', 'out', '--force').status).toBe(0);
  expect(readFileSync(rules, 'utf8')).toBe(shipped);
});

test.each([
  [['export'], "error: missing required argument 'folder'"],
  [
    ['export', 'out', '--only', 'loki'],
    "error: Expected some of grafana, sharing, prometheus, provisioning, compose, got 'loki'",
  ],
  [['export', 'file'], "error: Expected a folder, but 'file' is a file"],
  [['exprot', 'out'], "error: unknown command 'exprot'"],
])('%j is an error in words', (args, message) => {
  writeFileSync(join(folder.path, 'file'), '');
  const { status, stderr } = run(...args);
  expect(status).toBe(1);
  expect(stderr).toContain(message);
});

test('a folder that cannot be written is an error in words', () => {
  mkdirSync(join(folder.path, 'out'));
  writeFileSync(join(folder.path, 'out/grafana'), '');
  const { status, stderr } = run('export', 'out');
  expect(status).toBe(1);
  expect(stderr).toMatch(/^error: E(EXIST|NOTDIR)/);
});

test('--help tells what there is', () => {
  expect(run('--help').stdout).toContain('export [options] <folder>');
  const { stdout, status } = run('export', '--help');
  expect(status).toBe(0);
  for (const kind of ['grafana', 'sharing', 'prometheus', 'provisioning', 'compose'])
    expect(stdout).toMatch(new RegExp(`^ +${kind} +\\w`, 'm'));
});
