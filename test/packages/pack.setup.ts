/** Packs once, for all suites. */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { reachRegistry } from './npm.ts';
import { packPackages } from './published-packages.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** Each package's tarball by its name. */
    tarballs: Record<string, string>;
    /** Where the projects lie; removed at the end. */
    workshop: string;
  }
}

/** Packs into a temporary folder outside the checkout, and removes it at the end. */
export default async function setup({ provide }: TestProject) {
  await reachRegistry();
  const workshop = mkdtempSync(join(tmpdir(), 'packages-'));
  const tarballs = await packPackages(workshop);
  console.log(`packed ${Object.keys(tarballs).join(', ')}`);
  provide('workshop', workshop);
  provide('tarballs', tarballs);
  return () => rmSync(workshop, { recursive: true, force: true });
}
