/** The lane queue over a journal: lanes in memory, places taken at once, receipts after the commit. */

import type { Clock } from '../clock.ts';
import type { Entity } from '../entity.ts';
import type { Emitter, FallbackEvents, Undo } from '../events.ts';
import type { Adopted, Identity, Journal, OpenReport } from '../journal.ts';
import type { Json } from '../json.ts';
import { History } from './history.ts';
import { bytesOf, Intake, type QueueOptions } from './intake.ts';
import type { Entry, Holder, Lane } from './lane.ts';
import type {
  Appended,
  Claim,
  ClaimRequest,
  Decision,
  Entered,
  LaneQueue,
  LocalSync,
  QueueCounts,
  QueueVerdict,
  Wait,
} from './lane-queue.ts';
import { Lanes } from './lanes.ts';
import { Ledger, putRecord } from './ledger.ts';
import { type Addition, LiveTurns } from './live-turns.ts';
import { isRecord, type NewOperation, type OperationRecord } from './operation-record.ts';
import { type OperationReport, reportOf } from './queued-operation.ts';
import { Settlements } from './settlements.ts';
import { requeued } from './transfer.ts';

interface JournalQueueOptions {
  readonly journal: Journal;
  readonly identity: Identity;
  readonly bounds: Required<QueueOptions>;
  readonly clock: Clock;
  readonly random: () => number;
  readonly events: Emitter<FallbackEvents>;
  readonly isDeclared: (operation: string) => boolean;
}

/** An operation that was in flight whenever its process died may be what kills it. */
const mostInterruptions = 3;

/** Creates the queue; {@link LaneQueue.open} reads what an earlier process left. */
export function createJournalQueue(options: JournalQueueOptions): LaneQueue {
  return new JournalQueue(options);
}

class JournalQueue implements LaneQueue {
  readonly #journal: Journal;
  readonly #options: JournalQueueOptions;
  readonly #lanes: Lanes;
  readonly #turns: LiveTurns;
  readonly #listeners = new Set<() => void>();
  readonly #settlements: Settlements;
  readonly #history: History;
  readonly #ledger: Ledger;
  readonly #intake: Intake;
  #stopAdopting: Undo | undefined;
  #closed = false;

  constructor(options: JournalQueueOptions) {
    const { journal, clock, bounds } = options;
    this.#options = options;
    this.#journal = journal;
    this.#lanes = new Lanes(clock);
    this.#settlements = new Settlements(journal, clock, (error) => this.#fail(error));
    this.#history = new History(journal, clock);
    this.#ledger = new Ledger(this.#lanes, this.#settlements, this.#history);
    const intake = new Intake({
      journal,
      lanes: this.#lanes,
      ledger: this.#ledger,
      history: this.#history,
      bounds,
      clock,
      say: (event, operation, more) => this.#say(event, operation, more),
      onFailure: (error) => this.#fail(error),
    });
    this.#intake = intake;
    const storage = {
      limitReached: (operations: readonly NewOperation[]) => intake.limitReached(operations),
      refused: (operation: NewOperation) => this.#say('refused', operation, { reason: 'full' }),
      store: (additions: readonly Addition[]) => this.#store(additions),
      remove: (id: string) => this.#ledger.remove(this.#lanes.entries.get(id)),
      update: (id: string, change: (record: OperationRecord) => OperationRecord) =>
        this.#ledger.update(this.#lanes.entries.get(id), change),
    };
    this.#turns = new LiveTurns(this.#lanes, clock, storage, () => this.#notify());
  }

