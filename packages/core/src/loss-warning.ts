/** Writes that are in memory only end with the process: that must not happen without a word. */

import type { Emitter, FallbackEvents, Undo } from './events.ts';
import type { LaneQueue } from './queue/lane-queue.ts';

/** Who has such writes. One listener serves all: each of its own would look like a leak. */
const warnings = new Set<() => void>();

function onExit(): void {
  for (const warn of warnings) warn();
}

/** Warns when the process exits with such writes; to be called at close, when it warns for the last time. */
export function warnOfLosses(queue: LaneQueue, events: Emitter<FallbackEvents>): Undo {
  const warn = () => {
    const { volatile: count } = queue;
    if (count === 0) return;
    const writes = count === 1 ? 'A write that was' : `${count} writes that were`;
    events.emit('warning', {
      message: `${writes} kept in memory only could not be replayed: lost`,
    });
  };
  events.on('queue', ({ event }) => {
    if (event !== 'enqueued' || queue.volatile === 0) return;
    if (warnings.size === 0) process.on('exit', onExit);
    warnings.add(warn);
  });
  return () => {
    warnings.delete(warn);
    if (warnings.size === 0) process.off('exit', onExit);
    warn();
  };
}
