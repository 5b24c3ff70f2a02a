/** Writes that wait under another name of the app: nobody replays them, and nothing else would tell. */

import { readdir, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { Identity } from '@graphiti-fallback/core';
import { isHeld } from './found-slots.ts';
import { type Owner, ownerOf, printable } from './owner.ts';
import { isPending } from './pending.ts';
import { look } from './recovery.ts';
import { slotNames } from './slot.ts';

/** What a start may cost, whatever lies there: only the newest folders are looked into. */
const most = {
  folders: 256,
  owners: 64,
  looks: 8,
  slots: 32,
  bytes: 16 * 1024 * 1024,
  warnings: 3,
} as const;

/** Folders that were looked into, and what may still be read. */
interface Budget {
  bytes: number;
}

/** What waits in a folder. */
interface Waiting {
  readonly count: number;
  /** Not everything was read: there may be more. */
  readonly more: boolean;
}

/**
 * Warns of folders beside an identity's own, of the same manager and upstream but another application,
 * which hold pending operations and which no process holds. Never rejects.
 */
export async function warnOfStrays(home: string, identity: Identity): Promise<string[]> {
  const warnings: string[] = [];
  if (identity.application === undefined) return warnings;
  const budget: Budget = { bytes: most.bytes };
  for (const sibling of await siblingsOf(home, identity)) {
    const waiting = await waitingIn(sibling.home, budget).catch(() => undefined);
    if (waiting) warnings.push(textOf(sibling, waiting, home, identity.application));
    if (warnings.length === most.warnings || budget.bytes <= 0) break;
  }
  return warnings;
}

interface Sibling {
  readonly home: string;
  readonly owner: Owner;
}

/** The newest folders that are another application's with the same manager and upstream. */
async function siblingsOf(home: string, identity: Identity): Promise<Sibling[]> {
  const siblings: Sibling[] = [];
  for (const each of (await newestBeside(home)).slice(0, most.owners)) {
    const owner = await ownerOf(each);
    const same = owner?.manager === identity.manager && owner.upstream === identity.upstream;
    if (owner && same && owner.application !== identity.application)
      siblings.push({ home: each, owner });
    if (siblings.length === most.looks) break;
  }
  return siblings;
}

/** The folders of a manager's other identities, the one that was written last first. */
async function newestBeside(home: string): Promise<string[]> {
  const [directory, own] = [dirname(home), basename(home)];
  const prefix = own.slice(0, own.lastIndexOf('-') + 1);
  const names = (await readdir(directory).catch(() => [])).filter(
    (name) =>
      name !== own && name.startsWith(prefix) && /^[0-9a-f]+$/.test(name.slice(prefix.length)),
  );
  const dated = names.slice(0, most.folders).map(async (name) => {
    const path = join(directory, name);
    const { mtimeMs } = await stat(join(path, 'slot-0')).catch(() => ({ mtimeMs: 0 }));
    return { path, mtimeMs };
  });
  return (await Promise.all(dated)).sort((a, b) => b.mtimeMs - a.mtimeMs).map(({ path }) => path);
}

/** What waits in a folder; nothing where nothing does, or a process holds it. @throws the system's error */
async function waitingIn(home: string, budget: Budget): Promise<Waiting | undefined> {
  const names = (await slotNames(home)).slice(0, most.slots);
  let count = 0;
  let more = false;
  for (const name of names) {
    const folder = join(home, name);
    const bytes = await bytesIn(folder);
    if (bytes > budget.bytes) {
      more = true;
      continue;
    }
    budget.bytes -= bytes;
    const { records } = await look(folder);
    for (const [, value] of records.entries('queue')) if (isPending(value)) count += 1;
  }
  if (count === 0 && !more) return undefined;
  // Looked at last, and let go at once: a process that starts now must find its slot free.
  for (const name of names) {
    const held = await isHeld({ home, name, folder: join(home, name) });
    if (held !== false) return undefined; // it replays them, or nobody can tell
  }
  return { count, more };
}

/** Bytes of the files that would be read. */
async function bytesIn(folder: string): Promise<number> {
  const names = (await readdir(folder)).filter((name) => /\.(json|ndjson)$/.test(name));
  const sizes = await Promise.all(names.map(async (name) => (await stat(join(folder, name))).size));
  return sizes.reduce((sum, size) => sum + size, 0);
}

function textOf(
  { home, owner }: Sibling,
  { count, more }: Waiting,
  own: string,
  application: string,
): string {
  const [then, now] = [printable(owner.application), printable(application)];
  const where = owner.upstream === undefined ? '' : ` for ${printable(owner.upstream)}`;
  return [
    `${amount(count, more)} in ${home} under the application '${then}'${where}, and no process of that name runs to send ${count === 1 && !more ? 'it' : 'them'}.`,
    `If '${now}' was called so before: set \`application: '${then}'\`,`,
    `or move what waits: ${command('export', home)} | ${command('import', own)}, and remove the old folder.`,
  ].join(' ');
}

function amount(count: number, more: boolean): string {
  if (count === 0) return 'Writes may wait (there is too much to be counted at start)';
  return `${more ? 'At least ' : ''}${count} ${count === 1 && !more ? 'write waits' : 'writes wait'}`;
}

function command(name: 'export' | 'import', path: string): string {
  const word = /^[\w./~-]+$/.test(path) ? path : `'${path.replaceAll("'", "'\\''")}'`;
  return `npx @graphiti-fallback/store-lowdb ${name} ${word}`;
}
