/** Operations that the upstream has acknowledged, and that nobody has seen there yet: kept, beside the lanes. */

import type { Clock } from '../clock.ts';
import type { Undo } from '../events.ts';
import type { DeadLetters } from './dead-letters.ts';
import type { Entry } from './lane.ts';
import type { AcceptedChange, AcceptedOperations, Doubt } from './lane-queue.ts';
import type { Lanes } from './lanes.ts';
import type { Ledger } from './ledger.ts';
import type { LiveTurns } from './live-turns.ts';
import type { OperationRecord } from './operation-record.ts';
import { requeued } from './transfer.ts';

interface Surroundings {
  readonly lanes: Lanes;
  readonly ledger: Ledger;
  readonly dead: DeadLetters;
  readonly turns: LiveTurns;
  readonly clock: Clock;
  readonly say: (
    event: 'accepted' | 'confirmed' | 'unconfirmed' | 'resent',
    operation: OperationRecord,
    more?: { readonly acceptedForMs?: number },
  ) => void;
}

type Listener = (record: OperationRecord, how: AcceptedChange) => void;

/** The shelf of accepted operations. A record on it has `acceptedAt`, and `unconfirmedAt` when its time is over. */
export class Accepted implements AcceptedOperations {
  readonly #around: Surroundings;
  readonly #listeners = new Set<Listener>();

  constructor(around: Surroundings) {
    this.#around = around;
  }

  get size(): number {
    return this.#around.lanes.accepted.entries.size;
  }

  *inTime(operation: string): Iterable<OperationRecord> {
    for (const { record } of this.#around.lanes.accepted.inTime(operation)) yield record;
  }

  get(id: string): OperationRecord | undefined {
    return this.#around.lanes.accepted.entries.get(id)?.record;
  }

  *[Symbol.iterator](): Iterator<OperationRecord> {
    for (const { record } of this.#around.lanes.accepted.entries.values()) yield record;
  }

  onChange(listener: Listener): Undo {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Takes an operation out of its lane, which goes on without it. */
  async take(entry: Entry | undefined, sentAt: number): Promise<void> {
    if (!entry) return;
    const { lanes, ledger, clock, say } = this.#around;
    const acceptedAt = clock.now();
    const written = ledger.update(entry, (record) => acceptedRecord(record, sentAt, acceptedAt));
    // At once: a store that hangs must hold neither the lane nor the look for it.
    lanes.remove(entry);
    lanes.accepted.add(entry);
    say('accepted', entry.record);
    this.#tell(entry.record, 'accepted');
    await written;
  }

  /** One of another process, which is gone, is here from now on. */
  takeUp(id: string): void {
    const record = this.get(id);
    if (record) this.#tell(record, 'taken_up');
  }

  confirm(id: string): boolean {
    const { lanes, ledger } = this.#around;
    const entry = lanes.accepted.entries.get(id);
    if (!entry?.committed) return false;
    ledger.removeLazily(entry, 'confirmed');
    this.confirmed(entry.record);
    return true;
  }

  /** Tells that an operation was seen, wherever it stood. */
  confirmed(record: OperationRecord): void {
    const { acceptedAt } = record;
    const acceptedForMs =
      acceptedAt === undefined ? undefined : Math.max(0, this.#around.clock.now() - acceptedAt);
    this.#around.say('confirmed', record, acceptedForMs === undefined ? {} : { acceptedForMs });
    this.#tell(record, 'confirmed');
  }

  unconfirmed(id: string): void {
    const { lanes, ledger, clock, say } = this.#around;
    const entry = lanes.accepted.entries.get(id);
    if (!entry || entry.record.unconfirmedAt !== undefined) return;
    const unconfirmedAt = clock.now();
    lanes.accepted.late(entry);
    say('unconfirmed', entry.record);
    ledger.updateLazily(entry, (record) => ({ ...record, unconfirmedAt }));
  }

  async resend(id: string): Promise<boolean> {
    const { lanes } = this.#around;
    const record = this.get(id);
    if (!record || record.doubted || lanes.find(record.lane)?.holder?.kind === 'live') return false;
    return this.requeue(id);
  }

  /** A person wants it to be sent again. */
  async requeue(id: string): Promise<boolean> {
    const { lanes, turns, say } = this.#around;
    const entry = lanes.accepted.entries.get(id);
    if (!entry?.committed) return false;
    // While it is being queued nobody else may queue or purge it.
    entry.committed = false;
    try {
      const again = { ...requeued(entry.record), resends: (entry.record.resends ?? 0) + 1 };
      const [appended] = await turns.append([again]);
      if (appended?.status !== 'queued') return false;
      say('resent', entry.record);
      return true;
    } finally {
      entry.committed = true;
      if (entry.record.doubted) void this.#change([entry], (record) => record);
    }
  }

  doubt(ids: readonly string[]): Doubt {
    const { lanes } = this.#around;
    const entries = ids
      .flatMap((id) => lanes.accepted.entries.get(id) ?? lanes.entries.get(id) ?? [])
      // What was doubted by an earlier process is doubted for good.
      .filter(({ record, doubts }) => doubts || !record.doubted);
    const who = {};
    for (const entry of entries) entry.doubts = (entry.doubts ?? new Set()).add(who);
    const fresh = entries.filter(({ record }) => !record.doubted);
    return {
      stored: this.#change(fresh, (record) => ({ ...record, doubted: true })),
      withdraw: () => {
        const certain = entries.filter((entry) => entry.doubts?.delete(who) && !entry.doubts.size);
        for (const entry of certain) entry.doubts = undefined;
        return this.#change(certain, ({ doubted: _was, ...record }) => record);
      },
    };
  }

  async #change(
    entries: readonly Entry[],
    change: (record: OperationRecord) => OperationRecord,
  ): Promise<void> {
    const { lanes, ledger } = this.#around;
    const here = entries.filter((entry) => lanes.known(entry.record.id) === entry);
    await Promise.all(
      here.map((entry) => {
        if (entry.committed) return ledger.update(entry, change);
        // One that is still being stored must not be stored by this if its own commit fails.
        entry.record = change(entry.record);
        return undefined;
      }),
    );
  }

  async giveUp(id: string, reason: 'unconfirmed' | 'expired'): Promise<void> {
    const { lanes, dead } = this.#around;
    const entry = lanes.accepted.entries.get(id);
    if (!entry?.committed) return;
    lanes.takeOut(entry);
    await dead.bury(lanes.lane(entry.record.lane), entry, { reason, error: reason });
  }

  #tell(record: OperationRecord, how: AcceptedChange): void {
    for (const listener of this.#listeners) listener(record, how);
  }
}

function acceptedRecord(
  record: OperationRecord,
  sentAt: number,
  acceptedAt: number,
): OperationRecord {
  const {
    inFlight: _over,
    nextAt: _due,
    untilRecovery: _too,
    firstFailureAt: _first,
    lastError: _last,
    ...rest
  } = record;
  return { ...rest, sentAt, acceptedAt };
}
