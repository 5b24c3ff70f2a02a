/** A call of anything, with nothing around it but its deadline. */

import type { Deadline } from './deadline.ts';
import { type DeadlineContext, TimedCall } from './timed-call.ts';

/**
 * Runs a call; rejects with {@link TimeoutError} at its deadline, whatever the call does, or with the
 * signal's reason when that aborts.
 */
export function inTime<T>(
  deadline: Deadline,
  call: (context: DeadlineContext) => PromiseLike<T> | T,
  signal?: AbortSignal,
): Promise<T> {
  return new PlainCall<T>(deadline, signal).start(call);
}

class PlainCall<T> extends TimedCall<T> {
  start(call: (context: DeadlineContext) => PromiseLike<T> | T): Promise<T> {
    if (this.begin())
      this.#run(call).then(
        (value) => this.resolve(value),
        (error: unknown) => this.reject(error),
      );
    return this.answer;
  }

  async #run(call: (context: DeadlineContext) => PromiseLike<T> | T): Promise<T> {
    return call(this);
  }

  protected override cut(reason: unknown): unknown {
    return reason;
  }
}
