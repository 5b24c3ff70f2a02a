/** How long queued operations waited, how long their replays took, and how long it took to see them upstream. */

import type { Engine } from '../engine.ts';

/** Records each replay and each confirmation of a manager. */
export function recordReplays({ name, collector, events }: Engine): void {
  events.on('processed', ({ result, waitedMs, durationMs }) => {
    collector.record('queueWaitDuration', name, [name, result], waitedMs / 1000);
    collector.record('queueProcessDuration', name, [name, result], durationMs / 1000);
  });
  events.on('queue', ({ acceptedForMs }) => {
    if (acceptedForMs !== undefined)
      collector.record('queueConfirmDuration', name, [name], acceptedForMs / 1000);
  });
}
