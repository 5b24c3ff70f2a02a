/** Time that passes when a test says so. */

import type { Clock } from './clock.ts';

export interface ManualClock extends Clock {
  /** Lets `ms` pass: everything due is called in order, and what that set in motion settles in between. */
  advance(ms: number): Promise<void>;
  /** Somebody sets the wall clock, by `ms` forwards, or back. */
  set(ms: number): void;
}

export function manualClock(start = 1_700_000_000_000): ManualClock {
  let time = 0;
  let wall = start;
  const due = new Set<{ readonly at: number; readonly wake: () => void }>();
  return {
    now: () => wall + time,
    elapsed: () => time,
    after(ms, wake) {
      const timer = { at: time + Math.max(0, ms), wake };
      due.add(timer);
      return () => due.delete(timer);
    },
    set(ms) {
      wall += ms;
    },
    async advance(ms) {
      const end = time + ms;
      await settled();
      for (;;) {
        const next = [...due].filter(({ at }) => at <= end).sort((a, b) => a.at - b.at)[0];
        if (!next) break;
        due.delete(next);
        time = Math.max(time, next.at);
        next.wake();
        await settled();
      }
      time = end;
      await settled();
    },
  };
}

/** Everything that promises alone can do is done. */
export function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
}
