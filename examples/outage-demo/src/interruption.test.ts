import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished, test, vi } from 'vitest';

const main = fileURLToPath(new URL('./main.ts', import.meta.url));

vi.setConfig({ testTimeout: 40_000 }); // three processes start, on a machine that may be busy

/** The demo in a process group of its own, as a terminal starts it, up to a line that it prints. */
async function runningUntil(words: string) {
  const temporary = mkdtempSync(join(tmpdir(), 'outage-demo-test-'));
  const demo = spawn(process.execPath, ['--conditions=@graphiti-fallback/source', main], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, TMPDIR: temporary },
    detached: true,
  });
  onTestFinished(() => {
    demo.kill('SIGKILL');
    rmSync(temporary, { recursive: true, force: true });
  });
  const lines = createInterface({ input: demo.stdout });
  for await (const line of lines) if (line.includes(words)) break;
  demo.stdout.resume();
  const pid = demo.pid as number;
  return { demo, pid, temporary };
}

function childrenOf(parent: number): number[] {
  const processes = execFileSync('ps', ['-A', '-o', 'pid=', '-o', 'ppid='], { encoding: 'utf8' });
  const pairs = processes
    .trim()
    .split('\n')
    .map((line) => line.trim().split(/\s+/).map(Number));
  return pairs.flatMap(([pid, ppid]) => (pid !== undefined && ppid === parent ? [pid] : []));
}

function isThere(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

test.each([
  ['SIGINT', 130, 'outage 1 of 3'],
  ['SIGTERM', 143, 'Graphiti works'],
] as const)('%s leaves no process and no file', async (signal, code, words) => {
  const { demo, pid, temporary } = await runningUntil(words);
  const children = childrenOf(pid);
  expect(children).toHaveLength(2);
  expect(readdirSync(temporary)).toHaveLength(1);
  const exit = once(demo, 'exit');
  process.kill(-pid, signal);
  expect(await exit).toEqual([code, null]);
  expect(children.filter(isThere)).toEqual([]);
  expect(readdirSync(temporary)).toEqual([]);
});

test('Ctrl-C while it starts leaves no process and no file', async () => {
  const { demo, pid, temporary } = await runningUntil('the app start');
  const exit = once(demo, 'exit');
  process.kill(-pid, 'SIGINT');
  expect(await exit).toEqual([130, null]);
  expect(readdirSync(temporary)).toEqual([]);
});

test('kill -9 leaves no process', async () => {
  const { demo, pid } = await runningUntil('Graphiti works');
  const children = childrenOf(pid);
  expect(children).toHaveLength(2);
  const exit = once(demo, 'exit');
  process.kill(pid, 'SIGKILL');
  await exit;
  await expect.poll(() => children.filter(isThere), { timeout: 5_000 }).toEqual([]);
});
