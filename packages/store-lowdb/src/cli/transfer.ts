/** Queued operations out of a store and into one, as lines of text; each is as `manager.queue.export()` has it. */

import { importedRecord, type Json } from '@graphiti-fallback/core';
import { type FoundSlot, slotsOf, UsageError } from '../found-slots.ts';
import { limitsOf } from '../options.ts';
import { isDead } from '../pending.ts';
import { toLines } from '../records.ts';
import { look } from '../recovery.ts';
import { createSlot } from '../slot.ts';
import { SlotJournal } from '../slot-journal.ts';
import { readSlot } from '../tenancy.ts';

/** What became of lines that were imported. */
export interface Imported {
  readonly imported: number;
  readonly duplicates: number;
}

/** The pending operations of a slot, or its dead letters, in order, one a line. @throws the system's error */
export async function* exportLines(
  { folder }: FoundSlot,
  { dead }: { readonly dead: boolean },
): AsyncGenerator<string> {
  const { records } = await look(folder);
  for (const [, value] of records.entries('queue'))
    if (isDead(value) === dead) yield `${JSON.stringify(value)}\n`;
}

/**
 * Stores operations in a slot of their own, where the app finds them: when it starts, or within 30 s.
 * Those that are there already are left out.
 *
 * @throws {UsageError} for a line that holds no operation; nothing is imported then
 * @throws the system's error
 */
export async function importLines(home: string, text: string): Promise<Imported> {
  const known = await queuedIn(home);
  const now = Date.now();
  const records = text.split('\n').flatMap((line, index) => {
    if (line.trim() === '') return [];
    const record = importedRecord(line, now);
    if (!record) throw new UsageError(`Line ${index + 1} holds no operation: nothing is imported`);
    return [record];
  });
  const fresh = records.filter(({ id }) => !known.has(id) && known.add(id));
  if (fresh.length > 0) {
    const changes = fresh.map((record) => ({
      bucket: 'queue' as const,
      key: record.id,
      put: record as unknown as Json,
    }));
    const limits = limitsOf({ directory: home });
    const tenancy = await readSlot(await createSlot(home));
    const journal = new SlotJournal(limits, async () => tenancy, tenancy);
    await journal.commit(toLines(changes), false).finally(() => journal.close());
  }
  return { imported: fresh.length, duplicates: records.length - fresh.length };
}

async function queuedIn(home: string): Promise<Set<string>> {
  const keys = new Set<string>();
  for (const { folder } of await slotsOf(home)) {
    const { records } = await look(folder);
    for (const [key] of records.entries('queue')) keys.add(key);
  }
  return keys;
}
