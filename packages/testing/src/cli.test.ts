import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline/promises';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished, test, vi } from 'vitest';
import { graphitiServer } from './server/graphiti-server.ts';
import { call, message } from './server/server.fixture.ts';

const cli = fileURLToPath(new URL('./cli.ts', import.meta.url));

vi.setConfig({ testTimeout: 30_000 }); // every test starts a process, on a machine that may be busy

async function running(...options: string[]) {
  const child = spawn(process.execPath, [cli, ...options], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  const lines: string[] = [];
  for await (const line of createInterface({ input: child.stdout })) {
    lines.push(line);
    if (lines.length === 2) break;
  }
  return { child, lines };
}

function ended(...options: string[]): Promise<{ code: unknown; stdout: string; stderr: string }> {
  return new Promise((resolve) => {
    execFile(process.execPath, [cli, ...options], (error, stdout, stderr) => {
      resolve({ code: error?.code ?? 0, stdout, stderr });
    });
  });
}

async function stopped(child: ChildProcess, signal: NodeJS.Signals): Promise<unknown> {
  const exit = once(child, 'exit');
  child.kill(signal);
  const [code] = await exit;
  return code;
}

test('prints two URLs that answer, and ends on SIGINT', async () => {
  const { child, lines } = await running('--port', '0', '--control-port', '0');
  const [url, controlUrl] = lines.map((line) => line.split(/\s+/)[1]);
  expect(lines).toEqual([`graphiti ${url}`, `control  ${controlUrl}`]);
  expect(await (await fetch(`${url}/healthcheck`)).json()).toEqual({ status: 'healthy' });
  expect((await fetch(`${controlUrl}/state`)).status).toBe(200);
  expect(await stopped(child, 'SIGINT')).toBe(0);
});

test('ends on SIGTERM at once, whatever is under way', async () => {
  const ports = ['--port', '0', '--control-port', '0'];
  const { child, lines } = await running(...ports, '--ingest-delay', '60000');
  const [url = '', controlUrl = ''] = lines.map((line) => line.split(/\s+/)[1]);
  const messages = [message('never')];
  await call(url, 'POST', '/messages', { group_id: 'g1', messages });
  await call(controlUrl, 'PUT', '/faults', { kind: 'slow', ms: 60_000 });
  call(url, 'POST', '/clear').catch(() => {});
  const struck = () => call(controlUrl, 'GET', '/records?path=/clear');
  await expect.poll(struck).toMatchObject({ body: [{ fault: 'slow' }] });
  expect(await stopped(child, 'SIGTERM')).toBe(0);
});

test('a port that is taken is said in the words of the command line', async () => {
  await using server = await graphitiServer();
  const { code, stderr, stdout } = await ended('--port', String(server.port));
  expect(code).toBe(1);
  expect(stdout).toBe('');
  expect(stderr).toMatch(new RegExp(`^error: Expected \`--port\` to be free, got ${server.port}:`));
});

test('an option that is no number is refused', async () => {
  const { code, stderr } = await ended('--ingest-delay', 'soon');
  expect(code).toBe(1);
  expect(stderr).toContain("'--ingest-delay <ms>' argument 'soon' is invalid");
});

test('--help names the options', async () => {
  const { code, stdout } = await ended('--help');
  expect(code).toBe(0);
  for (const option of ['--port', '--control-port', '--ingest-delay'])
    expect(stdout).toContain(option);
});
