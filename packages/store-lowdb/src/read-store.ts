/** Looking into stores without opening them. */

import type { Bucket, Json } from '@graphiti-fallback/core';
import { slotsIn } from './found-slots.ts';
import { sizeOf } from './journal-scan.ts';
import { look } from './recovery.ts';

/** What one slot holds. */
export interface StoredSlot {
  /** Its path. */
  readonly folder: string;
  /** The records of a bucket in order of first put. */
  entries(bucket: Bucket): Iterable<readonly [key: string, value: Json]>;
  /** Changes of a write that was cut off, at least. */
  readonly torn: number;
  /** Acknowledged changes that are gone. */
  readonly missing: number;
  /** What a person should know, in words. */
  readonly warnings: readonly string[];
}

/**
 * Reads all slots below a data folder, an identity's folder, or a slot. Takes no lock and changes nothing:
 * of a store that is in use it sees a moment, of which the last write may be half there.
 *
 * @throws {Error} with code `FALLBACK_NO_STORE` where there is none
 * @throws the system's error
 */
export async function readStore(directory: string): Promise<readonly StoredSlot[]> {
  const slots: StoredSlot[] = [];
  for (const { folder } of await slotsIn(directory)) {
    const { records, scan, warnings } = await look(folder);
    slots.push({
      folder,
      entries: (bucket) => records.entries(bucket),
      torn: scan.torn,
      missing: scan.missing.reduce((sum, range) => sum + sizeOf(range), 0),
      warnings,
    });
  }
  return slots;
}
