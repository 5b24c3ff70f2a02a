/** The beginning of an outage is exported at once: it is what a person looks for while it runs. */

import { AsyncResource } from 'node:async_hooks';
import { subscribe } from 'node:diagnostics_channel';
import type { Telemetry } from './telemetry.ts';

/** Where core says that an outage began. */
const channel = 'graphiti-fallback.activated';

/** Flushes when an outage begins, outside of the request that saw it begin. */
export function flushAtActivation({ flush }: Pick<Telemetry, 'flush'>): void {
  let waiting = false;
  const onActivated = () => {
    if (waiting) return;
    waiting = true;
    // What is being recorded about it just now shall be there, too.
    setImmediate(() => {
      waiting = false;
      void flush();
    });
  };
  subscribe(channel, AsyncResource.bind(onActivated));
}
