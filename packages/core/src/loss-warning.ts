/** Writes that are in memory only end with the process: that must not happen without a word. */

import type { Emitter, FallbackEvents, Undo } from './events.ts';
import type { LaneQueue } from './queue/lane-queue.ts';

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
  let watches = false;
  events.on('queue', ({ event }) => {
    if (watches || event !== 'enqueued' || queue.volatile === 0) return;
    watches = true;
    process.on('exit', warn);
  });
  return () => {
    process.off('exit', warn);
    warn();
  };
}
