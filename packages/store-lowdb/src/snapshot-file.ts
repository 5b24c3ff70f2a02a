/** The lowdb adapter: a snapshot file that survives a crash, and the generation before it. */

import { open, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Adapter } from 'lowdb';
import { codeOf, replaceFile } from './durable-file.ts';
import {
  parseSnapshot,
  readMeta,
  renderSnapshot,
  type Snapshot,
  type Verdict,
} from './snapshot.ts';

/** The newest snapshot. */
export const snapshotName = 'db.json';
/** The generation before it. */
export const previousName = 'db.prev.json';

/** A snapshot that can be used. */
export type Sound = Exclude<Verdict, { kind: 'damaged' }>;

/** A file that was looked at. */
export interface Found {
  readonly name: string;
  readonly verdict: Verdict;
}

/** Reads and writes the snapshot of one slot, which the caller must hold to write. */
export class SnapshotFile implements Adapter<Snapshot> {
  readonly #folder: string;
  /** What was found, newest first, up to the one that is used. */
  found: readonly Found[] = [];
  /** Bytes of the newest one on disk, and of the one before. */
  bytes = 0;
  previousBytes = 0;
  /** The first segments that they do not cover; nothing where there is none. */
  #segment: number | undefined;
  #previousSegment: number | undefined;
  #gen = 0;

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** The first segment that is still needed, for the sake of the generation before. */
  get needed(): number {
    return this.#previousSegment ?? this.#segment ?? 0;
  }

  /** The snapshot that is used; nothing where none is sound. */
  get sound(): Sound | undefined {
    const verdict = this.found.at(-1)?.verdict;
    return verdict?.kind === 'damaged' ? undefined : verdict;
  }

  /** Reads the newest sound generation, or nothing; changes nothing. @throws the system's error */
  async read(): Promise<Snapshot | null> {
    this.found = [];
    const newest = await this.#look(snapshotName);
    const usable = newest && newest.kind !== 'damaged';
    const previous = usable ? undefined : await this.#look(previousName);
    this.#segment = usable ? newest.meta.segment : undefined;
    this.#previousSegment = usable
      ? await this.#segmentOfPrevious()
      : previous && previous.kind !== 'damaged'
        ? previous.meta.segment
        : undefined;
    const { sound } = this;
    this.#gen = sound?.meta.gen ?? 0;
    if (!sound) return null;
    const { records, meta } = sound;
    return { ...meta, entries: (bucket) => records.view(bucket) };
  }

  /** Replaces the snapshot; the one on disk becomes the previous generation. @throws the system's error */
  async write(snapshot: Snapshot): Promise<void> {
    const gen = this.#gen + 1;
    const bytes = await replaceFile(
      this.#path(snapshotName),
      renderSnapshot(snapshot, gen),
      this.#path(previousName),
    );
    this.#gen = gen;
    if (this.#segment !== undefined) {
      this.#previousSegment = this.#segment;
      this.previousBytes = this.bytes;
    }
    this.#segment = snapshot.segment;
    this.bytes = bytes;
  }

  /** The generation before was removed, to make room. */
  forgetPrevious(): void {
    if (this.#segment === undefined) return;
    this.#previousSegment = undefined;
    this.previousBytes = 0;
  }

  async #look(name: string): Promise<Verdict | undefined> {
    const path = this.#path(name);
    try {
      const bytes = await readFile(path);
      if (name === snapshotName) this.bytes = bytes.length;
      else this.previousBytes = bytes.length;
      const verdict = await parseSnapshot(bytes);
      this.found = [...this.found, { name, verdict }];
      return verdict;
    } catch (error) {
      if (codeOf(error) === 'ENOENT') return undefined;
      if (codeOf(error) !== 'EIO') throw error;
      const verdict: Verdict = { kind: 'damaged', reason: 'unreadable' };
      this.found = [...this.found, { name, verdict }];
      return verdict;
    }
  }

  /** Not worth reading as a whole, as long as the newest one is sound. */
  async #segmentOfPrevious(): Promise<number | undefined> {
    const path = this.#path(previousName);
    try {
      this.previousBytes = (await stat(path)).size;
      const file = await open(path);
      const head = Buffer.alloc(1024);
      await file.read(head, 0, head.length, 0).finally(() => file.close());
      return readMeta(head)?.segment ?? 0;
    } catch {
      return undefined;
    }
  }

  #path(name: string): string {
    return join(this.#folder, name);
  }
}
