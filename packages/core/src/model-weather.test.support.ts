/** What surrounds the processes of a model run, and how it fares at the moment. */

import type { ManualClock } from './manual-clock.test.support.ts';
import type { Chance } from './model-chance.test.support.ts';

/** How the upstream and the disk fare. */
export interface Weather {
  /** Share of the upstream's calls that go wrong. */
  outage: number;
  disk: 'well' | 'slow' | 'failing';
  /** When the disk first failed, where it has done nothing else since. */
  diskFailingSince: number | undefined;
}

/** Whether a process still runs: nothing that it began before it was killed may act afterwards. */
export interface Life {
  alive: boolean;
}

/** What everything in a run shares. */
export interface Surroundings {
  readonly clock: ManualClock;
  readonly chance: Chance;
  readonly weather: Weather;
  /** Takes a line for the log of the run. */
  readonly note: (what: string) => void;
}

/** The answer to a process that is dead, or from an upstream that hangs. */
export function never(): Promise<never> {
  return new Promise(() => {});
}

/** Waits up to `most` ms; a dead process never sees the end of it. */
export async function delay(
  { clock, chance }: Surroundings,
  life: Life,
  most: number,
): Promise<void> {
  await new Promise<void>((resolve) => clock.after(chance.below(most), resolve));
  if (!life.alive) await never();
}
