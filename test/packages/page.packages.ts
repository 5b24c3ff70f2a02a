import { once } from 'node:events';
import { cpSync, rmSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { build } from 'esbuild';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { adapterApps } from './adapter-app.ts';
import { type ConsumerProject, consumerProject } from './consumer-project.ts';

const program = `
  import { once } from 'node:events';
import { cpSync, rmSync } from 'node:fs';
  import { graphitiFallback } from '@graphiti-fallback/express';
  import express from 'express';

  const app = express().use(graphitiFallback());
  const server = app.listen(0, '127.0.0.1');
  once(server, 'listening').then(() => console.log(server.address().port));
`;

const withRequire =
  "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);";
const environment = { FALLBACK_STORE: 'memory' };
const stops: (() => void)[] = [];
let project: ConsumerProject;

beforeAll(async () => {
  const app = adapterApps().find(({ adapter }) => adapter === '@graphiti-fallback/express');
  project = await consumerProject('the page', app?.dependencies ?? {}, app?.kit);
  project.write('app.js', program);
});

afterAll(() => {
  for (const stop of stops) stop();
});

/** Runs an app of the project; answers where its status is. */
async function start(file: string): Promise<string> {
  const child = project.start([file], environment);
  stops.push(() => child.kill());
  const [port] = await once(createInterface(child.stdout), 'line');
  return `http://127.0.0.1:${port}/health/fallback`;
}

const asBrowser = { headers: { accept: 'text/html' } };

/** Everything that a page loads, with what it answers. */
async function loaded(address: string): Promise<ReadonlyMap<string, string>> {
  const html = await (await fetch(address, asBrowser)).text();
  const found = new Map<string, string>();
  const wanted = [...html.matchAll(/(?:href|src)="(\.[^"]+)"/g)].map(
    ([, file = '']) => new URL(file, address).href,
  );
  for (const file of wanted) {
    if (found.has(file)) continue;
    const answer = await fetch(file);
    found.set(file, `${answer.status} ${answer.headers.get('content-type')}`);
    const script = file.endsWith('.js') ? await answer.text() : '';
    for (const [, other = ''] of script.matchAll(/from '(\.[^']+)'/g))
      wanted.push(new URL(other, file).href);
  }
  return found;
}

test('the packed kit has the page with all that it loads', async () => {
  const files = await loaded(await start('app.js'));
  expect([...files.keys()].some((file) => file.endsWith('/page/page.css'))).toBe(true);
  expect(files.size).toBeGreaterThan(10);
  const answers = new Set(files.values());
  expect(answers).toEqual(
    new Set(['200 text/css; charset=utf-8', '200 text/javascript; charset=utf-8']),
  );
});

test.each([
  ['esm', 'app.mjs'],
  ['cjs', 'app.cjs'],
] as const)(
  'an app that is bundled into one file (%s) goes without the page until its files are copied, and has the status',
  async (format, file) => {
    await build({
      entryPoints: [`${project.folder}/app.js`],
      outfile: `${project.folder}/bundle/${file}`,
      bundle: true,
      platform: 'node',
      format,
      // What is CommonJS in the bundle asks for `require`.
      ...(format === 'esm' && { banner: { js: withRequire } }),
      logLevel: 'error',
    });
    const address = await start(`bundle/${file}`);
    expect(await (await fetch(address)).json()).toMatchObject({ name: 'graphiti' });
    const page = await fetch(address, asBrowser);
    expect(page.status).toBe(200);
    const text = await page.text();
    expect(text).toContain('Accept: application/json');
    expect(text).toContain('bundled without the files of this page');
    expect([...(await loaded(address)).values()].every((answer) => answer.startsWith('404'))).toBe(
      true,
    );
    const kept = `${project.folder}/node_modules/@graphiti-fallback/http/dist/page`;
    cpSync(kept, `${project.folder}/bundle/page`, { recursive: true });
    const files = await loaded(await start(`bundle/${file}`));
    expect(new Set(files.values())).toEqual(
      new Set(['200 text/css; charset=utf-8', '200 text/javascript; charset=utf-8']),
    );
    rmSync(`${project.folder}/bundle/page`, { recursive: true });
  },
);
