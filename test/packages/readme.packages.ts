import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { toCommonJs } from '../common-js.ts';
import { adapterApps } from './adapter-app.ts';
import { type ConsumerProject, consumerProject } from './consumer-project.ts';
import { preambleOf, preambles } from './preambles.ts';
import { exportedApp, isProgram, startProgram } from './program.ts';
import { readmeSnippets, type Snippet } from './snippets.ts';

const apps = adapterApps();

test('every snippet belongs to an app, and every preamble to a snippet', () => {
  const snippets = readmeSnippets().map(({ name }) => name);
  const used = new Set(apps.flatMap((app) => app.snippets.map(({ name }) => name)));
  expect(snippets.filter((name) => !used.has(name))).toEqual([]);
  expect(Object.keys(preambles).filter((name) => !snippets.includes(name))).toEqual([]);
});

let compilers: ConsumerProject;

beforeAll(async () => {
  const versions = { typescript: '^7', 'typescript-5.9': 'npm:typescript@~5.9' };
  compilers = await consumerProject('compilers', versions);
});

describe.each(apps)('an app with $adapter and @opentelemetry/api $api', (app) => {
  let project: ConsumerProject;
  let graphiti: { child: ChildProcess; url: string };

  beforeAll(async () => {
    project = await consumerProject(`${app.adapter} api ${app.api}`, app.dependencies, app.kit);
    graphiti = await startGraphiti(project);
  });

  afterAll(() => graphiti?.child.kill());

  test('the packages are the packed ones, and they share one API', () => {
    expect(new Set(copiesOf(project, /@graphiti-fallback\/[^/]+$/))).toEqual(new Set(['packed']));
    const version = expect.stringContaining(app.api.replace(/^~|\.0$/g, ''));
    expect(copiesOf(project, /@opentelemetry\/api$/)).toEqual([version]);
  });

  const programs = app.snippets.filter(isProgram);
  const modules = programs.map(({ name, code }) => ({ name, file: 'app.mjs', code }));
  const scripts = programs.map(({ name, code }) => ({
    name,
    file: 'app.cjs',
    code: toCommonJs(code),
  }));

  test.each([...modules, ...scripts])('$name answers as $file', async ({ file, code }) => {
    const program = await startProgram(project, file, code, { GRAPHITI_URL: graphiti.url });
    expect(await program.ask('/health/fallback')).toBe(200);
    if (code.includes("'/messages'")) {
      const headers = { 'content-type': 'application/json' };
      const body = JSON.stringify({ text: 'I like tea.' });
      const status = await program.ask('/messages', { method: 'POST', headers, body });
      expect(status).toBeOneOf([200, 202]);
    }
    if (code.includes("'/facts'")) expect(await program.ask('/facts?q=tea')).toBe(200);
    await program.stop();
  });

  const calls = app.snippets.filter(isCall);

  // They need one app only.
  if (app === apps[0])
    test('the snippets of the calls run one after the other', async () => {
      project.write('graphiti.js', clientOf(calls[0], app.snippets));
      for (const [index, { name, code }] of calls.entries()) {
        project.write(`call-${index}.js`, code);
        const ran = await project.run([`call-${index}.js`], { GRAPHITI_URL: graphiti.url });
        expect(ran.code, `${name}: ${ran.output}`).toBe(0);
        expect(ran.output.trim(), name).not.toBe('');
      }
      expect(calls.length).toBeGreaterThan(10);
    });

  test.each(['typescript', 'typescript-5.9'])('its snippets compile with %s', async (compiler) => {
    writeSnippets(project, app.snippets);
    const tsc = `${compilers.folder}/node_modules/${compiler}/bin/tsc`;
    expect((await project.run([tsc, '-p', 'snippets'])).output).toBe('');
  });
});

/** Each at the line that it has in its README, so that an error names it. */
function writeSnippets(project: ConsumerProject, some: Snippet[]): void {
  const compilerOptions = {
    module: 'nodenext',
    target: 'es2023',
    lib: ['es2023'],
    types: ['node'],
    noEmit: true,
    strict: true,
    skipLibCheck: false,
    exactOptionalPropertyTypes: true,
    noUncheckedIndexedAccess: true,
  };
  project.write('snippets/tsconfig.json', JSON.stringify({ compilerOptions, include: ['.'] }));
  for (const snippet of some) {
    const preamble = preambleOf(snippet).replaceAll(/\s+/g, ' ');
    const padded = preamble + '\n'.repeat(snippet.line - 1) + snippet.code;
    project.write(`snippets/${snippet.file}/${snippet.line}.ts`, padded);
    if (isCall(snippet))
      project.write(`snippets/${snippet.file}/graphiti.ts`, clientOf(snippet, some));
    if (!snippet.code.includes("'./app.js'")) continue;
    const app = some.find((other) => other.file === snippet.file && isProgram(other));
    project.write(`snippets/${snippet.file}/app.ts`, exportedApp(app?.code ?? ''));
  }
}

/** Whether it is a program beside the client that its README begins with. */
function isCall({ code }: Snippet): boolean {
  return code.includes("from './graphiti.js'");
}

/** That client. */
function clientOf(call: Snippet | undefined, some: Snippet[]): string {
  const client = some.find(({ file, code }) => file === call?.file && !code.includes('./'));
  return client?.code ?? '';
}

async function startGraphiti(project: ConsumerProject) {
  const command = 'node_modules/.bin/graphiti-fallback-server';
  const child = project.start([command, '--port', '0', '--control-port', '0']);
  const [line] = await Promise.race([once(child.stdout, 'data'), once(child, 'exit')]);
  const url = /http:\S+/.exec(String(line))?.[0];
  if (!url) throw new Error('graphiti-fallback-server did not start');
  return { child, url };
}

/** Where each copy of a package came from, or its version: as npm's lock says. */
function copiesOf(project: ConsumerProject, name: RegExp): string[] {
  const lock: { packages: Record<string, { version: string; resolved?: string }> } = JSON.parse(
    readFileSync(join(project.folder, 'package-lock.json'), 'utf8'),
  );
  return Object.entries(lock.packages)
    .filter(([path]) => name.test(path))
    .map(([, { resolved, version }]) => (resolved?.startsWith('file:') ? 'packed' : version));
}
