import { chmod, mkdir, readdir, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Identity, Journal } from '@graphiti-fallback/core';
import { beforeEach, expect, onTestFinished, test } from 'vitest';
import { homeOf } from './slot.ts';
import { put } from './store.test.support.ts';
import { lowdbStore } from './store.ts';
import { temporary } from './temporary.test.support.ts';

const upstream = 'http://localhost:8000';
const before: Identity = {
  manager: 'graphiti',
  hash: 'aaaaaaaaaaaaaaaa',
  application: 'old',
  upstream,
};
const after: Identity = { ...before, hash: 'bbbbbbbbbbbbbbbb', application: 'new' };

let directory: string;
beforeEach(async () => {
  directory = await temporary();
});

/** What opening says, but for the filesystem, which may be any here. */
async function warningsOf(
  identity: Identity,
  role?: 'queue' | 'cache',
): Promise<readonly string[]> {
  const store = lowdbStore({ directory });
  const { warnings } = await store.open(identity, role);
  await store.close();
  return warnings.filter((text) => !text.includes(' is on '));
}

/** Leaves writes under an identity; the store is still open. */
async function leave(identity: Identity, values: readonly object[]): Promise<Journal> {
  const store = lowdbStore({ directory });
  onTestFinished(() => store.close());
  await store.open(identity);
  for (const [index, value] of values.entries())
    await store.commit([put(`${identity.hash}${index}`, value as never)]);
  return store;
}

test('writes that wait under another name of the app are told of at the start: how many, whose, and what to do', async () => {
  await (await leave(before, [{}, {}, { dead: 'poison' }, {}])).close();
  const [warning, ...others] = await warningsOf(after, 'queue');
  expect(others).toEqual([]);
  expect(warning).toBe(
    `3 writes wait in ${homeOf(directory, before)} under the application 'old' for ${upstream}, and no process of that name runs to send them. If 'new' was called so before: set \`application: 'old'\`, or move what waits: npx @graphiti-fallback/store-lowdb export ${homeOf(directory, before)} | npx @graphiti-fallback/store-lowdb import ${homeOf(directory, after)}, and remove the old folder.`,
  );
  expect(await warningsOf(before)).toEqual([]);
});

test('what was made of the identity lies in its folder, for its user only, and is not needed to open it', async () => {
  await (await leave(before, [{}])).close();
  const file = join(homeOf(directory, before), 'identity.json');
  expect(JSON.parse(await readFile(file, 'utf8'))).toEqual({
    manager: 'graphiti',
    application: 'old',
    upstream,
  });
  expect((await stat(file)).mode & 0o777).toBe(0o600);
  for (const content of ['', '{"manager":', '[]', 'null', '{"manager":1,"application":2}']) {
    await writeFile(file, content);
    expect(await warningsOf(after)).toEqual([]);
  }
  await rm(file);
  expect(await warningsOf(after)).toEqual([]);
  const store = lowdbStore({ directory });
  expect(await store.open(before)).toMatchObject({ records: 1 });
  await store.close();
  // A folder of before is labelled from then on.
  expect((await readdir(homeOf(directory, before))).sort()).toEqual(['identity.json', 'slot-0']);
  expect(await warningsOf(after)).toHaveLength(1);
});

test.each<[string, Partial<Identity>]>([
  ['another upstream', { upstream: 'http://localhost:9000' }],
  ['no upstream', { upstream: undefined as never }],
  ['another manager', { manager: 'other' }],
])('writes to %s are not told of', async (_what, other) => {
  await (await leave({ ...before, ...other }, [{}])).close();
  expect(await warningsOf(after)).toEqual([]);
});

test('what a process holds, or nothing waits in, is not told of; nor is it to a cache', async () => {
  const store = await leave(before, [{}]);
  expect(await warningsOf(after)).toEqual([]);
  await store.close();
  expect(await warningsOf(after)).toHaveLength(1);
  expect(await warningsOf(after, 'cache')).toEqual([]);
  await (await leave(before, [{ dead: 'poison' }])).commit([
    { bucket: 'queue', key: `${before.hash}0`, delete: true },
  ]);
  expect(await warningsOf(after)).toEqual([]);
});

test('of many folders the newest are looked into, and none that is long to read', async () => {
  for (let number = 0; number < 12; number += 1) {
    const hash = `${String(number).padStart(12, '0')}cafe`;
    const identity = { ...before, hash, application: `app ${number}` };
    await (await leave(identity, [{}])).close();
    const at = new Date(1_700_000_000_000 + number * 1_000);
    await utimes(join(homeOf(directory, identity), 'slot-0'), at, at);
  }
  const newest = (warnings: readonly string[]) =>
    warnings.map((text) => /application '(.+?)'/.exec(text)?.[1]);
  expect(newest(await warningsOf(after))).toEqual(['app 11', 'app 10', 'app 9']);

  const slot = join(homeOf(directory, { ...before, hash: '000000000011cafe' }), 'slot-0');
  await writeFile(join(slot, 'wal-00000099.ndjson'), Buffer.alloc(17 * 1024 * 1024));
  const began = performance.now();
  const warnings = await warningsOf(after);
  expect(performance.now() - began).toBeLessThan(2_000);
  expect(warnings.find((text) => text.includes("'app 11'"))).toMatch(
    /^Writes may wait \(there is too much to be counted at start\) in /,
  );
});

test('folders that cannot be read keep no app from starting', async () => {
  const home = homeOf(directory, before);
  await (await leave(before, [{}])).close();
  await rm(join(home, 'slot-0'), { recursive: true });
  await writeFile(join(home, 'slot-0'), 'a file');
  await mkdir(join(directory, 'graphiti-0123'));
  await chmod(join(directory, 'graphiti-0123'), 0);
  expect(await warningsOf(after)).toEqual([]);
});

test('a name that came from a file writes no more than its line', async () => {
  await (await leave({ ...before, application: 'a\nb\u001b[2J' }, [{}])).close();
  const [warning] = await warningsOf(after);
  expect(warning).toContain("'a?b?[2J'");
  expect(warning).not.toContain('\n');
});
