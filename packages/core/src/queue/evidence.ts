/** Whether a failing operation is to blame, or the upstream: told by how other writes fare. */

import type { Clock } from '../clock.ts';
import type { OperationRecord } from './operation-record.ts';

interface Event {
  readonly id: string;
  readonly at: number;
}

/** What the writes behind one breaker showed last. */
export class Evidence {
  readonly #clock: Clock;
  #success: Event | undefined;
  #failures: Event[] = [];

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  succeeded(id: string): void {
    this.#success = { id, at: this.#clock.now() };
    this.#failures = [];
  }

  /** Two are enough to know one that is not the operation in question. */
  failed(id: string): void {
    const others = this.#failures.filter((failure) => failure.id !== id);
    this.#failures = [...others.slice(-1), { id, at: this.#clock.now() }];
  }

  /**
   * Whether a failure is the operation's own: another write succeeded since it first failed, and none
   * failed after that. Otherwise an outage that answers 500 would give up the whole queue.
   */
  against({ id, firstFailureAt }: OperationRecord): boolean {
    const success = this.#success;
    if (!success || success.id === id || firstFailureAt === undefined) return false;
    return success.at >= firstFailureAt && this.#failures.every((failure) => failure.id === id);
  }
}
