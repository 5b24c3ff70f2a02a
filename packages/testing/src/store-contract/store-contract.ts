/** What every store promises, as tests: for ours, and for anybody's. */

import { createRequire } from 'node:module';
import type { Journal } from '@graphiti-fallback/core';
import { commits } from './commits.ts';
import { lifetimes } from './lifetimes.ts';
import { queues } from './queues.ts';
import { values } from './values.ts';

/** Registers a test: that of Vitest, Jest and node:test fit. */
export type RegisterTest = (name: string, run: () => Promise<void>) => unknown;

/** How the suite runs. */
export interface StoreContractOptions {
  /** Registers a test. @default the global `test`, else that of node:test */
  readonly test?: RegisterTest;
}

/** Creates a store with nothing in it, for one test. */
export type CreateStore = () => Journal | Promise<Journal>;

/** A test of the suite, by its sentence; the store is closed afterwards. */
export type ContractCases = Readonly<Record<string, (store: Journal) => Promise<void>>>;

/** Whose records the suite keeps. */
export const identity = { manager: 'contract', hash: '0123456789abcdef0123456789abcdef' } as const;

/**
 * Registers the tests that every store has to pass.
 *
 * @throws {TypeError} under Vitest without globals when no `test` is given
 */
export function storeContract(
  name: string,
  create: CreateStore,
  { test = testOf() }: StoreContractOptions = {},
): void {
  for (const [sentence, run] of Object.entries({ ...commits, ...lifetimes, ...queues, ...values }))
    test(`${name}: ${sentence}`, async () => {
      const store = await create();
      try {
        await run(store);
      } finally {
        await store.close();
      }
    });
}

/** The `test` of whoever runs. @throws {TypeError} where it cannot be found */
export function testOf(): RegisterTest {
  const { test } = globalThis as { test?: RegisterTest };
  if (typeof test === 'function') return test;
  if (process.env.VITEST)
    throw new TypeError(
      "Expected `test` of storeContract to be Vitest's, got nothing: storeContract(name, create, { test })",
    );
  return createRequire(import.meta.url)('node:test').test;
}
