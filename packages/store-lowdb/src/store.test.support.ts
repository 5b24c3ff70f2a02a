/** Stores in a test's folder, and the records that go through them. */

import { join } from 'node:path';
import type { Bucket, Change, Journal, Json, OpenReport } from '@graphiti-fallback/core';
import { onTestFinished } from 'vitest';
import type { LowdbStoreOptions } from './options.ts';
import { look } from './recovery.ts';
import { lowdbStore } from './store.ts';

/** Whose records the tests keep. */
export const identity = { manager: 'graphiti', hash: '0123456789abcdef' };

/** The path of the first slot that a store uses for {@link identity}. */
export function slotIn(directory: string, number = 0): string {
  return join(directory, 'graphiti-0123456789ab', `slot-${number}`);
}

/**
 * Opens a store that is closed when the test is over. Its report has no warning about the filesystem:
 * the folder for temporary files may be on any.
 */
export async function opened(
  directory: string,
  options: Omit<LowdbStoreOptions, 'directory'> = {},
): Promise<{ store: Journal; report: OpenReport; keys: string[] }> {
  const store = lowdbStore({ directory, ...options });
  const found = await store.open(identity);
  onTestFinished(() => store.close());
  const warnings = found.warnings.filter((text) => !text.includes(' is on '));
  const report = { ...found, warnings };
  return { store, report, keys: queueOf(store).map(([key]) => key) };
}

/** Puts a record, into the queue where nothing else is said. */
export function put(key: string, value: Json, bucket: Bucket = 'queue'): Change {
  return { bucket, key, put: value };
}

/** The queued records of a store. */
export function queueOf(store: Journal): (readonly [string, Json])[] {
  return [...store.entries('queue')];
}

/** The queued and cached keys on disk, as a process that started now would read them. */
export async function keysOnDisk(directory: string, number = 0): Promise<string[]> {
  const { records } = await look(slotIn(directory, number));
  return [...records.entries('queue'), ...records.entries('cache')].map(([key]) => key);
}
