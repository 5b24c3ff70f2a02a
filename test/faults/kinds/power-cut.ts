/** A power cut: a disk goes away under a writer, and comes back. What was acknowledged before that must be there. */

import { join } from 'node:path';
import { cuttableDisk, missingForDisks } from '../cuttable-disk.ts';
import { type Counts, type Effort, type Fault, Tally } from '../fault.ts';
import { startWriter } from '../writing.ts';

const numbersARun = 100_000;
const diskBytes = 48 * 1024 * 1024;

export const powerCut: Fault = {
  name: 'power_cut',
  missing: missingForDisks,
  run: (effort) => cuts(effort, effort.quick ? 3 : 40, []),
};

export const powerCutWithoutSync: Fault = {
  name: 'power_cut_without_sync',
  mutation: true,
  missing: missingForDisks,
  run: (effort) => cuts(effort, effort.quick ? 2 : 5, ['no-sync.ts']),
};

async function cuts(effort: Effort, count: number, shims: readonly string[]): Promise<Counts> {
  const { folder, oracle, random } = effort;
  const tally = new Tally();
  const disk = await cuttableDisk(folder, diskBytes);
  const directory = join(disk.mount, 'data');
  try {
    for (let round = 0; round < count; round += 1) {
      await disk.attach();
      const writer = startWriter({ directory, from: (round + 1) * numbersARun, shims });
      await writer.acknowledged(50 + Math.floor(random() * 400));
      const cut = await disk.cutter();
      // Of what is acknowledged from here on nobody can say whether it was before the cut.
      const heard = writer.lines.length;
      await cut();
      const lines = writer.lines.map((line, index) => (index < heard ? line : withoutDone(line)));
      await writer.kill();
      await disk.detach();
      await disk.attach();
      tally.add(
        await oracle.ask({
          directory,
          lines: [...lines, ...later(writer.lines, lines.length)],
          open: round % 5 === 4,
        }),
      );
      await disk.detach();
    }
  } finally {
    await disk.remove();
  }
  return tally.counts;
}

/** A step that may have been done or not. */
function withoutDone(line: string): string {
  return line.startsWith('+') ? line.replace('+', '!') : line;
}

function later(lines: readonly string[], from: number): string[] {
  return lines.slice(from).map(withoutDone);
}
