import { readdirSync } from 'node:fs';
import { afterEach, beforeAll, expect, test } from 'vitest';
import { toCommonJs } from '../common-js.ts';
import { adapterApps } from './adapter-app.ts';
import { type ConsumerProject, consumerProject } from './consumer-project.ts';
import { exportedApp, isProgram } from './program.ts';
import { readmeSnippets } from './snippets.ts';

const snippets = readmeSnippets();
const program = snippets.find(isProgram)?.code ?? '';
const suite = snippets.find(({ name }) => name === 'README.md # In your tests')?.code ?? '';
const jest = ['node_modules/jest/bin/jest.js', '--rootDir'];
const modules = { NODE_OPTIONS: '--experimental-vm-modules' };

let project: ConsumerProject;

beforeAll(async () => {
  const app = adapterApps().find((one) => one.snippets.some(({ code }) => code === suite));
  expect(app, 'a test in README.md').toBeDefined();
  project = await consumerProject('test runners', { ...app?.dependencies, jest: '^30' }, app?.kit);
});

afterEach(() => {
  expect(readdirSync(project.home)).toEqual([]);
});

test("the README's test passes in Jest", async () => {
  project.write('jest/app.js', exportedApp(program));
  project.write('jest/app.test.js', suite);
  const { code, output } = await project.run([...jest, 'jest'], modules);
  expect(output).toContain('1 passed, 1 total');
  expect(code).toBe(0);
});

test.each([
  { store: 'no store', durability: 'memory', environment: {} },
  { store: 'a store', durability: 'disk', environment: { FALLBACK_DB_PATH: 'queue' } },
])('an app that requires the kit and gives $store is tested in Jest', async (one) => {
  const app = toCommonJs(program).replace('app.listen(3000)', 'module.exports = { app }');
  project.write('cjs/app.cjs', app);
  project.write(
    'cjs/app.test.cjs',
    `const request = require('supertest');
     const { app } = require('./app.cjs');
     test('a message is queued', async () => {
       const { body } = await request(app).post('/messages').send({ text: 'one' }).expect(202);
       expect(body).toMatchObject({ outcome: 'queued', durability: '${one.durability}' });
     });`,
  );
  const nowhere = { GRAPHITI_URL: 'http://127.0.0.1:2' };
  const environment = { ...modules, ...nowhere, ...one.environment };
  const { code, output } = await project.run([...jest, 'cjs'], environment);
  expect(output).toContain('1 passed, 1 total');
  expect(code).toBe(0);
});

test("the README's test passes in Vitest", async () => {
  project.write('vitest/app.js', exportedApp(program));
  project.write('vitest/app.test.js', `import { afterAll, test } from 'vitest';\n${suite}`);
  const vitest = ['node_modules/vitest/vitest.mjs', 'run', '--dir', 'vitest'];
  const itsOwn = { XDG_DATA_HOME: project.folder };
  const { code, output } = await project.run(vitest, itsOwn);
  expect(output).toContain('1 passed (1)');
  expect(code).toBe(0);
});

test("the README's test passes under node --test", async () => {
  project.write('node/app.js', exportedApp(program));
  project.write(
    'node/app.test.js',
    `import { after as afterAll, test } from 'node:test';\n${suite}`,
  );
  const { code, output } = await project.run(['--test', 'node/app.test.js']);
  expect(output).toContain('pass 1');
  expect(code).toBe(0);
});
