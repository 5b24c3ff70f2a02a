/**
 * Random runs of everything that the queue promises, against an oracle. To look further:
 *
 * - `MODEL_RUNS=2000` runs so many seeds for each configuration
 * - `MODEL_SEED=71` begins with this one
 * - `MODEL_ONLY=failing,crash` leaves out the other configurations
 *
 * A failure names the three for the run with the shortest history, and tells it.
 */

import { expect, test } from 'vitest';
import { findings, type History, type ModelWrite } from './model-oracle.test.support.ts';
import { type ModelConfiguration, runModel } from './model-run.test.support.ts';

const { MODEL_RUNS, MODEL_SEED, MODEL_ONLY } = process.env;
const runs = Number(MODEL_RUNS ?? 40);
const first = Number(MODEL_SEED ?? 1);

const everything: ModelConfiguration = {
  slow: true,
  failing: true,
  closes: true,
  crashes: true,
  aborts: true,
  several: true,
  reconciles: true,
  crowded: true,
  checksHealth: true,
  live: true,
};

const configurations: Readonly<Record<string, ModelConfiguration>> = {
  plain: {},
  aborts: { aborts: true },
  reconciles: { reconciles: true, aborts: true },
  health: { checksHealth: true, aborts: true },
  slow: { slow: true, aborts: true, reconciles: true },
  failing: { slow: true, failing: true, reconciles: true },
  closes: { closes: true, reconciles: true },
  'closes-slow': { closes: true, slow: true, aborts: true, reconciles: true },
  crashes: { crashes: true, reconciles: true },
  'crashes-slow': { crashes: true, slow: true, reconciles: true },
  crowded: { crowded: true, reconciles: true },
  'crowded-slow': { crowded: true, slow: true },
  several: { several: true, reconciles: true },
  live: { live: true, aborts: true, reconciles: true, slow: true },
  manual: { byHand: true, live: true, aborts: true, reconciles: true },
  'manual-crashes': { byHand: true, live: true, crashes: true, closes: true, slow: true },
  everything,
};

for (const [name, configuration] of Object.entries(configurations)) {
  const skipped = MODEL_ONLY !== undefined && !MODEL_ONLY.split(',').includes(name);
  test.skipIf(skipped)(
    `whatever happens, what was acknowledged is applied in order: ${name}`,
    { timeout: 5_000 + runs * 500 },
    async () => {
      const failed: { seed: number; found: readonly string[]; log: readonly string[] }[] = [];
      for (let seed = first; seed < first + runs; seed += 1) {
        const { history, log } = await runModel(seed, configuration);
        const found = findings(history);
        if (found.length > 0) failed.push({ seed, found, log });
      }
      const [shortest] = failed.toSorted((one, other) => one.log.length - other.log.length);
      if (!shortest) return;
      const { seed, found, log } = shortest;
      const repeat = `MODEL_ONLY=${name} MODEL_SEED=${seed} MODEL_RUNS=1`;
      const seeds = failed.map((each) => each.seed).join(', ');
      expect.fail([repeat, ...found, ...log, `Failed seeds: ${seeds}`].join('\n'));
    },
  );
}

function written(number: number, about: Partial<ModelWrite> = {}): ModelWrite {
  return { number, call: number, lane: 'a', kind: 'reconciled', answer: 'queued', ...about };
}

function found(history: Partial<History>): readonly string[] {
  const complete = { writes: [], applied: [], stuck: [], timerRates: [], ...history };
  return findings(complete).map((finding) => finding.replace(/:.*/, ''));
}

test('the oracle finds nothing in a history that is right', () => {
  const writes = [
    written(0),
    written(1, { lane: 'b', answer: 'applied' }),
    written(2, { kind: 'idempotent' }),
    written(3, { answer: 'refused', code: 'FALLBACK_QUEUE_FULL' }),
    written(4, { answer: 'refused', code: 'FALLBACK_UNKNOWN_OUTCOME' }),
    written(5, { answer: 'untold' }),
  ];
  expect(found({ writes, applied: [1, 0, 2, 2, 4], timerRates: [1] })).toEqual([]);
});

test('the oracle finds a write that was lost', () => {
  expect(found({ writes: [written(0), written(1)], applied: [1] })).toEqual(['lost']);
});

test('the oracle finds a reconciled write that was applied twice', () => {
  expect(found({ writes: [written(0)], applied: [0, 0] })).toEqual(['doubled']);
});

test('the oracle finds an inversion, also where only a repetition came too late', () => {
  const writes = [0, 1].map((number) => written(number, { kind: 'idempotent' }));
  expect(found({ writes, applied: [1, 0] })).toEqual(['inverted']);
  expect(found({ writes, applied: [0, 1, 0] })).toEqual(['inverted']);
});

test('the oracle finds a write that was refused and applied all the same', () => {
  const code = 'FALLBACK_STORE_FAILED';
  const writes = [
    written(0, { answer: 'refused', code, call: 0 }),
    written(1, { answer: 'refused', code, call: 0 }),
  ];
  expect(found({ writes, applied: [0] })).toEqual([]);
  expect(found({ writes, applied: [0, 1] })).toEqual(['refused but applied']);
});

test('the oracle finds what does not end, and what spins', () => {
  expect(
    found({ writes: [written(0, { answer: 'none' })], stuck: ['close()'], timerRates: [1, 900] }),
  ).toEqual(['stuck', 'hot', 'unsettled']);
});
