/** Disks that refuse: by what the calls answer, and for real where the system lets us. */

import { execFile } from 'node:child_process';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { type Counts, type Effort, type Fault, Tally } from '../fault.ts';
import { startWriter } from '../writing.ts';

const run = promisify(execFile);
const numbersARun = 100_000;

/** Calls that fail with a code now and then. */
export function failing(code: string): Fault {
  return {
    name: code.toLowerCase(),
    run: async (effort) => {
      const tally = new Tally();
      const directory = join(effort.folder, 'data');
      const count = effort.quick ? 2 : 20;
      for (let round = 0; round < count; round += 1) {
        const writer = startWriter({
          directory,
          from: (round + 1) * numbersARun,
          shims: ['failing-disk.ts'],
          env: { FAULT_CODE: code, FAULT_SEED: String(Math.floor(effort.random() * 2 ** 30)) },
        });
        await writer.acknowledged(300);
        await writer.refused(1 + Math.floor(effort.random() * 5));
        await writer.acknowledged(Math.floor(effort.random() * 100));
        await writer.kill();
        const open = round % 5 === 4 || round === count - 1;
        tally.add(await effort.oracle.ask({ directory, lines: writer.lines, open }));
      }
      return tally.counts;
    },
  };
}

export const fullDisk: Fault = {
  name: 'full_disk',
  missing: async () => ((await mounts()) ? undefined : 'mounting a tmpfs needs root'),
  async run(effort) {
    const tally = new Tally();
    const count = effort.quick ? 2 : 20;
    for (let round = 0; round < count; round += 1) {
      const mount = join(effort.folder, `disk-${round}`);
      await mkdir(mount);
      await run('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'none', mount]);
      try {
        tally.add(await fill(effort, join(mount, 'data')));
      } finally {
        await run('umount', ['-l', mount]);
      }
    }
    return tally.counts;
  },
};

async function fill({ oracle, random }: Effort, directory: string) {
  // A lot is written before a checkpoint: the journal fills the disk.
  const writer = startWriter({ directory, from: 1_000, checkpointBytes: 4 * 1024 * 1024 });
  await writer.refused(5 + Math.floor(random() * 40));
  await writer.acknowledged(Math.floor(random() * 20));
  await writer.kill();
  return oracle.ask({ directory, lines: writer.lines, open: false });
}

export const fileSizeLimit: Fault = {
  name: 'file_size_limit',
  missing: async () => (process.platform === 'win32' ? 'there is no ulimit' : undefined),
  run: (effort) => limited(effort, 'ulimit -f 40; exec "$@"'),
};

async function limited(effort: Effort, script: string): Promise<Counts> {
  const tally = new Tally();
  const directory = join(effort.folder, 'data');
  const count = effort.quick ? 1 : 20;
  for (let round = 0; round < count; round += 1) {
    const writer = startWriter({
      directory,
      from: (round + 1) * numbersARun,
      segmentBytes: 4 * 1024 * 1024,
      through: ['sh', '-c', script, 'sh'],
    });
    await writer.acknowledged(200 + Math.floor(effort.random() * 300));
    await writer.kill();
    tally.add(await effort.oracle.ask({ directory, lines: writer.lines, open: round % 5 === 4 }));
  }
  return tally.counts;
}

async function mounts(): Promise<boolean> {
  return process.platform === 'linux' && process.getuid?.() === 0;
}
