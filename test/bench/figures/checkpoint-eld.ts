/** `checkpoint.eld`: how late the event loop is while 100,000 operations are being written into snapshots. */

import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Measured } from '../figure.ts';
import { median } from '../median.ts';
import { fill } from '../store/filling.ts';
import { load } from '../store/loading.ts';

const rounds = 5;

export async function measure(): Promise<Measured> {
  const folder = await mkdtemp(join(tmpdir(), 'graphiti-fallback-bench-'));
  try {
    await fill(join(folder, 'full'), 'snapshot');
    const loaded = async (checkpoints: boolean) => {
      const directory = join(folder, 'copy');
      await cp(join(folder, 'full'), directory, { recursive: true });
      const found = await load(directory, checkpoints);
      await rm(directory, { recursive: true });
      if (found.checkpoints > 0 !== checkpoints)
        throw new Error(`There were ${found.checkpoints} snapshots`);
      return found.p99;
    };
    const found: { kit: number; without: number; again: number }[] = [];
    for (let round = 0; round < rounds; round += 1) {
      const without = await loaded(false);
      const kit = await loaded(true);
      const again = await loaded(false);
      found.push({ kit, without, again });
    }
    // What counts is how much later it is, in ms.
    return {
      ratio: median(found.map(({ kit, without, again }) => kit - (without + again) / 2)),
      value: median(found.map(({ kit }) => kit)),
      baseline: median(found.map(({ without }) => without)),
      noise: median(found.map(({ without, again }) => again - without)),
    };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
