import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';

const main = join(import.meta.dirname, '../../../examples/outage-demo/src/main.ts');

/** Starts `npm run demo -- --cluster`; what it writes, and how it ends. */
function startDemo(args: readonly string[], more: Readonly<Record<string, string>> = {}) {
  const { VITEST: _vitest, NODE_ENV: _env, NODE_OPTIONS: _options, ...inherited } = process.env;
  const { REDIS_URL: _url, ...env } = inherited;
  const flags = ['--conditions=@graphiti-fallback/source', main, '--cluster', ...args];
  const child = spawn(process.execPath, flags, { env: { ...env, ...more } });
  onTestFinished(() => void child.kill());
  const output: string[] = [];
  child.stdout.on('data', (data) => output.push(String(data)));
  child.stderr.on('data', (data) => output.push(String(data)));
  const end = once(child, 'close').then(([code]) => Number(code));
  return { child, output, end };
}

/** Processes that one started, and those that these did. */
function descendants(of: number): number[] {
  const parents = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      try {
        const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
        const [, parent] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
        return [[Number(pid), Number(parent)] as const];
      } catch {
        return []; // it has just ended
      }
    });
  const children = parents.filter(([, parent]) => parent === of).map(([pid]) => pid);
  return [...children, ...children.flatMap(descendants)];
}

const isThere = (pid: number) => {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
};

test('a demo that is ended leaves no process, not even the frozen one, and no folder', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'demo-'));
  try {
    const { child, output, end } = startDemo([], { TMPDIR: folder });
    while (!output.join('').includes('is frozen')) await once(child.stdout, 'data');
    const started = descendants(child.pid ?? 0);
    // The command's own, Redis, and three of four instances.
    expect(started.length).toBeGreaterThanOrEqual(5);
    child.kill('SIGINT');
    expect(await end).toBe(130);
    expect(started.filter(isThere)).toEqual([]);
    expect(output.join('')).toContain('Ended by SIGINT');
    expect(readdirSync(folder)).toEqual([]);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

test('without a redis-server the demo says how to get one', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'demo-'));
  try {
    const { output, end } = startDemo(['--json'], { PATH: folder, TMPDIR: folder });
    expect(await end).toBe(1);
    const all = output.join('');
    expect(all).toContain('needs redis-server');
    expect(all).toContain('apt-get install redis-server');
    expect(all).not.toMatch(/^\s+at /m);
    expect(all).toContain('{"ok":false}');
    expect(readdirSync(folder)).toEqual([]);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
