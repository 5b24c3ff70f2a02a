/** Copies what this package ships to where a person wants it. */

import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** What there is to export, by name. */
export const kinds: Readonly<Record<string, { what: string; paths: readonly string[] }>> = {
  grafana: { what: 'dashboards, to import or to provision', paths: ['grafana'] },
  sharing: { what: 'the same, which ask for their data source at import', paths: ['sharing'] },
  prometheus: { what: 'recording and alert rules', paths: ['prometheus'] },
  provisioning: { what: 'files by which Grafana finds them', paths: ['provisioning'] },
  compose: {
    what: 'all of it running: docker compose up (takes the rest with it)',
    paths: ['compose.yaml', 'compose', 'grafana', 'prometheus', 'provisioning'],
  },
};

const root = fileURLToPath(new URL('..', import.meta.url));

/** What is exported, and how. */
export interface ExportOptions {
  /** Names of {@link kinds}. @default all */
  readonly only?: readonly string[] | undefined;
  /** Whether files are overwritten that were changed. @default false */
  readonly force?: boolean;
}

/**
 * Writes the files and returns their paths.
 *
 * @throws {Error} before anything is written: when a kind is unknown, the folder is a file, or files that
 *   are there are not what would be written
 */
export function exportTo(folder: string, options: ExportOptions = {}): string[] {
  const { only = Object.keys(kinds), force = false } = options;
  const unknown = only.filter((kind) => !Object.hasOwn(kinds, kind));
  if (unknown.length > 0)
    throw new Error(`Expected some of ${Object.keys(kinds).join(', ')}, got '${unknown}'`);
  if (statSync(folder, { throwIfNoEntry: false })?.isFile())
    throw new Error(`Expected a folder, but '${folder}' is a file`);
  const paths = new Set(only.flatMap((kind) => kinds[kind]?.paths ?? []).flatMap(filesAt));
  const files = [...paths].map((path) => ({
    to: join(folder, path),
    content: readFileSync(join(root, path), 'utf8'),
  }));
  const changed = files.filter(({ to, content }) => (present(to) ?? content) !== content);
  if (changed.length > 0 && !force)
    throw new Error(
      `${changed.map(({ to }) => to).join(', ')}: there already, and not the same. Nothing was written; --force overwrites`,
    );
  for (const { to, content } of files) {
    mkdirSync(dirname(to), { recursive: true });
    writeFileSync(to, content);
  }
  return files.map(({ to }) => to);
}

function filesAt(path: string): string[] {
  if (statSync(join(root, path)).isFile()) return [path];
  return readdirSync(join(root, path)).flatMap((name) => filesAt(join(path, name)));
}

function present(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
