/** What is found in a slot: the newest snapshot that is sound, and the changes since. */

import { open, readdir, rm, truncate } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { Low } from 'lowdb';
import { codeOf, syncFolder } from './durable-file.ts';
import { type JournalScan, type SegmentScan, scanJournal, sizeOf } from './journal-scan.ts';
import { keepCopy, keepPart, quarantine } from './quarantine.ts';
import { Records } from './records.ts';
import type { JournalPosition, SegmentSize } from './segment-writer.ts';
import type { Snapshot } from './snapshot.ts';
import { previousName, SnapshotFile, snapshotName } from './snapshot-file.ts';

/** A slot's content, and how it was found. */
export interface Recovered {
  readonly records: Records;
  readonly low: Low<Snapshot>;
  readonly file: SnapshotFile;
  /** The last change that counts. */
  readonly seq: number;
  readonly position: JournalPosition;
  readonly scan: JournalScan;
  /** Whether a new snapshot should be written soon: what is on disk is damaged, edited or of another format. */
  readonly outdated: boolean;
  /** Names of files that are kept aside. */
  readonly quarantined: readonly string[];
  /** What a person should know, in words. */
  readonly warnings: readonly string[];
}

/**
 * Reads what a slot holds, and changes nothing. Where that is in use files may go meanwhile: then it looks
 * again.
 *
 * @throws the system's error
 */
export async function look(folder: string, tries = 5): Promise<Recovered> {
  try {
    return await lookOnce(folder);
  } catch (error) {
    if (codeOf(error) !== 'ENOENT' || tries === 1) throw error;
    return look(folder, tries - 1);
  }
}

async function lookOnce(folder: string): Promise<Recovered> {
  const file = new SnapshotFile(folder);
  const low = new Low<Snapshot>(file, emptySnapshot);
  await low.read();
  const { sound } = file;
  const records = sound?.records ?? new Records();
  const { seq, segment } = sound?.meta ?? { seq: 0, segment: 0 };
  const scan = await scanJournal(folder, records, { segment, seq });
  const last = Math.max(0, segment - 1, ...scan.sizes.keys());
  const newest = scan.segments.at(-1);
  const previous = newest && {
    segment: newest.segment,
    length: newest.soundUntil,
    checksum: newest.checksum,
  };
  return {
    records,
    low,
    file,
    seq: scan.seq,
    position: { last, previous, sizes: sizesOf(scan) },
    scan,
    outdated: isOutdated(file, scan),
    quarantined: [],
    warnings: [...snapshotWarnings(folder, file, scan), ...journalWarnings(folder, scan)],
  };
}

/**
 * Reads what a slot holds that the caller has locked. Damaged files are kept aside, the rest of a write
 * that was cut off is taken off the journal.
 *
 * @throws the system's error when a file cannot be read or moved
 */
export async function recover(folder: string): Promise<Recovered> {
  await removeTemporaries(folder);
  const found = await look(folder);
  const kept: string[] = [];
  for (const { name, verdict } of found.file.found) {
    if (verdict.kind === 'damaged') kept.push(await quarantine(join(folder, name), verdict.reason));
    if (verdict.kind === 'edited') await keepCopy(join(folder, name), 'edited');
  }
  for (const segment of found.scan.segments) {
    const isLast = segment === found.scan.segments.at(-1);
    kept.push(...(await repair(folder, segment, isLast)));
  }
  return { ...found, quarantined: kept.map((path) => basename(path)) };
}

/** A snapshot of nothing. */
const emptySnapshot: Snapshot = { seq: 0, segment: 0, entries: () => [] };

function sizesOf({ sizes, segments }: JournalScan): Map<number, SegmentSize> {
  const firsts = new Map(segments.map(({ segment, first }) => [segment, first]));
  return new Map([...sizes].map(([each, bytes]) => [each, { bytes, first: firsts.get(each) }]));
}

async function repair(
  folder: string,
  { name, bytes, damage, shortened, soundUntil }: SegmentScan,
  isLast: boolean,
): Promise<string[]> {
  const path = join(folder, name);
  const kept: string[] = [];
  if (damage.some(({ start }) => start < soundUntil) || shortened || (!isLast && damage.length > 0))
    kept.push(await keepCopy(path, shortened ? 'shortened' : 'checksum'));
  if (!isLast || soundUntil === bytes) return kept;
  kept.push(await keepPart(path, soundUntil, 'torn'));
  await truncate(path, soundUntil);
  const segment = await open(path, 'r+');
  await segment.sync().finally(() => segment.close());
  return kept;
}

function isOutdated({ found, sound }: SnapshotFile, { segments }: JournalScan): boolean {
  const odd = found.some(({ verdict }) => verdict.kind !== 'ok');
  const older =
    sound !== undefined && (found.at(-1)?.name === previousName || sound.meta.segment === 0);
  return odd || older || segments.some(({ damage, shortened }) => damage.length > 0 || shortened);
}

function snapshotWarnings(
  folder: string,
  { found, sound }: SnapshotFile,
  scan: JournalScan,
): string[] {
  const warnings: string[] = [];
  for (const { name, verdict } of found) {
    const path = join(folder, name);
    if (verdict.kind === 'damaged')
      warnings.push(`${path} is damaged (${verdict.reason}); it is kept in quarantine.`);
    if (verdict.kind === 'edited')
      warnings.push(`${path} was edited and is accepted; a copy is kept in quarantine.`);
  }
  const newest = found.at(-1);
  if (sound && newest?.name === previousName)
    warnings.push(
      `The generation before (${sound.meta.gen}) is used from ${join(folder, previousName)}, with the journal since then.`,
    );
  if (!sound && found.length > 0)
    warnings.push(
      scan.segments.length > 0
        ? `No sound generation of ${snapshotName} is left in ${folder}: it starts with what the journal has.`
        : `No sound generation of ${snapshotName} is left in ${folder}: it starts empty.`,
    );
  return warnings;
}

function journalWarnings(folder: string, { segments, missing }: JournalScan): string[] {
  const warnings: string[] = [];
  for (const { name, damage, shortened, soundUntil, bytes } of segments) {
    const path = join(folder, name);
    if (shortened) warnings.push(`${path} is shorter than it was; a copy is kept in quarantine.`);
    const inside = damage.filter(({ start }) => start < soundUntil).length;
    if (inside > 0) {
      const where = `${inside} ${inside === 1 ? 'place' : 'places'}`;
      warnings.push(`${path} is damaged in ${where}; a copy is kept in quarantine.`);
    }
    // What a cut-off write leaves has no end.
    if (damage.some(({ start, end }) => start >= soundUntil && end < bytes))
      warnings.push(`The end of ${path} is damaged; it is kept in quarantine.`);
  }
  if (missing.length > 0) {
    const count = missing.reduce((sum, range) => sum + sizeOf(range), 0);
    const shown = missing
      .slice(0, 10)
      .map(({ from, to }) => (from === to ? from : `${from} to ${to}`));
    const more = missing.length > shown.length ? ', …' : '';
    warnings.push(
      `${count} acknowledged changes are missing in ${folder}: number ${shown.join(', ')}${more}.`,
    );
  }
  return warnings;
}

/** What a process that was killed left half written. */
async function removeTemporaries(folder: string): Promise<void> {
  const names = (await readdir(folder)).filter((name) => name.endsWith('.tmp'));
  await Promise.all(names.map((name) => rm(join(folder, name), { force: true })));
  if (names.length > 0) await syncFolder(folder);
}
