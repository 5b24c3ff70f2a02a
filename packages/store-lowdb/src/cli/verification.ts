/** Every checksum of every file in a slot, also of those that opening would not read. Changes nothing. */

import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { FoundSlot } from '../found-slots.ts';
import { scanJournal, sizeOf } from '../journal-scan.ts';
import { Records } from '../records.ts';
import { parseSnapshot } from '../snapshot.ts';
import { previousName, snapshotName } from '../snapshot-file.ts';

/** What a file was found to be. */
export interface Finding {
  readonly file: string;
  readonly sound: boolean;
  readonly what: string;
}

/** Checks one slot. @throws the system's error */
export async function verify({ folder }: FoundSlot): Promise<readonly Finding[]> {
  const names = await readdir(folder);
  const findings: Finding[] = [];
  for (const name of [snapshotName, previousName]) {
    if (!names.includes(name)) continue;
    const verdict = await parseSnapshot(await readFile(join(folder, name)));
    const what =
      verdict.kind === 'damaged'
        ? `damaged (${verdict.reason})`
        : `${verdict.records.count()} records${verdict.kind === 'edited' ? ', edited by hand' : ''}`;
    findings.push({ file: join(folder, name), sound: verdict.kind !== 'damaged', what });
  }
  const scan = await scanJournal(folder, new Records(), { segment: 0, seq: -1 });
  for (const { name, records, damage, shortened } of scan.segments) {
    const wrong = [
      damage.length > 0 &&
        `damaged in ${damage.length} ${damage.length === 1 ? 'place' : 'places'}`,
      shortened && 'shorter than it was',
    ].filter(Boolean);
    const what = [`${records} changes`, ...wrong].join(', ');
    findings.push({ file: join(folder, name), sound: wrong.length === 0, what });
  }
  const missing = scan.missing.filter(({ from }) => from > 0);
  if (missing.length > 0) {
    const count = missing.reduce((sum, range) => sum + sizeOf(range), 0);
    findings.push({
      file: folder,
      sound: false,
      what: `${count} changes are missing between others`,
    });
  }
  return findings;
}

/** A finding for a person. */
export function findingText({ file, sound, what }: Finding): string {
  return `${sound ? 'ok     ' : 'DAMAGED'} ${file}: ${what}`;
}
