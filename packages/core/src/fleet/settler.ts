/** How claims of the shared queue end: told until it is heard, and what comes of it told here. */

import type { Clock } from '../clock.ts';
import type { FallbackEvents } from '../events.ts';
import type { QueueVerdict } from '../queue/lane-queue.ts';
import type { OperationRecord } from '../queue/operation-record.ts';
import { recordAfter } from '../queue/record-after.ts';
import {
  isSharedQueueUnavailable,
  type SharedClaim,
  type SharedQueue,
  type SharedVerdict,
} from '../queue/shared-queue.ts';
import { endingOf, progressOf } from './shared-record.ts';

interface Surroundings {
  readonly shared: SharedQueue;
  readonly clock: Clock;
  /** Operations of which the next head of the lane is wanted at once. */
  readonly wanted: (operation: string) => readonly string[];
  /** One that came with a settlement. */
  readonly onNext: (claim: SharedClaim) => void;
  /** Its lane may have one that was not asked for. */
  readonly onFree: () => void;
  /** It is not to be applied any more. */
  readonly onEnded: (id: string) => void;
  readonly onFailure: (error: unknown) => void;
  readonly say: (
    event: 'dead_lettered',
    record: OperationRecord,
    more: Pick<FallbackEvents['queue'], 'reason' | 'error' | 'trace'>,
  ) => void;
}

/** What could not be settled is settled again after this time, doubling to the longest, in ms. */
const shortestPause = 50;
const longestPause = 1_000;
/**
 * What waits for the upstream's recovery waits so long at most, in ms: the instance that hears of it may
 * have done so before this wait began, and what is tried meanwhile is up to the breakers.
 */
const longestUntilRecovery = 5_000;

/** Settles claims. */
export class Settler {
  readonly #around: Surroundings;
  readonly #ending = new Set<Promise<unknown>>();
  /** Ends the pauses before another try. */
  readonly #hurry = new Set<() => void>();
  #closed = false;

  constructor(around: Surroundings) {
    this.#around = around;
  }

  /** Ends a claim as the drain says; a dead letter is told. */
  async settle(
    claim: SharedClaim,
    record: OperationRecord,
    verdict: Exclude<QueueVerdict, { kind: 'accepted' }>,
  ): Promise<'ok' | 'lost'> {
    const { clock, say } = this.#around;
    const settled = await this.end(claim, verdictOf(record, verdict, clock.now()), record);
    if (settled === 'ok' && verdict.kind === 'dead') {
      const { trace } = record;
      const { reason, error } = verdict;
      say('dead_lettered', record, { reason, error, ...(trace && { trace }) });
    }
    return settled;
  }

  /** Tried until it is heard: it is right also after the lease, since the fence decides. */
  end(
    claim: SharedClaim,
    verdict: SharedVerdict,
    record?: OperationRecord,
  ): Promise<'ok' | 'lost'> {
    const ending = this.#end(claim, verdict, record);
    this.#ending.add(ending);
    return ending.finally(() => this.#ending.delete(ending));
  }

  /** What is not settled by now is given back with the session. */
  close(): void {
    this.#closed = true;
    for (const goOn of this.#hurry) goOn();
  }

  /** Resolves when what is on its way has been heard, or never will be. */
  async ended(): Promise<void> {
    while (this.#ending.size > 0) await Promise.allSettled(this.#ending);
  }

  async #end(
    claim: SharedClaim,
    verdict: SharedVerdict,
    record?: OperationRecord,
  ): Promise<'ok' | 'lost'> {
    const { shared, clock, wanted, onNext, onFree, onEnded, onFailure } = this.#around;
    const ends = verdict.kind === 'done' || verdict.kind === 'dead';
    for (let pause = shortestPause; ; pause = Math.min(pause * 2, longestPause)) {
      try {
        const next = ends && record && !this.#closed ? wanted(record.operation) : [];
        const settled = await shared.settle({ claim, verdict, next });
        if (settled.status === 'lost') return 'lost';
        if (ends) onEnded(claim.record.id);
        if (settled.next) onNext(settled.next);
        else if (next.length === 0) onFree();
        return 'ok';
      } catch (error) {
        const isAway = isSharedQueueUnavailable(error);
        if (!isAway) onFailure(error);
        if (this.#closed || !isAway) return 'lost';
        await new Promise<void>((resolve) => {
          const goOn = () => {
            this.#hurry.delete(goOn);
            resolve();
          };
          this.#hurry.add(goOn);
          clock.after(pause, goOn);
        });
      }
    }
  }
}

function verdictOf(
  record: OperationRecord,
  verdict: Exclude<QueueVerdict, { kind: 'accepted' }>,
  now: number,
): SharedVerdict {
  switch (verdict.kind) {
    case 'release':
      return verdict;
    case 'done':
      return { kind: 'done', ending: endingOf(record, verdict.seen ? 'confirmed' : 'done', now) };
    case 'dead': {
      const { nextAt: _due, ...rest } = record;
      const { reason, error } = verdict;
      return { kind: 'dead', progress: progressOf({ ...rest, dead: reason, lastError: error }) };
    }
    case 'stop': {
      const kind = verdict.reason === 'unauthorized' ? 'blocked' : 'parked';
      return { kind, progress: progressOf(recordAfter(record, verdict, now)) };
    }
    case 'retry': {
      const { delayMs, untilRecovery } = verdict;
      const progress = progressOf(recordAfter(record, verdict, now));
      const wait = untilRecovery ? Math.min(delayMs, longestUntilRecovery) : delayMs;
      return { kind: 'retry', delayMs: wait, untilRecovery, progress };
    }
  }
}
