/** A slot that is held, with what was found in it. */

import { type Recovered, recover } from './recovery.ts';
import type { Slot } from './slot.ts';

/** A slot and its content. */
export interface Tenancy {
  readonly slot: Slot;
  readonly found: Recovered;
}

/** Reads a slot that is held, and lets go of it where that fails. @throws the system's error */
export async function readSlot(slot: Slot): Promise<Tenancy> {
  try {
    return { slot, found: await recover(slot.folder) };
  } catch (error) {
    slot.release();
    throw error;
  }
}
