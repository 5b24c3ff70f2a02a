import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { type Journal, memoryJournal } from '@graphiti-fallback/core';
import { lowdbStore } from '@graphiti-fallback/store-lowdb';
import { storeContract } from '@graphiti-fallback/testing';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';

vi.setConfig({ testTimeout: 60_000 }); // files and processes, on a machine that may be busy

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'store-contract-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const temporary = () => mkdtempSync(join(folder, 'store-'));

storeContract('memory', () => memoryJournal(), { test });
storeContract('lowdb', () => lowdbStore({ directory: temporary() }), { test });
storeContract(
  'lowdb with segments of 4 KiB',
  () => lowdbStore({ directory: temporary(), segmentBytes: 4096, checkpointBytes: 16_384 }),
  { test },
);

/** The sentences of the suite that a store does not live up to. */
async function failuresOf(create: () => Journal): Promise<string[]> {
  const cases: { name: string; run: () => Promise<void> }[] = [];
  storeContract('broken', create, { test: (name, run) => cases.push({ name, run }) });
  const failures: string[] = [];
  for (const { name, run } of cases)
    await run().catch(() => failures.push(name.slice('broken: '.length)));
  return failures;
}

test.each<[string, (journal: Journal) => Partial<Journal>, string]>([
  [
    'forgets deletes',
    ({ commit }) => ({ commit: (changes) => commit(changes.filter((change) => 'put' in change)) }),
    'records are in order of first put; a repeated put keeps its place, a deleted one loses it',
  ],
  [
    'stores half of a commit',
    ({ commit }) => ({
      async commit(changes) {
        for (const change of changes) await commit([change]);
        return 'memory';
      },
    }),
    'a value that is not JSON refuses its commit alone, and whole',
  ],
  [
    'claims more than it does',
    ({ commit }) => ({ commit: async (...args) => ((await commit(...args)) ? 'disk' : 'memory') }),
    'a receipt tells the durability of the store',
  ],
  [
    'reads backwards',
    ({ entries }) => ({ entries: (bucket) => [...entries(bucket)].reverse() }),
    'many commits at once are in the order in which they were made',
  ],
])('a store that %s is found out', async (_how, broken, sentence) => {
  const failures = await failuresOf(() => {
    const journal = memoryJournal();
    return { ...journal, ...broken(journal) };
  });
  expect(failures).toContain(sentence);
});

test('the suite runs under node:test with nothing given', async () => {
  const source = `
    import { memoryJournal } from '@graphiti-fallback/core';
    import { storeContract } from '@graphiti-fallback/testing';
    storeContract('memory', memoryJournal);`;
  const { VITEST: _vitest, NODE_TEST_CONTEXT: _context, ...env } = process.env;
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ['--conditions=@graphiti-fallback/source', '--input-type=module', '-e', source],
    { cwd: import.meta.dirname, env },
  );
  expect(stdout).toMatch(/pass 20/);
  expect(stdout).toMatch(/fail 0/);
});

test('under Vitest without globals it says what is missing', () => {
  expect(() => storeContract('memory', () => memoryJournal())).toThrow(
    'Expected `test` of storeContract',
  );
});
