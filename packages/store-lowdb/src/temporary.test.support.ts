/** Folders for tests, gone when the test is over. */

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';

/** Creates a folder that lasts as long as the test which asks for it. */
export async function temporary(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'store-lowdb-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}
