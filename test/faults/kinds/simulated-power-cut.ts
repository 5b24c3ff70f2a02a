/** A power cut where no disk can be had: a shim keeps apart what was synced, and only that is left. */

import { cp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { type Counts, type Effort, type Fault, Tally } from '../fault.ts';
import { startWriter } from '../writing.ts';

const numbersARun = 100_000;

export const simulatedPowerCut: Fault = {
  name: 'simulated_power_cut',
  run: (effort) => cuts(effort, effort.quick ? 3 : 40, []),
};

export const simulatedPowerCutWithoutSync: Fault = {
  name: 'simulated_power_cut_without_sync',
  mutation: true,
  run: (effort) => cuts(effort, effort.quick ? 1 : 5, ['no-sync.ts']),
};

async function cuts(effort: Effort, count: number, shims: readonly string[]): Promise<Counts> {
  const { folder, oracle, random } = effort;
  const tally = new Tally();
  const root = join(folder, 'root');
  const disk = join(folder, 'disk');
  const directory = join(root, 'data');
  for (let round = 0; round < count; round += 1) {
    const writer = startWriter({
      directory,
      from: (round + 1) * numbersARun,
      shims: ['simulated-disk.ts', ...shims],
      env: { FAULT_ROOT: root, FAULT_DISK: disk },
    });
    await writer.acknowledged(50 + Math.floor(random() * 400));
    await writer.kill();
    await rm(root, { recursive: true });
    await cp(join(disk, 'names'), root, { recursive: true });
    await rm(disk, { recursive: true });
    tally.add(await oracle.ask({ directory, lines: writer.lines, open: round % 5 === 4 }));
  }
  return tally.counts;
}
