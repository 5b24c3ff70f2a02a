/** A process of its own that hears what writers said, and looks at what is in the store. */

import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { lowdbStore, readStore } from '@graphiti-fallback/store-lowdb';
import { Expectation, type Judgement } from './expectation.ts';
import { identity } from './workload.ts';

const self = fileURLToPath(import.meta.url);

/** What an oracle is asked. */
interface Question {
  readonly directory: string;
  /** What writers of it said since the last question. */
  readonly lines: readonly string[];
  /** Opens the store as an app would, or only reads its files. */
  readonly open: boolean;
}

/** What it found. */
export interface Verdict extends Judgement {
  /** Whether the store said that something is missing or damaged. */
  readonly reported: boolean;
}

/** The other end, in the process that causes the faults. */
export interface Oracle {
  ask(question: Question): Promise<Verdict>;
  end(): void;
}

/** Starts one. */
export function startOracle(): Oracle {
  const child = fork(self, [], {
    execArgv: process.execArgv,
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  let fail = (_error: Error) => {};
  child.once('exit', () => fail(new Error('The oracle ended')));
  return {
    async ask(question) {
      child.send(question);
      const answer = await new Promise<Verdict | { error: string }>((resolve, reject) => {
        fail = reject;
        child.once('message', (message) => resolve(message as Verdict));
      });
      if ('error' in answer) throw new Error(`The oracle failed: ${answer.error}`);
      return answer;
    },
    end: () => child.kill(),
  };
}

if (process.argv[1] === self) {
  const expectations = new Map<string, Expectation>();
  process.on('message', async ({ directory, lines, open }: Question) => {
    try {
      const expectation = expectations.get(directory) ?? new Expectation();
      expectations.set(directory, expectation);
      expectation.hear(lines);
      process.send?.(await (open ? opened(directory, expectation) : read(directory, expectation)));
    } catch (error) {
      process.send?.({ error: (error as Error).stack });
    }
  });
}

async function opened(directory: string, expectation: Expectation): Promise<Verdict> {
  const store = lowdbStore({ directory });
  const { missing = 0, quarantined } = await store.open(identity);
  const judgement = expectation.judge([[...store.entries('queue')]], true);
  await store.close();
  return { ...judgement, reported: missing > 0 || quarantined.length > 0 };
}

async function read(directory: string, expectation: Expectation): Promise<Verdict> {
  const slots = await readStore(directory).catch((error: { code?: string }) => {
    if (error.code === 'FALLBACK_NO_STORE') return []; // not even the folder is left
    throw error;
  });
  const judgement = expectation.judge(slots.map((slot) => [...slot.entries('queue')]));
  const reported = slots.some(
    ({ missing, torn, warnings }) => missing + torn + warnings.length > 0,
  );
  return { ...judgement, reported };
}
