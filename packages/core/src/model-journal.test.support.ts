/** A disk that is slow or fails, as one process sees it. */

import type { Change, Durability, Journal } from './journal.ts';
import { delay, type Life, never, type Surroundings } from './model-weather.test.support.ts';

/** The kit's promise of order and of no repetition holds over failures of up to 5 s, in ms. */
const longestFailing = 3_500;

/** What is kept outlives the process; its unfinished commits do not. */
export function modelJournal(kept: Journal, life: Life, around: Surroundings): Journal {
  const { clock, chance, weather, note } = around;
  let closed = false;
  let last: Promise<unknown> = Promise.resolve();

  async function store(changes: readonly Change[], lazy: boolean): Promise<Durability> {
    if (!life.alive) return never();
    if (closed) throw new Error('The journal is closed');
    // Who commits lazily is told at once: it can see a failure, but no slowness.
    const { disk } = weather;
    const slow = !lazy && disk !== 'well' && chance.happens(0.7);
    const late = slow && chance.happens(0.5);
    if (slow && !late) await delay(around, life, 400);
    const what = changes.flatMap(named).join(', ');
    if (disk === 'failing' && mayFail() && chance.happens(lazy ? 0.3 : 0.6)) {
      if (what) note(`disk fails: ${what}`);
      throw new Error('EIO');
    }
    if (!lazy) weather.diskFailingSince = undefined;
    await kept.commit(changes);
    if (what) note(`disk ${what}${late ? ', tells it late' : ''}`);
    // Stored, but a process that is killed now was never told.
    if (late) await delay(around, life, 400);
    return life.alive ? 'disk' : never();
  }

  function mayFail(): boolean {
    weather.diskFailingSince ??= clock.elapsed();
    return clock.elapsed() - weather.diskFailingSince < longestFailing;
  }

  return {
    ...kept,
    commit(changes, { lazy = false } = {}) {
      const stored = last.then(() => store(changes, lazy));
      last = stored.catch(() => {});
      return stored;
    },
    async close() {
      await last;
      closed = true;
    },
  };
}

/** The queue's changes are what a log is read for. */
function named(change: Change): readonly string[] {
  if (change.bucket !== 'queue') return [];
  if (!('put' in change)) return [`deletes ${change.key}`];
  const { input } = change.put as { readonly input?: { readonly number?: number } };
  return [`puts ${input?.number} as ${change.key}`];
}
