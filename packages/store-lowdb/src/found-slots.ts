/** The slots below a folder, whichever level of the layout it is: a data folder, an identity's, or a slot. */

import { readdir, stat } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { codeOf } from './durable-file.ts';
import { ownerOf, ownerText } from './owner.ts';
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
  if (found.length === 0)
    throw new UsageError(
      `There is no store in ${path}: an app makes one with the first write that it queues, or the first answer that it caches`,
      'FALLBACK_NO_STORE',
    );
  return found;
}

/** The folders of identities that slots are in. */
export function homesOf(slots: readonly FoundSlot[]): string[] {
  return [...new Set(slots.map(({ home }) => home))];
}

/**
 * The folder of the only identity below a folder. One of an identity that has not stored anything yet may
 * be missing, if there is another of its manager beside it: an app with a new name begins so.
 *
 * @throws {UsageError} where there are none or several
 */
export async function onlyHomeIn(directory: string): Promise<string> {
  const path = resolve(directory);
  if (await isHomeToBe(path)) return path;
  const homes = homesOf(await slotsIn(path));
  const [home, ...others] = homes;
  if (home === undefined || others.length > 0)
    throw new UsageError(
      `Expected the folder of one identity, ${path} has ${homes.length}:\n${await listed(homes)}`,
    );
  return home;
}

/** Folders of identities with what they are, one a line. */
async function listed(homes: readonly string[]): Promise<string> {
  const lines = homes.map(async (home) => `  ${home}: ${ownerText(await ownerOf(home))}`);
  return (await Promise.all(lines)).join('\n');
}

async function isHomeToBe(path: string): Promise<boolean> {
  const [, manager] = /^(.+)-[0-9a-f]{12}$/.exec(basename(path)) ?? [];
  if (manager === undefined) return false;
  if (await stat(path).catch(() => undefined)) return false;
  const beside = await slotsIn(dirname(path)).catch(() => []);
  return homesOf(beside).some(
    (home) => dirname(home) === dirname(path) && basename(home).startsWith(`${manager}-`),
  );
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

/** The slots in an identity's folder; none where there is no folder. @throws the system's error */
export async function slotsOf(home: string): Promise<FoundSlot[]> {
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
