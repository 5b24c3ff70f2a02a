import { expect, test } from 'vitest';
import { manualClock } from '../manual-clock.test.support.ts';
import type { MovableQueue } from '../queue/lane-queue.ts';
import { type SharedQueue, SharedQueueUnavailable } from '../queue/shared-queue.ts';
import { LaneWatch } from './lane-watch.ts';

/** A shared queue that answers as the test says. */
function watched(heldAny: boolean) {
  const clock = manualClock();
  const answers: (boolean | 'lost')[] = [];
  const shared = {
    available: true,
    async busy() {
      const answer = answers.shift() ?? 'lost';
      if (answer === 'lost') throw new SharedQueueUnavailable('lost', true);
      return answer;
    },
  };
  const watch = new LaneWatch({
    shared: shared as unknown as SharedQueue,
    local: { queues: () => false } as unknown as MovableQueue,
    clock,
    heldAny: () => heldAny,
  });
  return { clock, answers, shared, watch };
}

test('an answer that got lost is asked for again, and again, while the connection is soon back', async () => {
  const { clock, answers, watch } = watched(false);
  answers.push('lost', 'lost', 'lost', 'lost', true);
  const behind = watch.isBehind('a');
  await clock.advance(1_000);
  expect(await behind).toBe(true);
});

test.each([[true], [false]])(
  'what is known here has to do where it stays away: %s',
  async (heldAny) => {
    const { clock, shared, watch } = watched(heldAny);
    shared.available = false;
    const behind = watch.isBehind('a');
    await clock.advance(1_100);
    expect(await behind).toBe(heldAny);
  },
);

test('it is not asked for ever', async () => {
  const { clock, watch } = watched(false);
  const behind = watch.isBehind('a');
  await clock.advance(5_000);
  expect(await behind).toBe(false);
});

test('until it is known where a write is queued, whoever comes to its lane is behind it', async () => {
  const { answers, watch } = watched(false);
  let stored = () => {};
  const storing = watch.whileQueueing(['a'], () => new Promise<void>((done) => (stored = done)));
  expect(watch.isQueueing('a')).toBe(true);
  expect(await watch.isBehind('a')).toBe(true);
  answers.push(false);
  expect(await watch.isBehind('b')).toBe(false);
  stored();
  await storing;
  answers.push(false);
  expect(await watch.isBehind('a')).toBe(false);
});

test('an answer that was given before a write was queued here is not believed', async () => {
  const { answers, watch } = watched(false);
  answers.push(false, true);
  const behind = watch.isBehind('a');
  await Promise.resolve(); // it is being asked
  await watch.whileQueueing(['a'], async () => {});
  expect(await behind).toBe(true);
});
