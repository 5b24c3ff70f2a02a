import { execFile } from 'node:child_process';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeEach, expect, test, vi } from 'vitest';
import { homeOf } from '../slot.ts';
import { identity, opened, put, slotIn } from '../store.test.support.ts';
import { lowdbStore } from '../store.ts';
import { temporary } from '../temporary.test.support.ts';

const cli = fileURLToPath(new URL('./main.ts', import.meta.url));

vi.setConfig({ testTimeout: 30_000 }); // every test starts processes, on a machine that may be busy

function run(
  args: readonly string[],
  input = '',
): Promise<{ code: unknown; stdout: string; stderr: string }> {
  return new Promise((resolve) => {
    const all = ['--conditions=@graphiti-fallback/source', cli, ...args];
    const child = execFile(process.execPath, all, (error, stdout, stderr) =>
      resolve({ code: error?.code ?? 0, stdout, stderr }),
    );
    child.stdin?.end(input);
  });
}

const operation = (id: string, more: object = {}) => ({
  id,
  operation: 'note.save',
  lane: 'note:1',
  input: { text: id },
  createdAt: 1,
  enqueuedAt: 2,
  attempts: 0,
  failures: 0,
  interruptions: 0,
  ...more,
});

let directory: string;

/** A closed store with two pending operations and a dead letter, and a journal behind its snapshot. */
beforeEach(async () => {
  directory = await temporary();
  const store = lowdbStore({ directory });
  for (const record of [operation('a'), operation('b', { dead: 'poison' }), operation('c')]) {
    await store.open(identity);
    await store.commit([put(record.id, record as never)]);
    await store.close();
  }
});

test('inspect says what is there, of a data folder, an identity or a slot', async () => {
  for (const path of [directory, dirname(slotIn(directory)), slotIn(directory)]) {
    const { code, stdout } = await run(['inspect', path]);
    expect(code).toBe(0);
    expect(stdout).toContain(slotIn(directory));
    expect(stdout).toContain('3 queue');
    expect(stdout).toMatch(/lock +free/);
  }
  const { stdout } = await run(['inspect', directory, '--json']);
  expect(JSON.parse(stdout)).toMatchObject([
    { held: false, generation: 3, records: { queue: 3 }, missing: 0, torn: 0, warnings: [] },
  ]);
});

test('inspect of a store that is in use changes nothing, and says that it is held', async () => {
  const { store } = await opened(directory);
  const { stdout } = await run(['inspect', directory]);
  expect(stdout).toMatch(/lock +held by a process/);
  expect(await store.commit([put('d', 1)])).toBe('disk');
});

test('verify finds what is damaged, also in files that opening would not read', async () => {
  expect(await run(['verify', directory])).toMatchObject({ code: 0, stderr: '' });
  for (const name of ['db.json', 'db.prev.json', 'wal-00000003.ndjson']) {
    const path = join(slotIn(directory), name);
    const sound = await readFile(path);
    const damaged = Buffer.from(sound);
    damaged[60] = (damaged[60] ?? 0) ^ 1;
    await writeFile(path, damaged);
    const { code, stdout } = await run(['verify', directory]);
    expect(code, name).toBe(1);
    expect(stdout).toContain(`DAMAGED ${path}`);
    expect(await readFile(path)).toEqual(damaged);
    await writeFile(path, sound);
  }
  const { stdout } = await run(['verify', directory, '--json']);
  expect(JSON.parse(stdout)).toHaveLength(3);
});

test('what is exported is imported into another store, where a running app finds it', async () => {
  const { stdout: lines } = await run(['export', directory]);
  expect(
    lines
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line).id),
  ).toEqual(['a', 'c']);
  const { stdout: dead } = await run(['export', directory, '--dead']);
  expect(JSON.parse(dead)).toMatchObject({ id: 'b', dead: 'poison' });

  const other = await temporary();
  const { store } = await opened(other);
  await store.commit([put('c', operation('c') as never)]);
  expect(await run(['import', other], lines)).toMatchObject({
    code: 0,
    stdout: '1 imported, 1 were there already\n',
  });
  await store.close();
  const { keys } = await opened(other);
  expect(keys).toEqual(['c', 'a']);
});

/** The folders of two apps with one upstream: the first has two operations, the second none. */
async function twoApps() {
  const folder = await temporary();
  const upstream = 'http://localhost:8000';
  const apps = (['shop', 'blog'] as const).map((application, index) => ({
    manager: 'graphiti',
    hash: `${index}`.repeat(16),
    application,
    upstream,
  }));
  for (const [index, app] of apps.entries()) {
    const store = lowdbStore({ directory: folder });
    await store.open(app);
    const records =
      index === 0 ? [operation('a'), operation('b')] : [operation('c', { dead: 'poison' })];
    await store.commit(records.map((record) => put(record.id, record as never)));
    await store.close();
  }
  const [shop = '', blog = ''] = apps.map((app) => homeOf(folder, app));
  return {
    folder,
    shop,
    blog,
    next: homeOf(folder, { manager: 'graphiti', hash: '2'.repeat(16) }),
  };
}

