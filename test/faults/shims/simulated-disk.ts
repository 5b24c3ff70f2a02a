/**
 * A disk that keeps what was synced, and nothing else, in the folder FAULT_DISK: what a power cut would
 * leave of the folder FAULT_ROOT, as a strict reading of POSIX allows. The bytes of a file are on it after
 * a sync of the file, or a write through O_DSYNC; names are on it after a sync of their folder. Caches of
 * real disks, and filesystems that keep more, are kinder.
 *
 * The process is killed at any point, here too: at none may something be gone that was on the disk.
 */

import {
  appendFileSync,
  closeSync,
  copyFileSync,
  existsSync,
  ftruncateSync,
  linkSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import fs, { constants, type FileHandle, open } from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';
import { join, relative, resolve } from 'node:path';

type Method = (this: FileHandle, ...args: unknown[]) => Promise<unknown>;

const root = resolve(process.env.FAULT_ROOT ?? '');
const disk = resolve(process.env.FAULT_DISK ?? '');
const names = join(disk, 'names');
const contents = join(disk, 'contents');

interface Opened {
  readonly path: string;
  readonly synced: boolean;
}
const opened = new WeakMap<FileHandle, Opened>();

mkdirSync(names, { recursive: true });
mkdirSync(contents, { recursive: true });
adopt(root);

/** What is there at the start has been there for long. */
function adopt(folder: string): void {
  if (!existsSync(folder)) return;
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) adopt(path);
    else copyFileSync(path, contentOf(path));
  }
  keepNames(folder);
}

function contentOf(path: string): string {
  return join(contents, String(statSync(path).ino));
}

/** The names of a folder, as they are now, get onto the disk. */
function keepNames(folder: string): void {
  const kept = join(names, relative(root, folder));
  mkdirSync(kept, { recursive: true });
  const present = readdirSync(folder, { withFileTypes: true });
  for (const name of readdirSync(kept))
    if (!present.some((entry) => entry.name === name))
      rmSync(join(kept, name), { recursive: true });
  for (const entry of present) {
    const target = join(kept, entry.name);
    if (entry.isDirectory()) mkdirSync(target, { recursive: true });
    else {
      const content = contentOf(join(folder, entry.name));
      if (!existsSync(content)) writeFileSync(content, '');
      if (existsSync(target) && statSync(target).ino === statSync(content).ino) continue;
      const fresh = join(contents, 'fresh');
      rmSync(fresh, { force: true });
      linkSync(content, fresh);
      renameSync(fresh, target);
    }
  }
}

/** In place, for names on the disk are links to it; and over what is there, which must not be gone meanwhile. */
function keepBytes(path: string): void {
  const bytes = readFileSync(path);
  const content = openSync(contentOf(path), constants.O_WRONLY | constants.O_CREAT);
  for (let at = 0; at < bytes.length; ) at += writeSync(content, bytes, at, undefined, at);
  ftruncateSync(content, bytes.length);
  closeSync(content);
}

const realOpen = fs.open;
fs.open = async (path, flags, mode) => {
  const handle = await realOpen(path, flags, mode);
  const synced = typeof flags === 'number' && (flags & constants.O_DSYNC) !== 0;
  // The system gives the number of a file that is gone to a new one.
  const isNew = typeof flags === 'number' ? (flags & constants.O_CREAT) !== 0 : flags === 'w';
  if (isNew && resolve(String(path)).startsWith(root))
    rmSync(contentOf(String(path)), { force: true });
  opened.set(handle, { path: resolve(String(path)), synced });
  return handle;
};

const handle = await open('/dev/null');
const prototype: Record<string, Method> = Object.getPrototypeOf(handle);
await handle.close();

for (const name of ['sync', 'datasync']) {
  const real = prototype[name] as Method;
  prototype[name] = async function () {
    const result = await Reflect.apply(real, this, []);
    const { path } = opened.get(this) ?? {};
    if (!path?.startsWith(root)) return result;
    if (statSync(path).isDirectory()) keepNames(path);
    else keepBytes(path);
    return result;
  };
}
const write = prototype.write as Method;
prototype.write = async function (bytes, at = 0, ...more) {
  const written = await Reflect.apply(write, this, [bytes, at, ...more]);
  const { path, synced } = opened.get(this) ?? {};
  if (synced && path?.startsWith(root)) {
    const { bytesWritten } = written as { bytesWritten: number };
    const from = Number(at);
    appendFileSync(contentOf(path), (bytes as Uint8Array).subarray(from, from + bytesWritten));
  }
  return written;
};
syncBuiltinESMExports();
