/** A lock that ends with its process, however that ends: an exclusive transaction of SQLite on an empty file. */

import { access, chmod, constants } from 'node:fs/promises';
import { dirname } from 'node:path';
import { types } from 'node:util';
import { codeOf } from './durable-file.ts';
import { quarantine } from './quarantine.ts';

/** Lets go of a lock. Safe to repeat. */
export type Unlock = () => void;

/** SQLite's result codes. */
const busy = 5;
const notADatabase = 26;

/**
 * Takes the lock of a file, which is created where it is missing, or resolves with nothing when it is
 * held: by another process, or within this one.
 *
 * Nobody may open this file by other means: POSIX drops a process's locks when it closes any
 * descriptor of the file.
 *
 * @throws the system's or SQLite's error when there can be no lock here
 */
export async function takeLock(path: string): Promise<Unlock | undefined> {
  await assertWritable(path);
  const { DatabaseSync } = sqlite();
  const database = new DatabaseSync(path);
  try {
    database.exec('PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE');
    await chmod(path, 0o600);
  } catch (error) {
    database.close();
    if (codeIs(error, busy)) return undefined;
    if (!codeIs(error, notADatabase)) throw error;
    // Nobody can hold what is no database: it is kept aside, and a new one is made.
    await quarantine(path, 'damaged');
    return takeLock(path);
  }
  return () => {
    if (database.isOpen) database.close();
  };
}

/** SQLite falls back to a shared lock on what it may not write, without a word. */
async function assertWritable(path: string): Promise<void> {
  await access(dirname(path), constants.R_OK | constants.W_OK | constants.X_OK);
  await access(path, constants.R_OK | constants.W_OK).catch((error: unknown) => {
    if (codeOf(error) !== 'ENOENT') throw error;
  });
}

/** Loaded at first use, and without the warning that Node 22 prints: the lock relies on nothing unstable. */
function sqlite(): typeof import('node:sqlite') {
  const { emitWarning } = process;
  process.emitWarning = (warning: string | Error, ...rest: unknown[]) => {
    if (String(warning).startsWith('SQLite is an experimental feature')) return;
    Reflect.apply(emitWarning, process, [warning, ...rest]);
  };
  try {
    const found = process.getBuiltinModule('node:sqlite');
    if (!found)
      throw Object.assign(new Error('Node was built without SQLite'), { code: 'ERR_NO_SQLITE' });
    return found;
  } finally {
    process.emitWarning = emitWarning;
  }
}

function codeIs(error: unknown, code: number): boolean {
  if (!types.isNativeError(error) || !('errcode' in error)) return false;
  return (Number(error.errcode) & 0xff) === code;
}
