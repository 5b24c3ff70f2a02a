/** Files that are not what was written: cut off, rotten, overwritten. */

import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { type DamageKind, damage } from '../damaging.ts';
import type { Effort, Fault } from '../fault.ts';
import { type StartOptions, startWriter } from '../writing.ts';

/** Segments and no snapshot. */
const segmentsOnly: Partial<StartOptions> = { checkpointBytes: 64 * 1024 * 1024 };
/** Both generations, and segments since then. */
const everyKind: Partial<StartOptions> = { checkpointBytes: 80 * 1024, segmentBytes: 32 * 1024 };

export const truncation = damaged('truncation', segmentsOnly);
export const truncationOfTheEnd = damaged('truncation_of_the_end', segmentsOnly);
export const zeroedTail = damaged('zeroed_tail', segmentsOnly);
export const bitFlips = damaged('bit_flips', everyKind);
export const bitFlipsWithoutChecksums: Fault = {
  ...damaged('bit_flips', everyKind, ['no-checksum.ts']),
  name: 'bit_flips_without_checksums',
  mutation: true,
};

function damaged(
  kind: DamageKind,
  start: Partial<StartOptions>,
  shims: readonly string[] = [],
): Fault {
  return {
    name: kind,
    damages: true,
    async run(effort) {
      const { folder, lines } = await written(effort, start, shims);
      const quick = effort.quick || shims.length > 0;
      return damage({ kind, folder, lines, quick }, shims);
    },
  };
}

/** A store as a killed writer leaves it. */
async function written({ folder }: Effort, start: Partial<StartOptions>, shims: readonly string[]) {
  const directory = join(folder, 'data');
  const writer = startWriter({ ...start, directory, from: 1_000, lanes: 4, shims });
  await writer.acknowledged(start === everyKind ? 1_500 : 400);
  await writer.kill();
  const [home = ''] = await readdir(directory);
  return { folder: join(directory, home, 'slot-0'), lines: writer.lines };
}
