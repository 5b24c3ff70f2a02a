/** Whose a folder is, in words: its name has the application and the upstream as a hash only. */

import { randomUUID } from 'node:crypto';
import { open, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Identity } from '@graphiti-fallback/core';
import { syncFolder } from './durable-file.ts';

/** The file in an identity's folder. */
const ownerName = 'identity.json';

/** What an identity was made of. */
export interface Owner {
  readonly manager: string;
  readonly application: string;
  readonly upstream?: string;
}

/**
 * Writes down whose a folder is, where that is not there yet. Never rejects: it is for people, and
 * nothing is read by it.
 */
export async function recordOwner(home: string, identity: Identity): Promise<void> {
  const { manager, application, upstream } = identity;
  if (application === undefined || (await ownerOf(home))) return;
  const owner: Owner = { manager, application, ...(upstream !== undefined && { upstream }) };
  // A name of its own: other processes of the app may do the same now.
  const temporary = join(home, `${ownerName}.${randomUUID()}.tmp`);
  try {
    const file = await open(temporary, 'wx', 0o600);
    try {
      await file.writeFile(`${JSON.stringify(owner, null, 2)}\n`);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, join(home, ownerName));
    await syncFolder(home);
  } catch {
    await rm(temporary, { force: true }).catch(() => {});
  }
}

/** Whose a folder is; nothing where nobody wrote it down. Never rejects. */
export async function ownerOf(home: string): Promise<Owner | undefined> {
  try {
    const found = JSON.parse(await readFile(join(home, ownerName), 'utf8')) as Partial<Owner>;
    const { manager, application, upstream } = found;
    const sound =
      [manager, application].every((each) => typeof each === 'string') &&
      ['string', 'undefined'].includes(typeof upstream);
    return sound ? (found as Owner) : undefined;
  } catch {
    return undefined;
  }
}

/** An owner in a line; the folder's own name where nobody wrote it down. */
export function ownerText(owner: Owner | undefined): string {
  if (!owner) return 'not written down';
  const { manager, application, upstream } = owner;
  const where = upstream === undefined ? 'without an upstream' : `upstream ${printable(upstream)}`;
  return `manager ${printable(manager)}, application '${printable(application)}', ${where}`;
}

/** What came from a file must not write more than its line. */
export function printable(text: string): string {
  return text.replace(/\p{Cc}/gu, '?');
}
