/** The slots below a folder, whichever level of the layout it is: a data folder, an identity's, or a slot. */

import { readdir } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { codeOf } from './durable-file.ts';
import { hold, slotNames } from './slot.ts';

/** A slot, and whose it is. */
export interface FoundSlot {
  /** Path of the identity's folder. */
  readonly home: string;
  readonly name: string;
  readonly folder: string;
}

/** A mistake of the one who called, in words. */
export class UsageError extends Error {
  readonly code: 'FALLBACK_NO_STORE' | 'FALLBACK_USAGE';

  constructor(message: string, code: UsageError['code'] = 'FALLBACK_USAGE') {
    super(message);
    this.code = code;
  }
}

/** Finds the slots. @throws {UsageError} where there is no such folder, or none in it */
export async function slotsIn(directory: string): Promise<readonly FoundSlot[]> {
  const path = resolve(directory);
  const names = await namesIn(path);
  if (/^slot-\d+$/.test(basename(path)))
    return [{ home: dirname(path), name: basename(path), folder: path }];
  const own = await slotsOf(path);
  if (own.length > 0) return own;
  const below = await Promise.all(names.map((name) => slotsOf(join(path, name)).catch(() => [])));
  const found = below.flat();
  if (found.length === 0) throw new UsageError(`There is no store in ${path}`, 'FALLBACK_NO_STORE');
  return found;
}

/** The folder of the only identity below a folder. @throws {UsageError} where there are none or several */
export async function onlyHomeIn(directory: string): Promise<string> {
  const homes = [...new Set((await slotsIn(directory)).map(({ home }) => home))];
  const [home, ...others] = homes;
  if (home === undefined || others.length > 0)
    throw new UsageError(
      `Expected the folder of one identity, got ${homes.length}: ${homes.join(', ')}`,
    );
  return home;
}

/** Whether a process holds a slot; nothing where that cannot be told. */
export async function isHeld({ home, name }: FoundSlot): Promise<boolean | undefined> {
  try {
    const slot = await hold(home, name);
    slot?.release();
    return slot === undefined;
  } catch {
    return undefined;
  }
}

async function slotsOf(home: string): Promise<FoundSlot[]> {
  return (await slotNames(home)).map((name) => ({ home, name, folder: join(home, name) }));
}

async function namesIn(path: string): Promise<string[]> {
  try {
    return (await readdir(path)).sort();
  } catch (error) {
    const code = codeOf(error);
    const reason = code === 'ENOENT' ? 'There is no folder' : `${code}: cannot read`;
    throw new UsageError(`${reason} ${path}`, 'FALLBACK_NO_STORE');
  }
}
