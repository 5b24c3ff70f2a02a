/** Writers that are killed: at any moment, and in the middle of the Nth write to the disk. */

import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { type Counts, type Effort, type Fault, Tally } from '../fault.ts';
import { type StartOptions, startWriter } from '../writing.ts';

const run = promisify(execFile);
const numbersARun = 100_000;

export const kill9: Fault = {
  name: 'kill_9',
  run: (effort) =>
    rounds(effort, effort.quick ? 20 : 200, async (start, random) => {
      const writer = startWriter(start);
      await writer.acknowledged(1 + Math.floor(random() * 300));
      await writer.kill();
      return writer.lines;
    }),
};

export const killAtWrite: Fault = {
  name: 'kill_at_write',
  missing: async () => ((await traces()) ? undefined : 'strace, or the right to trace, is missing'),
  run: (effort) =>
    rounds(effort, effort.quick ? 3 : 20, async (start, random) => {
      const inject = `inject=write,pwrite64,fdatasync,fsync,rename:signal=SIGKILL:when=${30 + Math.floor(random() * 1_000)}`;
      const trace = 'trace=write,pwrite64,fdatasync,fsync,rename';
      const through = ['strace', '-f', '-qq', '-o', '/dev/null', '-e', trace, '-e', inject];
      const writer = startWriter({ ...start, through });
      await writer.ended;
      return writer.lines;
    }),
};

export const clockJumps: Fault = {
  name: 'clock_jumps',
  run: (effort) =>
    rounds(effort, effort.quick ? 3 : 20, async (start, random) => {
      const writer = startWriter({ ...start, shims: ['jumping-clock.ts'] });
      await writer.acknowledged(1 + Math.floor(random() * 200));
      await writer.kill();
      return writer.lines;
    }),
};

/** Lets one writer after another write to one folder; each begins with what the one before left. */
async function rounds(
  { folder, oracle, random }: Effort,
  count: number,
  write: (start: StartOptions, random: () => number) => Promise<readonly string[]>,
): Promise<Counts> {
  const tally = new Tally();
  const directory = join(folder, 'data');
  for (let round = 0; round < count; round += 1) {
    const lines = await write({ directory, from: (round + 1) * numbersARun }, random);
    // Mostly only read: the next writer shall find what the killed one left, not what an opening made of it.
    const open = round % 10 === 9 || round === count - 1;
    tally.add(await oracle.ask({ directory, lines, open }));
  }
  return tally.counts;
}

async function traces(): Promise<boolean> {
  return run('strace', ['-qq', '-o', '/dev/null', 'true']).then(
    () => true,
    () => false,
  );
}
