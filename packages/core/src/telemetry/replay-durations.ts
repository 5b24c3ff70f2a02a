/** How long queued operations waited, and how long their replays took. */

import type { Engine } from '../engine.ts';

/** Records each replay of a manager. */
export function recordReplays({ name, collector, events }: Engine): void {
  events.on('processed', ({ result, waitedMs, durationMs }) => {
    collector.record('queueWaitDuration', name, [name, result], waitedMs / 1000);
    collector.record('queueProcessDuration', name, [name, result], durationMs / 1000);
  });
}
