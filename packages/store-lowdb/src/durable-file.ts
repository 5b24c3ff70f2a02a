/** Files that are whole or not there, and on the disk once a call has resolved. */

import { link, mkdir, open, rename, rm, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { types } from 'node:util';

/**
 * Replaces the file at `path` by the bytes of `chunks`; what was there lives on at `previous`.
 * Resolves with the number of bytes, once a power cut would change nothing any more.
 *
 * A failure leaves either content, whole, at `path`: when only the last step fails, the new one.
 *
 * @throws the system's error
 */
export async function replaceFile(
  path: string,
  chunks: Iterable<Uint8Array>,
  previous: string,
): Promise<number> {
  const temporary = `${path}.tmp`;
  try {
    const bytes = await writeAll(temporary, chunks);
    const keep = await holdOn(path, previous);
    await rename(temporary, path);
    await keep();
    await syncFolder(dirname(path));
    return bytes;
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => {}); // gives a full disk its room back
    throw error;
  }
}

/** Creates a folder with those above it, for this user only, and makes their names last. @throws the system's error */
export async function makeFolder(path: string): Promise<void> {
  const parent = dirname(path);
  try {
    await makeOne(path);
  } catch (error) {
    if (codeOf(error) !== 'ENOENT' || parent === path) throw error;
    // Not by mkdir's `recursive`: below /proc it never settles.
    await makeFolder(parent);
    await makeOne(path);
  }
  await syncFolder(parent).catch(ignoreUnreadable);
}

async function makeOne(path: string): Promise<void> {
  await mkdir(path, { mode: 0o700 }).catch(async (error: unknown) => {
    if (codeOf(error) === 'EEXIST' && (await stat(path)).isDirectory()) return;
    throw error;
  });
}

/** Makes the names in a folder last through a power cut. @throws the system's error */
export async function syncFolder(path: string): Promise<void> {
  if (process.platform === 'win32') return; // cannot open folders, and needs no sync
  const folder = await open(path, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

async function writeAll(path: string, chunks: Iterable<Uint8Array>): Promise<number> {
  const file = await open(path, 'w', 0o600);
  let total = 0;
  try {
    for (const chunk of chunks) {
      for (let at = 0; at < chunk.length; ) {
        const { bytesWritten } = await file.write(chunk, at);
        if (bytesWritten === 0)
          throw Object.assign(new Error(`${path} takes no bytes`), { code: 'EIO' });
        at += bytesWritten; // a full disk takes a part, and says so at the next write
      }
      total += chunk.length;
    }
    await file.sync();
  } finally {
    await file.close();
  }
  return total;
}

/**
 * Holds on to what is at `path` by a hard link under another name, and resolves with how to make that the
 * previous one. So there is no moment without `path`, nor without `previous`, nor one in which both are
 * one file that can rot.
 */
async function holdOn(path: string, previous: string): Promise<() => Promise<void>> {
  const temporary = `${previous}.tmp`;
  await rm(temporary, { force: true });
  try {
    await link(path, temporary);
  } catch (error) {
    const code = codeOf(error);
    if (code === 'ENOENT') return async () => {};
    if (!withoutLinks.has(code)) throw error;
    await rename(path, previous); // a moment without `path`: `previous` is then what is read
    return async () => {};
  }
  return () => rename(temporary, previous);
}

const withoutLinks = new Set(['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK']);

/** The system's name of an error (`ENOSPC`, …), or that of its class. */
export function codeOf(error: unknown): string {
  if (!types.isNativeError(error)) return 'UNKNOWN'; // in Jest, Node's are of another class Error
  return 'code' in error && typeof error.code === 'string' ? error.code : error.name;
}

/** A folder above ours may be closed to readers; its owner answers for it. */
function ignoreUnreadable(error: unknown): void {
  if (codeOf(error) !== 'EACCES') throw error;
}
