/** The lowdb adapter: a snapshot file that survives a crash, and the generation before it. */

import { readdir, readFile, rm, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { Adapter } from 'lowdb';
import { codeOf, replaceFile } from './durable-file.ts';
import { keepCopy, quarantine } from './quarantine.ts';
import type { Records } from './records.ts';
import { parseSnapshot, renderSnapshot, type Verdict } from './snapshot.ts';

/** The newest snapshot. */
export const snapshotName = 'db.json';
/** The generation before it. */
export const previousName = 'db.prev.json';

type Sound = Exclude<Verdict, { kind: 'damaged' }>;

/**
 * How many operations the snapshot in a folder has queued, as far as can be told; changes nothing.
 *
 * @throws the system's error
 */
export async function countQueued(folder: string): Promise<number> {
  for (const name of [snapshotName, previousName]) {
    const verdict = await judge(join(folder, name));
    if (verdict && verdict.kind !== 'damaged') return verdict.records.count('queue');
  }
  return 0;
}

/** Reads and writes the snapshot of one slot, which the caller must hold. */
export class SnapshotFile implements Adapter<Records> {
  /** Names of damaged files that were kept aside while reading. */
  readonly quarantined: string[] = [];
  /** What a person should know of the last read, in words. */
  readonly warnings: string[] = [];
  readonly #folder: string;
  #gen = 0;
  #bytes = 0;
  #outdated = false;

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** Bytes of the snapshot on disk. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Whether the snapshot on disk is missing or edited, so that it should be written again. */
  get outdated(): boolean {
    return this.#outdated;
  }

  /**
   * Reads the newest sound generation, or nothing. Damaged files are moved aside, and never make it throw.
   *
   * @throws the system's error when a file cannot be read or moved
   */
  async read(): Promise<Records | null> {
    await this.#removeTemporaries();
    const found = (await this.#load(snapshotName)) ?? (await this.#loadPrevious());
    this.#gen = found?.gen ?? 0;
    return found?.records ?? null;
  }

  /** Replaces the snapshot; the one on disk becomes the previous generation. @throws the system's error */
  async write(records: Records): Promise<void> {
    const gen = this.#gen + 1;
    this.#bytes = await replaceFile(
      this.#path(snapshotName),
      renderSnapshot(records, gen),
      this.#path(previousName),
    );
    this.#gen = gen;
    this.#outdated = false;
  }

  async #loadPrevious(): Promise<Sound | undefined> {
    const found = await this.#load(previousName);
    if (found) {
      this.#outdated = true;
      this.warnings.push(
        `The generation before (${found.gen}) is used from ${this.#path(previousName)}: the last commits may be missing.`,
      );
    } else if (this.quarantined.length > 0) {
      this.warnings.push(`No sound generation is left in ${this.#folder}: it starts empty.`);
    }
    return found;
  }

  async #load(name: string): Promise<Sound | undefined> {
    const path = this.#path(name);
    const verdict = await judge(path);
    if (verdict?.kind === 'damaged') {
      const kept = await quarantine(path, verdict.reason);
      this.quarantined.push(basename(kept));
      this.warnings.push(`${path} is damaged (${verdict.reason}); it is kept as ${kept}.`);
      return undefined;
    }
    if (verdict?.kind === 'edited') {
      const kept = await keepCopy(path, 'edited');
      this.#outdated = true;
      this.warnings.push(`${path} was edited and is accepted; a copy is kept as ${kept}.`);
    }
    if (verdict) this.#bytes = (await stat(path)).size;
    return verdict;
  }

  /** What a process that was killed left half written. */
  async #removeTemporaries(): Promise<void> {
    const names = (await readdir(this.#folder)).filter((name) => name.endsWith('.tmp'));
    await Promise.all(names.map((name) => rm(this.#path(name), { force: true })));
  }

  #path(name: string): string {
    return join(this.#folder, name);
  }
}

/** Reads a snapshot and says what it is; nothing where there is none. @throws the system's error */
async function judge(path: string): Promise<Verdict | undefined> {
  try {
    return await parseSnapshot(await readFile(path));
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined;
    if (codeOf(error) === 'EIO') return { kind: 'damaged', reason: 'unreadable' };
    throw error;
  }
}
