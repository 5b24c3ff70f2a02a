import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { lowdbStore } from './store.ts';
import { temporary } from './temporary.test.support.ts';

test.each([
  [{}, 'Expected `directory` to be a path of a folder, got undefined'],
  [{ directory: 3 }, 'Expected `directory` to be a path of a folder, got 3'],
  [{ directory: ' ' }, 'Expected `directory` to be a path of a folder, got " "'],
  [{ directory: '/tmp/x', dir: 1 }, 'Unknown option `dir`'],
  [undefined, "Expected options such as { directory: './data' }, got undefined"],
])('refuses options %j', (options, message) => {
  expect(() => lowdbStore(options as never)).toThrow(message);
  expect(() => lowdbStore(options as never)).toThrow(TypeError);
});

test('refuses a file where the folder should be, naming it', async () => {
  const path = join(await temporary(), 'db.json');
  await writeFile(path, '{}');
  expect(() => lowdbStore({ directory: path })).toThrow(
    `Expected \`directory\` to be a path of a folder, got ${path}, which is a file`,
  );
});
