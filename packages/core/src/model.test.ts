/**
 * Random stories of everything that the queue promises, against an oracle. The same ones each time; to
 * look further:
 *
 * - `MODEL_RUNS=2000` runs so many stories for each configuration, others each time
 * - `MODEL_ONLY=failing,crashes` leaves out the other configurations
 * - `MODEL_SEED=…` and `MODEL_PATH=…`, with `MODEL_ONLY`, repeat what a failure told
 *
 * A failure tells the shortest story that was found, and what the kit did in it.
 */

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { findings, type History, type ModelWrite } from './model-oracle.test.support.ts';
import { runModel } from './model-run.test.support.ts';
import { type ModelConfiguration, stories } from './model-story.test.support.ts';

const { MODEL_RUNS, MODEL_SEED, MODEL_PATH, MODEL_ONLY } = process.env;
const runs = Number(MODEL_RUNS ?? 20);
const seed = MODEL_SEED ? Number(MODEL_SEED) : MODEL_RUNS ? Date.now() : 1;

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
  'two-breakers': { twoBreakers: true, live: true, aborts: true, reconciles: true, slow: true },
  'two-breakers-crashes': {
    twoBreakers: true,
    byHand: true,
    closes: true,
    crashes: true,
    reconciles: true,
    slow: true,
  },
  everything,
};

for (const [name, configuration] of Object.entries(configurations)) {
  const skipped = MODEL_ONLY !== undefined && !MODEL_ONLY.split(',').includes(name);
  test.skipIf(skipped)(
    `whatever happens, what was acknowledged is applied in order: ${name}`,
    { timeout: 60_000 + runs * 500 },
    async () => {
      const keepsPromises = fc.asyncProperty(stories(configuration), async (story) => {
        const { history, log } = await runModel(story, configuration);
        const found = findings(history);
        if (found.length > 0) throw new Error([...found, ...log].join('\n'));
      });
      await fc.assert(keepsPromises, {
        numRuns: runs,
        seed,
        ...(MODEL_PATH && { path: MODEL_PATH }),
      });
    },
  );
}

function written(number: number, about: Partial<ModelWrite> = {}): ModelWrite {
  return { number, call: number, lane: 'a', kind: 'reconciled', answer: 'queued', ...about };
}

function found({
  applied = [],
  ...history
}: Partial<Omit<History, 'applied'>> & {
  readonly applied?: readonly number[];
}): readonly string[] {
  const applications = applied.map((number) => ({ number, key: String(number) }));
  const complete = { writes: [], wrong: [], timerRates: [], ...history, applied: applications };
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
    found({
      writes: [written(0, { answer: 'none' })],
      wrong: ['stuck: close()'],
      timerRates: [1, 900],
    }),
  ).toEqual(['stuck', 'hot', 'unsettled']);
});

test('the oracle finds a write that was sent again under another key', () => {
  const writes = [written(0, { kind: 'idempotent' })];
  const applied = ['one', 'other'].map((key) => ({ number: 0, key }));
  const [finding] = findings({ writes, applied, wrong: [], timerRates: [] });
  expect(finding).toMatch(/^rekeyed/);
});
