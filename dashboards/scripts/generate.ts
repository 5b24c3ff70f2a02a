/** Writes the dashboards and rules; with `--check`, fails where a file is not what the code says. */

import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { artefacts } from './artefacts.ts';

/** Folders that hold nothing else. */
const generated = ['grafana', 'sharing', 'prometheus'];
const root = fileURLToPath(new URL('..', import.meta.url));
const files = artefacts();

const wrong = [...files].filter(([path, content]) => present(path) !== content);
const left = generated.flatMap(filesIn).filter((path) => !files.has(path));

if (process.argv.includes('--check')) {
  const paths = [...wrong.map(([path]) => path), ...left];
  if (paths.length > 0) {
    console.error(`Not what the code says: ${paths.join(', ')}. npm run generate`);
    process.exitCode = 1;
  }
} else {
  for (const [path, content] of wrong) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), content);
  }
  for (const path of left) rmSync(join(root, path));
}

function present(path: string): string | undefined {
  try {
    return readFileSync(join(root, path), 'utf8');
  } catch {
    return undefined;
  }
}

function filesIn(folder: string): string[] {
  try {
    return readdirSync(join(root, folder)).map((name) => `${folder}/${name}`);
  } catch {
    return [];
  }
}