  async open(): Promise<OpenReport> {
    const report = await this.#journal.open(this.#options.identity);
    const odd = [...this.#journal.entries('queue')].filter(
      ([key, value]) => !this.#load(key, value),
    );
    for (const lane of [...this.#lanes.all()]) this.#lanes.arrange(lane);
    this.#history.load();
    this.#stopAdopting ??= this.#journal.onAdopted?.((records) => this.#adopt(records));
    if (odd.length === 0) return report;
    const warning = `${odd.length} queued records cannot be understood: they are kept, and not replayed`;
    return { ...report, warnings: [...report.warnings, warning] };
  }

  append(operations: readonly NewOperation[]): Promise<readonly Appended[]> {
    return this.#turns.append(operations);
  }

  enter(operation: NewOperation, wait: Wait): Promise<Entered> {
    return this.#turns.enter(operation, wait);
  }

  queueWaiting(operations: ReadonlySet<string>): void {
    this.#turns.queueWaiting(operations);
  }

  busy(lane: string): boolean {
    return this.#lanes.find(lane)?.busy ?? false;
  }

  claim({ max, admits }: ClaimRequest): readonly Claim[] {
    const claims: Claim[] = [];
    if (this.#closed) return claims;
    const { bounds, clock, isDeclared } = this.#options;
    const oldest = clock.now() - bounds.maxAge;
    for (const lane of this.#lanes.ready()) {
      if (claims.length >= max) break;
      const entry = lane.head;
      if (!entry || !isDeclared(entry.record.operation)) continue;
      if (entry.record.enqueuedAt < oldest) {
        this.#bury(lane, entry, { kind: 'dead', reason: 'expired', error: 'too_old' });
        this.#turns.advance(lane);
      } else if (admits(entry.record.operation)) claims.push(this.#hold(lane, entry));
    }
    return claims;
  }

  async settle(claim: Claim, verdict: QueueVerdict): Promise<'ok' | 'lost'> {
    const { lane: name, id } = claim.record;
    const lane = this.#lanes.find(name);
    const entry = lane?.head;
    if (!lane || !entry || entry.record.id !== id || !claim.held(0)) return 'lost';
    if (verdict.kind === 'done') await this.#ledger.remove(entry, 'done');
    else if (verdict.kind === 'dead') await this.#bury(lane, entry, verdict);
    else await this.#ledger.update(entry, (record) => this.#after(record, verdict));
    this.#turns.release(lane);
    return 'ok';
  }

  get size(): number {
    return this.#lanes.entries.size;
  }

  get volatile(): number {
    return this.#lanes.volatile;
  }

  get local(): number {
    return this.#lanes.local.entries.size;
  }

  claimable(operations: ReadonlySet<string>): number {
    const { isDeclared } = this.#options;
    return this.#lanes.ready().count([...operations].filter(isDeclared));
  }

  holds(operations: ReadonlySet<string>): boolean {
    const { isDeclared } = this.#options;
    const ready = new Set([...operations].filter(isDeclared));
    for (const { head } of this.#lanes.all())
      if (head && !head.record.stopped && ready.has(head.record.operation)) return true;
    return false;
  }

  recovered(operations: ReadonlySet<string>): void {
    this.#lanes.recovered(operations);
    this.#notify();
  }

  onWork(listener: () => void): Undo {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  get nextDue(): number | undefined {
    return this.#lanes.nextDue;
  }

  list(): ReturnType<LaneQueue['list']> {
    const { isDeclared } = this.#options;
    const { entries, local, dead } = this.#lanes;
    return [...entries.values(), ...local.entries.values(), ...dead.values()].map((entry) => ({
      record: entry.record,
      state: this.#lanes.stateOf(entry, isDeclared),
    }));
  }

  get(id: string): OperationReport | undefined {
    const entry = this.#find(id);
    if (entry) return reportOf(entry.record, this.#lanes.stateOf(entry, this.#options.isDeclared));
    const ended = this.#history.get(id);
    return ended && { id, ...ended };
  }

  async sync(): Promise<LocalSync> {
    const moving = [...this.#lanes.local.entries.values()]
      .filter(({ committed }) => committed)
      // Ids are in order of arrival; a write that was sent first may have been stored last.
      .sort((one, other) => (one.record.id < other.record.id ? -1 : 1));
    const records = moving.map(({ record }) => record);
    const changed = records.flatMap(({ entity, changed }) => (changed && entity ? [entity] : []));
    if (moving.length === 0) return { queued: 0, changed };
    const appended = await this.#unshelved(moving);
    return { queued: appended.filter(({ status }) => status === 'queued').length, changed };
  }

  /** While they are being queued nobody else may queue or purge them. */
  async #unshelved(moving: readonly Entry[]): Promise<readonly Appended[]> {
    for (const entry of moving) entry.committed = false;
    try {
      return await this.#turns.append(moving.map(({ record }) => requeued(record)));
    } finally {
      for (const entry of moving) entry.committed = true;
    }
  }

  changed(entity: Entity): void {
    for (const entry of this.#lanes.local.concerning(entity))
      if (!entry.record.changed)
        void this.#ledger.update(entry, (record) => ({ ...record, changed: true }));
  }

  pending(entity: Entity): readonly OperationRecord[] {
    return this.#lanes.pending(entity).map(({ record }) => record);
  }

  counts(): QueueCounts {
    return this.#lanes.counts(this.#options.isDeclared);
  }

  async decide(id: string, decision: Decision): Promise<boolean> {
    const entry = this.#find(id);
    if (!entry?.committed) return false;
    const lane = this.#lanes.lane(entry.record.lane);
    if (lane.isInFlight(entry)) return false;
    const decided = await this.#decided(lane, entry, decision);
    this.#lanes.arrange(lane);
    this.#turns.advance(lane);
    this.#notify();
    return decided;
  }

  async #decided(lane: Lane, entry: Entry, decision: Decision): Promise<boolean> {
    const { record } = entry;
    const { id, local, dead, stopped } = record;
    if (decision === 'purge' || decision === 'ack') {
      // Out of its lane first: while the removal is being written it must not be sent.
      if (!this.#lanes.dead.delete(id)) this.#lanes.remove(entry);
      this.#lanes.local.remove(entry);
      this.#lanes.arrange(lane);
      await this.#ledger.remove(entry, decision === 'ack' ? 'done' : 'purged');
      return true;
    }
    if (decision === 'skip') {
      if (dead || local) return false;
      await this.#bury(lane, entry, { kind: 'dead', reason: 'skipped', error: 'skipped' });
      return true;
    }
    if (local) {
      const [appended] = await this.#unshelved([entry]);
      return appended?.status === 'queued';
    }
    if (!dead && !stopped) return false;
    // A lane that stands still goes on with its head; a dead letter's lane went on without it.
    if (dead) await this.#ledger.updateAtTail(entry, revived);
    else await this.#ledger.update(entry, revived);
    if (this.#lanes.dead.delete(id)) this.#lanes.add(entry);
    return true;
  }

  async import(records: readonly OperationRecord[]): Promise<readonly (Appended | 'duplicate')[]> {
    const known = ({ id }: OperationRecord) => this.#find(id) ?? this.#history.get(id);
    const fresh = records.filter((record) => !known(record));
    const appended = fresh.length > 0 ? await this.#turns.append(fresh.map(requeued)) : [];
    const results = new Map(fresh.map(({ id }, index) => [id, appended[index]]));
    return records.map(({ id }) => results.get(id) ?? 'duplicate');
  }

  #find(id: string): Entry | undefined {
    const { entries, local, dead } = this.#lanes;
    return entries.get(id) ?? local.entries.get(id) ?? dead.get(id);
  }

  async close(): Promise<void> {
    this.#turns.close();
    this.#closed = true;
    this.#stopAdopting?.();
    for (const { record, volatile } of this.#lanes.entries.values())
      if (volatile) this.#say('lost', record);
    await this.#settlements.close();
    await this.#journal.close();
  }

  /** Operations of a process that is gone come behind what their lanes hold here. */
  #adopt(records: readonly Adopted[]): void {
    let count = 0;
    for (const [bucket, key, value] of records) {
      if (bucket !== 'queue' || this.#find(key) || !this.#load(key, value)) continue;
      const entry = this.#lanes.entries.get(key);
      if (entry) this.#lanes.arrange(this.#lanes.lane(entry.record.lane));
      count += 1;
    }
    if (count === 0) return;
    const message = `${count} queued operations of a process that is gone are taken over`;
    this.#options.events.emit('warning', { message });
    this.#notify();
  }

  /** False for a record that is none of ours: another version's, or another's hand. */
  #load(key: string, value: Json): boolean {
    const stored: unknown = value;
    if (!isRecord(key, stored)) return false;
    const { inFlight, ...record } = stored;
    const interruptions = record.interruptions + (inFlight ? 1 : 0);
    const suspect = inFlight && interruptions >= mostInterruptions;
    const entry = {
      record: { ...record, interruptions, ...(suspect && { stopped: 'interrupted' as const }) },
      bytes: bytesOf(stored),
      volatile: false,
      committed: true,
    };
    if (record.local) this.#lanes.local.add(entry);
    else if (record.dead) this.#lanes.dead.set(record.id, entry);
    else this.#lanes.add(entry);
    return true;
  }

  async #store(additions: readonly Addition[]): Promise<readonly Appended[]> {
    if (this.#closed) throw new Error('The queue is closed');
    try {
      return await this.#intake.store(additions);
    } finally {
      this.#notify();
    }
  }

  #hold(lane: Lane, entry: Entry): Claim {
    const holder: Holder = { kind: 'claim' };
    lane.holder = holder;
    entry.coalescing = undefined;
    this.#lanes.arrange(lane);
    return {
      record: entry.record,
      held: () => lane.holder === holder,
      sending: async (durably) => {
        entry.record = { ...entry.record, inFlight: true, sentAt: this.#options.clock.now() };
        if (entry.volatile) return;
        const written = this.#journal
          .commit([putRecord(entry.record)], { lazy: !durably })
          // A full disk must not stop the drain: only a restart can repeat what was not noted.
          .catch((error: unknown) => this.#fail(error));
        if (durably) await written;
      },
    };
  }

  /** What a record becomes when its claim ends with the operation still in its lane. */
  #after(
    record: OperationRecord,
    verdict: Exclude<QueueVerdict, { kind: 'done' | 'dead' }>,
  ): OperationRecord {
    const { inFlight: _over, nextAt: _due, untilRecovery: _too, ...rest } = record;
    if (verdict.kind === 'release') return rest;
    if (verdict.kind === 'stop')
      return { ...rest, stopped: verdict.reason, lastError: verdict.error };
    const now = this.#options.clock.now();
    const { sentAt: _sent, ...unsent } = rest;
    return {
      ...unsent,
      ...(verdict.sentAt !== undefined && { sentAt: verdict.sentAt }),
      attempts: record.attempts + (verdict.charge ? 1 : 0),
      failures: record.failures + (verdict.backsOff ? 1 : 0),
      firstFailureAt: record.firstFailureAt ?? now,
      nextAt: now + verdict.delayMs,
      ...(verdict.untilRecovery && { untilRecovery: true as const }),
      lastError: verdict.error,
    };
  }

  async #bury(
    lane: Lane,
    entry: Entry,
    verdict: Extract<QueueVerdict, { kind: 'dead' }>,
  ): Promise<void> {
    this.#lanes.remove(entry);
    this.#lanes.dead.set(entry.record.id, entry);
    this.#lanes.arrange(lane);
    const { trace } = entry.record;
    const { reason, error } = verdict;
    this.#say('dead_lettered', entry.record, { reason, error, ...(trace && { trace }) });
    await this.#ledger.update(entry, ({ inFlight: _over, nextAt: _due, ...record }) => ({
      ...record,
      dead: verdict.reason,
      lastError: verdict.error,
    }));
    await this.#dropOldestDead();
  }

  /** Dead letters are bounded, too; of those that go nothing goes silently. */
  async #dropOldestDead(): Promise<void> {
    const { dead } = this.#lanes;
    for (const entry of dead.values()) {
      if (dead.size <= this.#options.bounds.maxDead) return;
      dead.delete(entry.record.id);
      this.#say('dropped', entry.record, { reason: 'dead_letters' });
      await this.#ledger.remove(entry, 'dropped');
    }
  }

  #say(
    event: FallbackEvents['queue']['event'],
    { operation, id }: { readonly operation: string; readonly id: string },
    more: Omit<FallbackEvents['queue'], 'event' | 'operation' | 'id'> = {},
  ): void {
    this.#options.events.emit('queue', { event, operation, id, ...more });
  }

  #fail(error: unknown): void {
    this.#options.events.emit('storeFailed', { store: this.#journal.kind, verb: 'commit', error });
  }

  #notify(): void {
    for (const listener of this.#listeners) listener();
  }
}

/** A person said: try again, as if it were new. */
function revived({
  dead: _dead,
  stopped: _stopped,
  nextAt: _due,
  untilRecovery: _too,
  sentAt: _sent,
  ...record
}: OperationRecord): OperationRecord {
  return { ...record, attempts: 0, interruptions: 0 };
}
