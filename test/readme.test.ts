import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { graphitiServer } from '@graphiti-fallback/testing';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { endApps, startApp } from './child-app.ts';
import { freePort } from './free-port.ts';

const root = join(import.meta.dirname, '..');
let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'readme-'));
});

afterEach(async () => {
  await endApps();
  rmSync(folder, { recursive: true, force: true });
});

/** The first snippet of the README, as a person copies it, but for the port. */
function snippet(port: number): string {
  const readme = readFileSync(join(root, 'README.md'), 'utf8');
  const [, code = ''] = /```js\n(import express[\s\S]*?)```/.exec(readme) ?? [];
  expect(code).toContain('app.use(graphitiFallback());');
  return code.replace('app.listen(3000)', `app.listen(${port}, '127.0.0.1')`);
}

/** Runs the snippet in an empty folder that is its home, too. */
async function run(code: string, port: number, environment: Record<string, string>) {
  writeFileSync(join(folder, 'app.mjs'), code);
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'));
  const app = await startApp({ file: 'app.mjs', cwd: folder, port, environment });
  return { ...app, say: (text: string) => app.post('/messages', { text }) };
}

test('the snippet runs as it stands: live, queued on disk, replayed, with one line at each end', async () => {
  const graphiti = await graphitiServer();
  const port = await freePort();
  const app = await run(snippet(port), port, {
    GRAPHITI_URL: graphiti.url,
    CIRCUIT_TIMEOUT: '0.2',
    CIRCUIT_FAILURE_THRESHOLD: '1',
  });
  expect(readdirSync(folder)).not.toContain('.graphiti_fallback');
  const accepted = await app.say('one');
  expect(accepted.status).toBe(202);
  expect(await accepted.json()).toMatchObject({ outcome: 'accepted', durability: 'disk' });
  expect(readdirSync(folder)).toContain('.graphiti_fallback');
  graphiti.fault({ kind: 'refuse' });
  const queued = await app.say('two');
  expect(queued.status).toBe(202);
  expect(await queued.json()).toMatchObject({ outcome: 'queued', durability: 'disk' });
  expect((await fetch(`${app.url}/facts?q=`)).status).toBe(400);
  await graphiti.heal();
  await expect.poll(() => graphiti.messages('demo').length, { timeout: 10_000 }).toBe(2);
  const over = () => app.output.join('').includes('works again');
  await expect.poll(over, { timeout: 10_000 }).toBe(true);
  const lines = app.output.join('').match(/\[graphiti-fallback\] .*/g) ?? [];
  // An empty folder has no package.json that names the app.
  expect(lines[0]).toContain('This app has no name of its own');
  expect(lines).toHaveLength(3);
  await graphiti.close();
});

test('a queued write of a killed app is replayed by the next one', {
  timeout: 30_000,
}, async () => {
  const graphiti = await graphitiServer();
  const port = await freePort();
  const code = snippet(port);
  const environment = { GRAPHITI_URL: graphiti.url, CIRCUIT_TIMEOUT: '0.2' };
  graphiti.fault({ kind: 'refuse' });
  const before = await run(code, port, environment);
  expect((await before.say('survivor')).status).toBe(202);
  await before.end('SIGKILL');
  await graphiti.heal();
  rmSync(join(folder, 'node_modules'));
  await run(code, port, environment);
  await expect.poll(() => graphiti.messages('demo').length, { timeout: 10_000 }).toBe(1);
  expect(graphiti.messages('demo')[0]?.content).toBe('survivor');
  await graphiti.close();
});

test("in a test of a user's app nothing touches the disk", async () => {
  const graphiti = await graphitiServer();
  graphiti.fault({ kind: 'refuse' });
  const port = await freePort();
  const app = await run(snippet(port), port, { GRAPHITI_URL: graphiti.url, NODE_ENV: 'test' });
  const queued = await app.say('gone with the process');
  expect(await queued.json()).toMatchObject({ outcome: 'queued', durability: 'memory' });
  expect(readdirSync(folder).sort()).toEqual(['app.mjs', 'node_modules']);
  await graphiti.close();
});

test('a wrong variable ends the start with an error that names it', async () => {
  const port = await freePort();
  writeFileSync(join(folder, 'app.mjs'), snippet(port));
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'));
  const child = spawn(process.execPath, ['--conditions=@graphiti-fallback/source', 'app.mjs'], {
    cwd: folder,
    env: { ...process.env, HOME: folder, CIRCUIT_TIMEOUT: 'soon' },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let errors = '';
  child.stderr.on('data', (data) => (errors += String(data)));
  await once(child, 'close');
  expect(child.exitCode).toBe(1);
  expect(errors).toContain('CIRCUIT_TIMEOUT to be a number of seconds above 0, got "soon"');
});
