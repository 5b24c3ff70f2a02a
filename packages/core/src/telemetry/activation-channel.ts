/** Says on Node's diagnostics channel that an outage began: whoever exports telemetry may do so at once. */

import { channel } from 'node:diagnostics_channel';
import type { Emitter, FallbackEvents } from '../events.ts';

/** A channel of the process, so that two installed copies and no import are no matter. */
const activations = channel('graphiti-fallback.activated');

/** Publishes each activation of a manager, as it tells it itself, with its name. */
export function publishActivations(name: string, events: Emitter<FallbackEvents>): void {
  events.on('activated', (event) => {
    if (activations.hasSubscribers) activations.publish({ name, ...event });
  });
}
