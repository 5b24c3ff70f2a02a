/** A folder that one writer holds. Each process of an identity has its own: slot-0, slot-1, … */

import { createHash } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Identity } from '@graphiti-fallback/core';
import { codeOf, makeFolder } from './durable-file.ts';
import { takeLock, type Unlock } from './lock.ts';
import { segmentsAmong } from './segment.ts';
import { previousName, snapshotName } from './snapshot-file.ts';

/** A slot that is held. */
export interface Slot {
  readonly name: string;
  /** Its path. */
  readonly folder: string;
  readonly release: Unlock;
}

/** The path of an identity's folder: equal for equal identities only, whatever their names hold. */
export function homeOf(directory: string, { manager, hash }: Identity): string {
  return join(directory, `${fileName(manager)}-${fileName(hash.slice(0, 12))}`);
}

/** Takes the first slot that is there and free; touches nothing else. @throws the system's error */
export async function takeSlot(home: string): Promise<Slot | undefined> {
  for (const name of await slotNames(home)) {
    const slot = await hold(home, name);
    if (slot) return slot;
  }
  return undefined;
}

/**
 * Takes a slot that holds nothing, and creates what is missing of it.
 *
 * One with records is passed over: they were never reported, and would be overwritten.
 *
 * @throws the system's error
 */
export async function createSlot(home: string): Promise<Slot> {
  await makeFolder(home);
  for (let number = 0; ; number += 1) {
    const name = `slot-${number}`;
    await makeFolder(join(home, name));
    const slot = await hold(home, name);
    if (!slot) continue;
    if (await isFresh(slot.folder)) return slot;
    slot.release();
  }
}

/** The names of an identity's slots, by number; none where there is no folder. @throws the system's error */
export async function slotNames(home: string): Promise<string[]> {
  const names = await readdir(home).catch((error: unknown) => {
    if (codeOf(error) === 'ENOENT') return [];
    throw error;
  });
  const number = (name: string) => Number(name.slice('slot-'.length));
  return names.filter((name) => /^slot-\d+$/.test(name)).sort((a, b) => number(a) - number(b));
}

/** Holds one slot, unless another does. @throws the system's error */
export async function hold(home: string, name: string): Promise<Slot | undefined> {
  const folder = join(home, name);
  const release = await takeLock(join(folder, 'lock.db'));
  return release && { name, folder, release };
}

async function isFresh(folder: string): Promise<boolean> {
  const files = await readdir(folder);
  const taken = files.includes(snapshotName) || files.includes(previousName);
  return !taken && segmentsAmong(files).length === 0;
}

/** Plain names stay as they are; of any other a readable part, and a hash that tells it from all others. */
function fileName(text: string): string {
  if (/^[a-z0-9_][a-z0-9_-]{0,39}$/.test(text)) return text;
  const readable = text
    .toLowerCase()
    .replace(/[^a-z0-9_-]+/g, '_')
    .slice(0, 40);
  return `${readable}~${createHash('sha256').update(text).digest('hex').slice(0, 12)}`;
}