test('inspect tells apps apart by their names', async () => {
  const { folder } = await twoApps();
  const { stdout } = await run(['inspect', folder]);
  for (const name of ['shop', 'blog'])
    expect(stdout).toContain(
      `  owner       manager graphiti, application '${name}', upstream http://localhost:8000\n`,
    );
  const { stdout: json } = await run(['inspect', folder, '--json']);
  expect(JSON.parse(json)).toMatchObject([
    { owner: { manager: 'graphiti', application: 'shop', upstream: 'http://localhost:8000' } },
    { owner: { application: 'blog' } },
  ]);
  expect((await run(['inspect', directory])).stdout).toMatch(/owner +not written down/);
});

test('with several apps import asks for one of them by name, and export says what is whose', async () => {
  const { folder, shop, blog } = await twoApps();
  const refused = await run(['import', folder], JSON.stringify(operation('d')));
  expect(refused.code).toBe(2);
  expect(refused.stderr).toBe(
    `error: Expected the folder of one identity, ${folder} has 2:
  ${shop}: manager graphiti, application 'shop', upstream http://localhost:8000
  ${blog}: manager graphiti, application 'blog', upstream http://localhost:8000
`,
  );
  const { code, stdout, stderr } = await run(['export', folder]);
  expect(code).toBe(0);
  expect(stdout.trimEnd().split('\n')).toHaveLength(2);
  expect(stderr).toBe(
    `2 from ${shop}: manager graphiti, application 'shop', upstream http://localhost:8000
0 from ${blog}: manager graphiti, application 'blog', upstream http://localhost:8000
`,
  );
});

test('export says on stderr that there is nothing, and what there is instead', async () => {
  const { shop, blog } = await twoApps();
  expect(await run(['export', blog])).toEqual({
    code: 0,
    stdout: '',
    stderr: `Nothing is pending in ${blog}; dead letters: 1 (--dead)\n`,
  });
  expect((await run(['export', shop, '--dead'])).stderr).toBe(
    `No dead letters in ${shop}; 2 pending\n`,
  );
  expect((await run(['export', shop])).stderr).toBe('');
});

test('what one name left moves to another that has stored nothing yet, as the warning says', async () => {
  const { shop, next } = await twoApps();
  const { stdout: lines } = await run(['export', shop]);
  expect(await run(['import', next], lines)).toMatchObject({
    code: 0,
    stdout: '2 imported, 0 were there already\n',
  });
  expect((await run(['export', next])).stdout.trimEnd().split('\n')).toHaveLength(2);
  // A folder that no app would look into is a mistake.
  for (const wrong of [`${next}0`, next.replace('graphiti-', 'other-'), join(next, '..', 'new')])
    expect((await run(['import', wrong], lines)).stderr).toContain('There is no folder');
});

test('a file that is not there is said once', async () => {
  const { code, stderr } = await run(['import', directory, '/nowhere/lines']);
  expect(code).toBe(1);
  expect(stderr).toMatch(/^error: ENOENT: no such file/);
});

test('a line that holds no operation imports nothing, and is named', async () => {
  const file = join(directory, 'lines');
  await writeFile(file, `${JSON.stringify(operation('new'))}\n{"id":"half"}\n`);
  const { code, stderr } = await run(['import', directory, file]);
  expect(code).toBe(2);
  expect(stderr).toBe('error: Line 2 holds no operation: nothing is imported\n');
  expect((await opened(directory)).keys).toEqual(['a', 'b', 'c']);
});

test.each([
  [[], /Expected a command[\s\S]*Usage:/],
  [['look', '.'], /Expected one of inspect, verify, export, import, got 'look'/],
  [['inspect'], /Expected a directory: inspect <directory>/],
  [['inspect', '/nowhere/at/all'], /There is no folder \/nowhere\/at\/all/],
  [['verify', '.', 'other'], /Expected one directory, got also 'other'/],
  [['verify', '.', '--quick'], /Unknown option '--quick'/],
])('%j is a mistake that is said in words', async (args, message) => {
  const { code, stderr, stdout } = await run(args);
  expect(code).toBe(2);
  expect(stdout).toBe('');
  expect(stderr).toMatch(message);
});

test('an empty folder holds no store, and --help tells the commands', async () => {
  await rm(directory, { recursive: true });
  const empty = await temporary();
  expect((await run(['verify', empty])).stderr).toBe(
    `error: There is no store in ${empty}: an app makes one with the first write that it queues, or the first answer that it caches\n`,
  );
  const { code, stdout } = await run(['--help']);
  expect(code).toBe(0);
  for (const command of ['inspect', 'verify', 'export', 'import'])
    expect(stdout).toContain(command);
});
