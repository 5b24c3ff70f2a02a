/** Waiting, but not for ever. */

import type { Clock } from './clock.ts';
import { TimeoutError } from './errors.ts';
import type { Undo } from './events.ts';

/** What a promise brings within `ms`. @throws {TimeoutError} when it takes longer */
export async function withinTime<T>(clock: Clock, ms: number, promise: Promise<T>): Promise<T> {
  let cancel: Undo = () => {};
  const late = new Promise<never>((_resolve, reject) => {
    cancel = clock.after(ms, () => reject(new TimeoutError(ms)), true);
  });
  return Promise.race([promise, late]).finally(() => cancel());
}
