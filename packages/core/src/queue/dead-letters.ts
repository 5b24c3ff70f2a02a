/** Operations that are not tried any more: kept for a person to decide, within a bound. */

import type { Entry, Lane } from './lane.ts';
import type { Lanes } from './lanes.ts';
import type { Ledger } from './ledger.ts';
import type { DeadReason, OperationRecord, TraceCarrier } from './operation-record.ts';

interface Surroundings {
  readonly lanes: Lanes;
  readonly ledger: Ledger;
  /** So many are kept. */
  readonly most: number;
  readonly say: (
    event: 'dead_lettered' | 'dropped',
    operation: OperationRecord,
    more: { readonly reason: string; readonly error?: string; readonly trace?: TraceCarrier },
  ) => void;
}

/** Dead letters; they hold no lane. */
export class DeadLetters {
  readonly #around: Surroundings;

  constructor(around: Surroundings) {
    this.#around = around;
  }

  /** Takes an operation out of its lane, which goes on without it. */
  async bury(
    lane: Lane,
    entry: Entry,
    { reason, error }: { readonly reason: DeadReason; readonly error: string },
  ): Promise<void> {
    const { lanes, ledger, say } = this.#around;
    lanes.remove(entry);
    lanes.dead.set(entry.record.id, entry);
    lanes.arrange(lane);
    const { trace } = entry.record;
    say('dead_lettered', entry.record, { reason, error, ...(trace && { trace }) });
    await ledger.update(
      entry,
      ({ inFlight: _over, nextAt: _due, acceptedAt: _at, unconfirmedAt: _not, ...record }) => ({
        ...record,
        dead: reason,
        lastError: error,
      }),
    );
    await this.#dropOldest();
  }

  /** Puts one at the tail of its lane again, as if it were new: the lane went on without it. */
  async revive(entry: Entry): Promise<void> {
    const { lanes, ledger } = this.#around;
    await ledger.updateAtTail(entry, revived);
    if (lanes.dead.delete(entry.record.id)) lanes.add(entry);
  }

  /** They are bounded, too; of those that go nothing goes silently. */
  async #dropOldest(): Promise<void> {
    const { lanes, ledger, most, say } = this.#around;
    for (const entry of lanes.dead.values()) {
      if (lanes.dead.size <= most) return;
      lanes.dead.delete(entry.record.id);
      say('dropped', entry.record, { reason: 'dead_letters' });
      await ledger.remove(entry, 'dropped');
    }
  }
}

/** A person said: try again, as if it were new. */
export function revived({
  dead,
  stopped: _stopped,
  nextAt: _due,
  untilRecovery: _too,
  resends: _again,
  doubted: _known,
  sentAt,
  ...record
}: OperationRecord): OperationRecord {
  // One that the upstream acknowledged may have come after all: it is looked for first.
  const looked = dead === 'unconfirmed' && sentAt !== undefined;
  return { ...record, attempts: 0, interruptions: 0, ...(looked && { sentAt }) };
}
