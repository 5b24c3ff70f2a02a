/** When the app starts to listen: the moment to take up what an earlier process left. */

import { subscribe, unsubscribe } from 'node:diagnostics_channel';

const channel = 'tracing:net.server.listen:asyncEnd';

/** Calls back once, when any server of this process listens; returns how to stop waiting. */
export function onceListening(callback: () => void): () => void {
  const heard = () => {
    stop();
    callback();
  };
  const stop = () => unsubscribe(channel, heard);
  subscribe(channel, heard);
  return stop;
}
