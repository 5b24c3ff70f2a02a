/** A lane goes one at a time: writes that come faster than that pile up though nothing is wrong. */

import type { Emitter, FallbackEvents } from '../events.ts';

/** So many in one lane are told about. */
const many = 1_000;

/** Warns once for each operation whose lane grows while the upstream works. */
export function warnOfLongLanes(events: Emitter<FallbackEvents>, isActive: () => boolean): void {
  const warned = new Set<string>();
  events.on('queue', ({ event, operation, laneDepth = 0 }) => {
    if (event !== 'enqueued' || laneDepth < many || warned.has(operation) || isActive()) return;
    warned.add(operation);
    events.emit('warning', {
      message: `${laneDepth} writes wait in one lane of '${operation}', which goes one at a time: a finer \`lane\` would let them go side by side`,
    });
  });
}
