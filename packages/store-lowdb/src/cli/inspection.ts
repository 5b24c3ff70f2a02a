/** What is in a slot, and in which condition. Changes nothing. */

import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { type FoundSlot, isHeld } from '../found-slots.ts';
import { sizeOf } from '../journal-scan.ts';
import { type Owner, ownerOf, ownerText } from '../owner.ts';
import { buckets } from '../records.ts';
import { look } from '../recovery.ts';

/** A summary of one slot. */
export interface Inspection {
  readonly slot: string;
  /** Whose it is, where that is written down. */
  readonly owner: Owner | undefined;
  /** Whether a process works with it. */
  readonly held: boolean | undefined;
  readonly generation: number | undefined;
  readonly records: Readonly<Record<string, number>>;
  readonly bytes: {
    readonly snapshot: number;
    readonly previous: number;
    readonly journal: number;
  };
  readonly segments: number;
  readonly lastChange: number;
  readonly torn: number;
  readonly missing: number;
  readonly quarantined: number;
  readonly warnings: readonly string[];
}

/** Reads one slot. @throws the system's error */
export async function inspect(found: FoundSlot): Promise<Inspection> {
  const held = await isHeld(found);
  const { file, records, scan, seq, warnings } = await look(found.folder);
  const journal = [...scan.sizes.values()].reduce((sum, bytes) => sum + bytes, 0);
  const kept = await readdir(join(found.folder, 'quarantine')).catch(() => []);
  return {
    slot: found.folder,
    owner: await ownerOf(found.home),
    held,
    generation: file.sound?.meta.gen,
    records: Object.fromEntries(buckets.map((name) => [name, records.count(name)])),
    bytes: { snapshot: file.bytes, previous: file.previousBytes, journal },
    segments: scan.sizes.size,
    lastChange: seq,
    torn: scan.torn,
    missing: scan.missing.reduce((sum, range) => sum + sizeOf(range), 0),
    quarantined: kept.length,
    warnings,
  };
}

/** The summary for a person. */
export function inspectionText(inspection: Inspection): string {
  const { slot, owner, held, generation, records, bytes, segments, torn, missing, quarantined } =
    inspection;
  const state = held === undefined ? 'unknown' : held ? 'held by a process' : 'free';
  const counts = Object.entries(records).map(([bucket, count]) => `${count} ${bucket}`);
  const journal = `${segments} ${segments === 1 ? 'segment' : 'segments'}, ${bytes.journal} bytes`;
  return [
    slot,
    `  owner       ${ownerText(owner)}`,
    `  lock        ${state}`,
    `  records     ${counts.join(', ')}`,
    `  snapshot    ${generation === undefined ? 'none' : `generation ${generation}, ${bytes.snapshot} bytes`}`,
    `  journal     ${journal}, up to change ${inspection.lastChange}`,
    `  torn        ${torn}`,
    `  missing     ${missing}`,
    `  quarantine  ${quarantined} ${quarantined === 1 ? 'file' : 'files'}`,
    ...inspection.warnings.map((warning) => `  ! ${warning}`),
  ].join('\n');
}
