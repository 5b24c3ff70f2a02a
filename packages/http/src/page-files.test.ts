import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect, onTestFinished, test } from 'vitest';
import { readPageFiles } from './page-files.ts';

function folderOf(files: Readonly<Record<string, string>>): URL {
  const folder = mkdtempSync(join(tmpdir(), 'page-files-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  mkdirSync(join(folder, 'panels'));
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  return pathToFileURL(`${folder}/`);
}

const styles = '/* The live page of graphiti-fallback. */';

test('scripts and styles are found where they are, and nothing else', () => {
  const files = { 'page.css': styles, 'main.js': '', 'panels/queue.js': '', 'main.js.map': '{}' };
  const none = new URL('./none/', import.meta.url);
  expect([...readPageFiles([none, folderOf(files)]).keys()].sort()).toEqual([
    'main.js',
    'page.css',
    'panels/queue.js',
  ]);
});

test("a folder of the app that is called page is not served, and it is said that the page's files are missing", async () => {
  const warned = new Promise<Error>((resolve) => process.once('warning', resolve));
  const theirs = folderOf({ 'page.css': 'body {}', 'main.js': '', 'secret.js': '' });
  expect(readPageFiles([theirs]).size).toBe(0);
  expect((await warned).message).toContain('Copy the folder');
});
