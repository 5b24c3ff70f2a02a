/**
 * A power cut: an ext4 on a loop device is shut down under a writer, without its journal being flushed,
 * and mounted again. What was acknowledged before that must be there.
 */

import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { type Counts, type Effort, type Fault, Tally } from '../fault.ts';
import { startWriter } from '../writing.ts';

const run = promisify(execFile);
const numbersARun = 100_000;
const diskBytes = 48 * 1024 * 1024;
/** EXT4_IOC_SHUTDOWN with EXT4_GOING_FLAGS_NOLOGFLUSH, once a line comes. */
const shutDown = `import fcntl, os, struct, sys
disk = os.open(sys.argv[1], os.O_RDONLY)
print('ready', flush=True)
sys.stdin.readline()
fcntl.ioctl(disk, 0x8004587D, struct.pack('I', 2))`;

export const powerCut: Fault = {
  name: 'power_cut',
  missing: whatIsMissing,
  run: (effort) => cuts(effort, effort.quick ? 3 : 40, []),
};

export const powerCutWithoutSync: Fault = {
  name: 'power_cut_without_sync',
  mutation: true,
  missing: whatIsMissing,
  run: (effort) => cuts(effort, effort.quick ? 2 : 5, ['no-sync.ts']),
};

async function cuts(effort: Effort, count: number, shims: readonly string[]): Promise<Counts> {
  const { folder, oracle, random } = effort;
  const tally = new Tally();
  const image = join(folder, 'disk');
  const mount = join(folder, 'mount');
  await mkdir(mount);
  const file = await open(image, 'w');
  await file.truncate(diskBytes).finally(() => file.close());
  await run('mkfs.ext4', ['-q', '-F', image]);
  const directory = join(mount, 'data');
  try {
    for (let round = 0; round < count; round += 1) {
      await run('mount', ['-o', 'loop', image, mount]);
      const writer = startWriter({ directory, from: (round + 1) * numbersARun, shims });
      await writer.acknowledged(50 + Math.floor(random() * 400));
      const cut = await cutter(mount);
      // Of what is acknowledged from here on nobody can say whether it was before the cut.
      const heard = writer.lines.length;
      await cut();
      const lines = writer.lines.map((line, index) => (index < heard ? line : withoutDone(line)));
      await writer.kill();
      await run('umount', [mount]);
      await run('mount', ['-o', 'loop', image, mount]);
      tally.add(
        await oracle.ask({
          directory,
          lines: [...lines, ...later(writer.lines, lines.length)],
          open: round % 5 === 4,
        }),
      );
      await run('umount', [mount]);
    }
  } finally {
    await run('umount', ['-l', mount]).catch(() => {}); // after a failure only
    await rm(image, { force: true });
  }
  return tally.counts;
}

/** Stands ready to cut the power. */
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

/** A step that may have been done or not. */
function withoutDone(line: string): string {
  return line.startsWith('+') ? line.replace('+', '!') : line;
}

function later(lines: readonly string[], from: number): string[] {
  return lines.slice(from).map(withoutDone);
}

async function whatIsMissing(): Promise<string | undefined> {
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
