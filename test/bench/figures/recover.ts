/** `recover.*`: opening a store with 100,000 queued operations, against parsing one file with the same. */

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Measured } from '../figure.ts';
import { median } from '../median.ts';
import { fill } from '../store/filling.ts';
import { keyOf, operationOf } from '../store/queues.ts';
import { type Recovery, recover } from '../store/recovering.ts';

const rounds = 9;
const mebibyte = 1024 * 1024;

export async function measure(name: string): Promise<Measured> {
  const [, what = '', quantity] = name.split('.');
  const folder = await mkdtemp(join(tmpdir(), 'graphiti-fallback-bench-'));
  try {
    const directory = join(folder, 'data');
    await fill(directory, what as 'segments' | 'snapshot');
    const file = join(folder, 'same.json');
    await writeFile(file, JSON.stringify({ queue: entries() }));
    const of = ({ ms, rss }: Recovery) => (quantity === 'time' ? ms : rss / mebibyte);
    const found: { kit: number; parse: number; again: number }[] = [];
    for (let round = 0; round < rounds; round += 1) {
      const kit = of(await recover('open', directory));
      const parse = of(await recover('parse', file));
      const again = of(await recover('parse', file));
      found.push({ kit, parse, again });
    }
    return {
      ratio: median(found.map(({ kit, parse }) => kit / parse)),
      value: median(found.map(({ kit }) => kit)),
      baseline: median(found.map(({ parse }) => parse)),
      noise: median(found.map(({ again, parse }) => again / parse)),
    };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function entries() {
  return Array.from({ length: 100_000 }, (_, number) => ({
    key: keyOf(number),
    value: operationOf(number),
  }));
}
