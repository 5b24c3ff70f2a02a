/** What a folder's filesystem means for what is kept there. */

import { access, constants, stat, statfs } from 'node:fs/promises';
import { dirname } from 'node:path';
import { codeOf } from './durable-file.ts';

/** By the magic number of statfs(2), Linux. */
const unfit: ReadonlyMap<number, string> = new Map([
  [0x6969, 'NFS, a network filesystem: its locks and syncs cannot be relied on'],
  [0x517b, 'SMB, a network filesystem: its locks and syncs cannot be relied on'],
  [0xff534d42, 'SMB, a network filesystem: its locks and syncs cannot be relied on'],
  [0xfe534d42, 'SMB, a network filesystem: its locks and syncs cannot be relied on'],
  [0x01021994, 'tmpfs, in memory: nothing there survives a restart of the machine'],
  [0x858458f6, 'ramfs, in memory: nothing there survives a restart of the machine'],
  [0x794c7630, "overlayfs, a container's layer: it goes when the container goes"],
]);

/**
 * Says whether a folder could be written, or created, and warns where what is written would not last.
 * Touches nothing.
 *
 * @throws the system's error when it cannot be written
 */
export async function inspectFolder(path: string): Promise<string[]> {
  const existing = await nearest(path);
  await access(existing, constants.W_OK | constants.X_OK);
  const kind = await kindOf(existing);
  return kind ? [`${path} is on ${kind}.`] : [];
}

async function nearest(path: string): Promise<string> {
  try {
    await stat(path);
    return path;
  } catch (error) {
    if (codeOf(error) !== 'ENOENT' || path === dirname(path)) throw error;
    return nearest(dirname(path));
  }
}

async function kindOf(path: string): Promise<string | undefined> {
  if (process.platform !== 'linux') return undefined; // others number their filesystems differently
  const { type } = await statfs(path);
  return unfit.get(type >>> 0);
}
