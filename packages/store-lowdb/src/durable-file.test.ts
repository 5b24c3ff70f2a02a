import { readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { runInNewContext } from 'node:vm';
import { beforeEach, expect, test } from 'vitest';
import { codeOf, makeFolder, replaceFile } from './durable-file.ts';
import { failHandles, failOnce, writeInParts } from './faults.test.support.ts';
import { temporary } from './temporary.test.support.ts';

let folder: string;
beforeEach(async () => {
  folder = await temporary();
});

const text = (name: string) => readFile(join(folder, name), 'utf8');
const replace = (content: string) =>
  replaceFile(join(folder, 'db.json'), [Buffer.from(content)], join(folder, 'db.prev.json'));

test('a replaced file lives on as the previous one, and says its size', async () => {
  await replace('first');
  await replace('second');
  expect(await replace('third one')).toBe(9);
  expect([await text('db.json'), await text('db.prev.json')]).toEqual(['third one', 'second']);
  expect(await readdir(folder)).toEqual(['db.json', 'db.prev.json']);
});

test('all bytes get out even when each write takes only some', async () => {
  await writeInParts(3);
  await replace('0123456789');
  expect(await text('db.json')).toBe('0123456789');
});

test.each([
  ['write', 'ENOSPC', 1],
  ['sync', 'EIO', 1],
] as const)('a failing %s leaves the old content, and no litter', async (method, code, call) => {
  await replace('old');
  await failHandles(method, code, [call]);
  await expect(replace('new')).rejects.toMatchObject({ code });
  expect(await text('db.json')).toBe('old');
  expect(await readdir(folder)).toEqual(['db.json']);
});

test('it is not done before the folder is synced', async () => {
  await failHandles('sync', 'EIO', [2]);
  await expect(replace('new')).rejects.toMatchObject({ code: 'EIO' });
});

test('a failing rename leaves the old content', async () => {
  await replace('old');
  await replace('newer');
  failOnce('rename', 'EIO');
  await expect(replace('newest')).rejects.toMatchObject({ code: 'EIO' });
  expect(await text('db.json')).toBe('newer');
  await replace('newest');
  expect([await text('db.json'), await text('db.prev.json')]).toEqual(['newest', 'newer']);
});

test('where a filesystem knows no hard links, the previous generation is kept all the same', async () => {
  await replace('first');
  failOnce('link', 'EPERM');
  await replace('second');
  expect([await text('db.json'), await text('db.prev.json')]).toEqual(['second', 'first']);
});

test('what a killed process left half written is in nobody’s way', async () => {
  await replace('first');
  await writeFile(join(folder, 'db.json.tmp'), 'half');
  await writeFile(join(folder, 'db.prev.json.tmp'), 'half');
  await replace('second');
  expect([await text('db.json'), await text('db.prev.json')]).toEqual(['second', 'first']);
});

test('folders and files are for this user only', async () => {
  await makeFolder(join(folder, 'a/b'));
  await replaceFile(join(folder, 'a/b/db.json'), [Buffer.from('x')], join(folder, 'a/b/prev'));
  const modes = await Promise.all(
    ['a', 'a/b', 'a/b/db.json'].map(async (name) => (await stat(join(folder, name))).mode & 0o777),
  );
  expect(modes).toEqual([0o700, 0o700, 0o600]);
});

test('a folder where none can be made is an error, and not a wait for ever', async () => {
  await expect(makeFolder('/proc/graphiti-fallback/deep')).rejects.toMatchObject({
    code: 'ENOENT',
  });
});

test('the code of an error is known where Error is another class, as in Jest', () => {
  const foreign = runInNewContext("Object.assign(new Error('gone'), { code: 'ENOENT' })");
  expect(foreign).not.toBeInstanceOf(Error);
  expect(codeOf(foreign)).toBe('ENOENT');
});
