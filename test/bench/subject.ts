/** What the call figures measure: a manager with reads of an upstream that answers at once. */

import {
  FallbackManager,
  type FallbackManagerOptions,
  type ReadOperation,
} from '@graphiti-fallback/core';
import type { Call } from './contest.ts';

/** What the upstream answers. */
export interface Answer {
  readonly id: string;
  readonly facts: number;
}

/** The upstream of the kit and of its peers. */
export async function upstream(id: string): Promise<Answer> {
  return { id, facts: 3 };
}

/** More inputs than calls are ever in flight, made beforehand so that making them costs nobody. */
export const inputs: readonly string[] = Array.from({ length: 64 }, (_, index) => `id-${index}`);

/** An input by the call's number. */
export function inputOf(number: number): string {
  return inputs[number % inputs.length] ?? '';
}

/** A manager that is open, and its reads. */
export interface Subject {
  readonly manager: FallbackManager;
  readonly reads: readonly ReadOperation<string, Answer>[];
  /** Calls the reads in turn. */
  readonly call: Call;
}

/** Creates a manager with so many operations declared. */
export async function createSubject(
  operations: number,
  options: Partial<FallbackManagerOptions> = {},
): Promise<Subject> {
  const manager = new FallbackManager({
    name: `bench-${operations}`,
    application: 'bench',
    logger: false,
    ...options,
  });
  const reads = Array.from({ length: operations }, (_, index) =>
    manager.read(`bench.read.${index}`, { run: upstream }),
  );
  await manager.open();
  const [only] = reads;
  const call: Call =
    reads.length === 1 && only
      ? (number) => only(inputOf(number))
      : (number) => reads[number % reads.length]?.(inputOf(number));
  return { manager, reads, call };
}
