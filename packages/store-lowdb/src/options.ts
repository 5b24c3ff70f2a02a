/** What a user may choose, checked when the store is made. */

import { type Stats, statSync } from 'node:fs';
import { resolve } from 'node:path';
import { checkOptions, oneOf, text, wholeNumber } from '@graphiti-fallback/core';

/** Options of `lowdbStore`. */
export interface LowdbStoreOptions {
  /**
   * The folder that the store may use, created at the first commit. Apps and processes may share one:
   * each identity and each process has a folder of its own in it.
   */
  readonly directory: string;
  /**
   * What becomes of a commit that the disk does not take: it is refused with the system's code, or kept in
   * memory, which its receipt says, and written when the disk takes it. @default 'refuse'
   */
  readonly onUnwritable?: 'refuse' | 'memory';
  /**
   * What a person sets to choose the folder, such as the name of a variable: for messages.
   * @default '`directory` of lowdbStore'
   */
  readonly setting?: string;
  /** How large a file of the journal grows before the next one begins, in bytes. @default 8,388,608 (8 MiB) */
  readonly segmentBytes?: number;
  /** How much the journal holds before a snapshot is written, in bytes. @default 67,108,864 (64 MiB) */
  readonly checkpointBytes?: number;
}

/** What bounds a store. */
export interface Limits extends Required<LowdbStoreOptions> {
  /** What one write takes, unless a single commit is larger. */
  readonly batchBytes: number;
  /** What waits to be written, before lazy commits wait too. */
  readonly waitingBytes: number;
  /** What is kept in all: plain lowdb cannot open a snapshot of 512 MiB. */
  readonly keptBytes: number;
}

const mebibyte = 1024 * 1024;

const defaults = {
  onUnwritable: 'refuse',
  setting: '`directory` of lowdbStore',
  segmentBytes: 8 * mebibyte,
  checkpointBytes: 64 * mebibyte,
  batchBytes: mebibyte,
  waitingBytes: 8 * mebibyte,
  keptBytes: 400 * mebibyte,
} as const;

/**
 * Checks options, adds defaults and makes the folder's path absolute.
 *
 * @throws {TypeError} for an unknown option, or a `directory` that is no path of a folder
 */
export function limitsOf(options: LowdbStoreOptions): Limits {
  if (typeof options !== 'object' || options === null) {
    throw new TypeError(`Expected options such as { directory: './data' }, got ${shown(options)}`);
  }
  checkOptions('lowdbStore', options, {
    directory: () => undefined, // below, with what is there
    onUnwritable: oneOf('refuse', 'memory'),
    setting: text,
    segmentBytes: wholeNumber(4096),
    checkpointBytes: wholeNumber(4096),
  });
  const { directory } = options;
  if (typeof directory !== 'string' || directory.trim() === '' || directory.includes('\0')) {
    throw expected(shown(directory));
  }
  const path = resolve(directory);
  const found = lookUp(path);
  if (found && !found.isDirectory()) throw expected(`${path}, which is a file`);
  const given = Object.entries(options).filter(([, value]) => value !== undefined);
  return { ...defaults, ...Object.fromEntries(given), directory: path };
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
