/** A connection that is lost is most often back at once. */

import type { Clock } from '../clock.ts';
import type { SharedQueue } from '../queue/shared-queue.ts';

/** How long it is waited for, and how often is looked, in ms. */
const longest = 1_000;
const glance = 25;

/** Whether the shared queue can be asked, now or in a moment. */
export async function isBack(shared: SharedQueue, clock: Clock): Promise<boolean> {
  const until = clock.elapsed() + longest;
  while (!shared.available && clock.elapsed() < until)
    await new Promise<void>((resolve) => {
      // Somebody waits for this: the process must not end before it.
      clock.after(glance, resolve, true);
    });
  return shared.available;
}
