/** The folder of one identity: what is found there when a journal opens. */

import type { OpenReport } from '@graphiti-fallback/core';
import { Low } from 'lowdb';
import { codeOf } from './durable-file.ts';
import { inspectFolder } from './filesystem.ts';
import { Records } from './records.ts';
import { createSlot, hold, type Slot, slotNames, takeSlot } from './slot.ts';
import { countQueued, SnapshotFile } from './snapshot-file.ts';

/** A slot that is held, with the snapshot in it. */
export interface Tenancy {
  readonly slot: Slot;
  readonly file: SnapshotFile;
  readonly low: Low<Records>;
}

/** What opening found: a slot, or none yet, or a problem that keeps it from being used. */
export interface Opened {
  readonly tenancy?: Tenancy;
  readonly problem?: string;
  readonly report: OpenReport;
}

/** Takes and reads the first free slot that is there. Never rejects, and creates nothing. */
export async function openHome(home: string): Promise<Opened> {
  try {
    const lasting = await inspectFolder(home);
    const slot = await takeSlot(home);
    if (!slot) return { report: { records: 0, quarantined: [], warnings: lasting } };
    const tenancy = await readSlot(slot);
    const { file, low } = tenancy;
    const warnings = [...lasting, ...file.warnings, ...(await strandedIn(home, slot))];
    const report = { records: low.data.count(), quarantined: file.quarantined, warnings };
    return { tenancy, report };
  } catch (error) {
    const problem = codeOf(error);
    const warning = `${home} cannot be used (${problem}): commits are refused until it can.`;
    return { problem, report: { records: 0, quarantined: [], warnings: [warning] } };
  }
}

/** Takes a slot with nothing in it, creating what is missing. @throws the system's error */
export async function settleIn(home: string): Promise<Tenancy> {
  return tenancyOf(await createSlot(home));
}

async function readSlot(slot: Slot): Promise<Tenancy> {
  const tenancy = tenancyOf(slot);
  try {
    await tenancy.low.read();
    return tenancy;
  } catch (error) {
    slot.release();
    throw error;
  }
}

function tenancyOf(slot: Slot): Tenancy {
  const file = new SnapshotFile(slot.folder);
  return { slot, file, low: new Low(file, new Records()) };
}

/** Names the pending operations of processes that are gone. They are kept, and nobody replays them yet. */
async function strandedIn(home: string, own: Slot): Promise<string[]> {
  const warnings: string[] = [];
  for (const name of await slotNames(home)) {
    const count = name === own.name ? 0 : await countIfFree(home, name);
    if (count > 0) {
      warnings.push(
        `${name} of ${home} holds ${count} pending operations of a process that is gone: they are kept, and not replayed.`,
      );
    }
  }
  return warnings;
}

async function countIfFree(home: string, name: string): Promise<number> {
  try {
    const slot = await hold(home, name);
    if (!slot) return 0;
    return await countQueued(slot.folder).finally(slot.release);
  } catch {
    return 0; // another's slot, which may be unreadable: ours works all the same
  }
}
