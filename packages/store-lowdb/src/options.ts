/** What a user may choose, checked when the store is made. */

import { type Stats, statSync } from 'node:fs';
import { resolve } from 'node:path';

/** Options of `lowdbStore`. */
export interface LowdbStoreOptions {
  /**
   * The folder that the store may use, created at the first commit. Apps and processes may share one:
   * each identity and each process has a folder of its own in it.
   */
  readonly directory: string;
}

const known: readonly string[] = ['directory'] satisfies (keyof LowdbStoreOptions)[];

/**
 * Checks options and makes the folder's path absolute.
 *
 * @throws {TypeError} for an unknown option, or a `directory` that is no path of a folder
 */
export function checkOptions(options: LowdbStoreOptions): LowdbStoreOptions {
  if (typeof options !== 'object' || options === null) {
    throw new TypeError(`Expected options such as { directory: './data' }, got ${shown(options)}`);
  }
  const unknown = Object.keys(options).find((name) => !known.includes(name));
  if (unknown !== undefined) {
    throw new TypeError(`Unknown option \`${unknown}\`; a lowdb store has ${known.join(', ')}`);
  }
  const { directory } = options;
  if (typeof directory !== 'string' || directory.trim() === '' || directory.includes('\0')) {
    throw expected(shown(directory));
  }
  const path = resolve(directory);
  const found = lookUp(path);
  if (found && !found.isDirectory()) throw expected(`${path}, which is a file`);
  return { directory: path };
}

/** What cannot be looked at now is no mistake in the options: the store's status will tell. */
function lookUp(path: string): Stats | undefined {
  try {
    return statSync(path, { throwIfNoEntry: false });
  } catch {
    return undefined;
  }
}

function expected(got: string): TypeError {
  return new TypeError(`Expected \`directory\` to be a path of a folder, got ${got}`);
}

function shown(value: unknown): string {
  return JSON.stringify(value) ?? String(value);
}
