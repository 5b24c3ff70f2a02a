/** Where damaged files are kept: `<slot>/quarantine/<name>.<time>.<reason>`, and nothing is ever deleted. */

import { chmod, constants, copyFile, open, readFile, rename, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { makeFolder, syncFolder } from './durable-file.ts';

/** Moves a file into quarantine; resolves with its new path. @throws the system's error */
export async function quarantine(path: string, reason: string): Promise<string> {
  const target = await placeFor(path, reason);
  await rename(path, target);
  await syncFolder(dirname(target));
  await syncFolder(dirname(path));
  return target;
}

/** Keeps a copy of a file in quarantine; resolves with its path. @throws the system's error */
export async function keepCopy(path: string, reason: string): Promise<string> {
  const target = await placeFor(path, reason);
  await copyFile(path, target, constants.COPYFILE_EXCL);
  await chmod(target, 0o600); // the original may be open to others
  const copy = await open(target, 'r+');
  await copy.sync().finally(() => copy.close());
  await syncFolder(dirname(target));
  return target;
}

/** Keeps the end of a file in quarantine, from a position on; resolves with its path. @throws the system's error */
export async function keepPart(path: string, from: number, reason: string): Promise<string> {
  const target = await placeFor(path, reason);
  const part = (await readFile(path)).subarray(from);
  await writeFile(target, part, { mode: 0o600, flag: 'wx', flush: true });
  await syncFolder(dirname(target));
  return target;
}

async function placeFor(path: string, reason: string): Promise<string> {
  const folder = join(dirname(path), 'quarantine');
  await makeFolder(folder);
  const time = new Date().toISOString().replaceAll(':', '-'); // no colons in names on Windows
  return join(folder, `${basename(path)}.${time}.${reason}`);
}
