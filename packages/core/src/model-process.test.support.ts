/** A process with a manager in it, which can be killed at any time. */

import type { Clock } from './clock.ts';
import type { Journal } from './journal.ts';
import { FallbackManager } from './manager.ts';
import { modelJournal } from './model-journal.test.support.ts';
import type { ModelWrite } from './model-oracle.test.support.ts';
import type { ModelUpstream } from './model-upstream.test.support.ts';
import type { Life, Surroundings } from './model-weather.test.support.ts';
import type { WriteContext } from './operation.ts';

/** Room in a queue that is crowded. */
export const mostQueued = 6;

/** What a write is told: enough to find it again in the history. */
export type ModelInput = Pick<ModelWrite, 'number' | 'lane'>;

interface ModelProcessOptions {
  readonly upstream: ModelUpstream;
  /** What outlives the process. */
  readonly kept: Journal;
  /** Room for a few writes only. */
  readonly crowded: boolean;
  readonly checksHealth: boolean;
  /** Reconciled writes, and those that only live, have a breaker of their own. */
  readonly twoBreakers: boolean;
  readonly onTimer: () => void;
}

/** Starts a process on what an earlier one left. */
export function startProcess(
  { upstream, kept, crowded, checksHealth, twoBreakers, onTimer }: ModelProcessOptions,
  around: Surroundings,
) {
  const life: Life = { alive: true };
  const { chance } = around;
  const clock: Clock = {
    ...around.clock,
    after(ms, wake) {
      onTimer();
      return around.clock.after(ms, () => life.alive && wake());
    },
  };
  const manager = new FallbackManager({
    name: 'model',
    application: 'test',
    logger: false,
    clock,
    random: chance.next,
    store: modelJournal(kept, life, around),
    recoveryRamp: 0,
    breaker: { openFor: 3_000, failureThreshold: 3 },
    retry: { retries: 0 },
    timeouts: { write: 2_000 },
    closeTimeout: 1_000,
    ...(crowded && { queue: { maxEntries: mostQueued } }),
    ...(checksHealth && {
      health: {
        interval: 2_000,
        checks: [{ name: 'model', check: () => upstream.answer(undefined, life) }],
      },
    }),
  });
  const entity = ({ lane }: ModelInput) => ({ type: 'lane', id: lane });
  const run = ({ number }: ModelInput, { idempotencyKey }: WriteContext) =>
    upstream.write(number, idempotencyKey, life);
  const idempotent = manager.write('idempotent', { entity, run, idempotent: true });
  const behind = twoBreakers ? { breaker: 'second' } : {};
  const live = manager.write('live', {
    ...behind,
    entity,
    run,
    idempotent: true,
    replayable: false,
  });
  const reconciled = manager.write('reconciled', {
    ...behind,
    entity,
    run,
    // It applies at once or never: what is not there a moment later is not on its way.
    reconcileFor: 1,
    reconcile: async (_input, { idempotencyKey }) => {
      await upstream.answer(undefined, life);
      return upstream.has(idempotencyKey) ? 'applied' : 'absent';
    },
  });
  const read = manager.read('read', { run: (of: string) => upstream.answer({ of }, life) });
  return { life, manager, read, idempotent, live, reconciled };
}
