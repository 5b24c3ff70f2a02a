/** The status as it is read over HTTP, by anybody and as often as they like. */

import type { FallbackManager, FallbackStatus } from '@graphiti-fallback/core';
import { seldom } from './seldom.ts';

/** Reads the status of a manager. What it throws, the manager has thrown. */
export interface StatusReader {
  (): FallbackStatus;
  /** From now on it is read anew each time: that the manager is closed must not be told late. */
  end(): void;
}

/** A long queue takes long to count through: that may take this share of the time, whoever asks. */
const shareOfTime = 0.1;

/** Makes the reader. What people wait for, a breaker that changes or what an operator did, shows at once. */
export function createStatusReader(manager: FallbackManager): StatusReader {
  const read = seldom(shareOfTime, () => manager.status());
  let ended = false;
  const undo = [
    manager.on('stateChange', () => read.forget()),
    manager.on('operatorActed', () => read.forget()),
  ];
  return Object.assign(() => (ended ? manager.status() : read()), {
    end() {
      ended = true;
      for (const stop of undo) stop();
    },
  });
}
