/** A disk whose power can be cut: an ext4 on a loop device is shut down without its journal being flushed. */

import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
/** EXT4_IOC_SHUTDOWN with EXT4_GOING_FLAGS_NOLOGFLUSH, once a line comes. */
const shutDown = `import fcntl, os, struct, sys
disk = os.open(sys.argv[1], os.O_RDONLY)
print('ready', flush=True)
sys.stdin.readline()
fcntl.ioctl(disk, 0x8004587D, struct.pack('I', 2))`;

/** A disk of its own. */
export interface CuttableDisk {
  /** Where it is mounted. */
  readonly mount: string;
  attach(): Promise<void>;
  detach(): Promise<void>;
  /** Stands ready to cut the power. */
  cutter(): Promise<() => Promise<void>>;
  /** Takes it away, in whatever state it is. */
  remove(): Promise<void>;
}

/** Makes one in a folder; it is not attached yet. */
export async function cuttableDisk(folder: string, bytes: number): Promise<CuttableDisk> {
  const image = join(folder, 'disk');
  const mount = join(folder, 'mount');
  await mkdir(mount);
  const file = await open(image, 'w');
  await file.truncate(bytes).finally(() => file.close());
  await run('mkfs.ext4', ['-q', '-F', image]);
  return {
    mount,
    async attach() {
      await run('mount', ['-o', 'loop', image, mount]);
    },
    async detach() {
      await run('umount', [mount]);
    },
    cutter: () => cutter(mount),
    async remove() {
      await run('umount', ['-l', mount]).catch(() => {}); // after a failure only
      await rm(image, { force: true });
    },
  };
}

async function cutter(mount: string): Promise<() => Promise<void>> {
  const child = spawn('python3', ['-c', shutDown, mount], { stdio: ['pipe', 'pipe', 'inherit'] });
  const ended = once(child, 'exit');
  await once(child.stdout, 'data');
  return async () => {
    child.stdin.end('now\n');
    const [code] = await ended;
    if (code !== 0) throw new Error(`The power could not be cut (exit ${code})`);
  };
}

/** Why there can be none here. */
export async function missingForDisks(): Promise<string | undefined> {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return 'mounting a disk needs root';
  for (const [command, args] of [
    ['mkfs.ext4', ['-V']],
    ['python3', ['-c', 'import fcntl']],
    ['losetup', ['-f']],
  ] as const)
    try {
      await run(command, [...args]);
    } catch {
      return `${command} does not work here`;
    }
  return undefined;
}
