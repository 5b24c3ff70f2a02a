/** The lane queue over a journal: lanes in memory, places taken at once, receipts after the commit. */

import type { Clock } from '../clock.ts';
import type { Entity } from '../entity.ts';
import type { Emitter, FallbackEvents, Undo } from '../events.ts';
import type { Adopted, Identity, Journal, OpenReport } from '../journal.ts';
import type { Json } from '../json.ts';
import { Accepted } from './accepted.ts';
import { DeadLetters } from './dead-letters.ts';
import { Decisions } from './decisions.ts';
import { History } from './history.ts';
import { bytesOf, Intake, type QueueOptions } from './intake.ts';
import type { Entry, Holder, Lane } from './lane.ts';
import type {
  Appended,
  Claim,
  ClaimRequest,
  Decision,
  Doubt,
  Entered,
  ListedOperation,
  LocalSync,
  MovableQueue,
  QueueCounts,
  QueueVerdict,
  Wait,
} from './lane-queue.ts';
import { Lanes } from './lanes.ts';
import { Ledger } from './ledger.ts';
import { type Addition, LiveTurns } from './live-turns.ts';
import { isRecord, type NewOperation, type OperationRecord } from './operation-record.ts';
import { type OperationReport, reportOf } from './queued-operation.ts';
import { recordAfter } from './record-after.ts';
import { Settlements } from './settlements.ts';

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

/** Creates the queue; {@link MovableQueue.open} reads what an earlier process left. */
export function createJournalQueue(options: JournalQueueOptions): MovableQueue {
  return new JournalQueue(options);
}

class JournalQueue implements MovableQueue {
  readonly #journal: Journal;
  readonly #options: JournalQueueOptions;
  readonly #lanes: Lanes;
  readonly #turns: LiveTurns;
  readonly #listeners = new Set<() => void>();
  readonly #settlements: Settlements;
  readonly #history: History;
  readonly #ledger: Ledger;
  readonly #intake: Intake;
  readonly #dead: DeadLetters;
  readonly #decisions: Decisions;
  readonly accepted: Accepted;
  readonly leads = true;
  #stopAdopting: Undo | undefined;
  #opened = false;
  /** Those that left before the store was open, and may still be in it. */
  readonly #left = new Set<string>();
  #closed = false;

  constructor(options: JournalQueueOptions) {
    const { journal, clock, bounds } = options;
    this.#options = options;
    this.#journal = journal;
    this.#lanes = new Lanes(clock);
    this.#settlements = new Settlements({
      journal,
      clock,
      onFailure: (error) => this.#fail(error),
      onUnwritten: (lane, unwritten) => this.#wait(this.#lanes.lane(lane), unwritten),
    });
    this.#history = new History(journal, clock);
    this.#ledger = new Ledger(this.#lanes, this.#settlements, this.#history, clock);
    const parts = { lanes: this.#lanes, ledger: this.#ledger, history: this.#history };
    const onFailure = (error: unknown) => this.#fail(error);
    const intake = new Intake({ ...parts, journal, bounds, clock, say: this.#say, onFailure });
    this.#intake = intake;
    const storage = {
      limitReached: (operations: readonly NewOperation[]) => intake.limitReached(operations),
      hasRoom: (operation: NewOperation) => intake.hasRoom(operation),
      refused: (operation: NewOperation) => this.#say('refused', operation, { reason: 'full' }),
      store: (additions: readonly Addition[]) => this.#store(additions),
      accept: async (id: string, sentAt: number) => {
        await this.accepted.take(this.#lanes.entries.get(id), sentAt);
        return undefined;
      },
      enqueued: (operation: NewOperation, laneDepth: number) =>
        this.#say('enqueued', operation, { laneDepth }),
      remove: (id: string) => this.#ledger.remove(this.#lanes.entries.get(id)),
      takeOut: (id: string) => {
        const entry = this.#lanes.entries.get(id);
        if (entry) this.#lanes.remove(entry);
        if (!this.#opened) this.#left.add(id);
        return () => this.#ledger.remove(entry);
      },
      update: (id: string, change: (record: OperationRecord) => OperationRecord) =>
        this.#ledger.update(this.#lanes.entries.get(id), change),
    };
    this.#turns = new LiveTurns(this.#lanes, clock, storage, () => this.#notify());
    this.#dead = new DeadLetters({ ...parts, most: bounds.maxDead, say: this.#say });
    const around = { ...parts, turns: this.#turns, dead: this.#dead };
    this.accepted = new Accepted({ ...around, clock, say: this.#say });
    this.#decisions = new Decisions({ ...around, accepted: this.accepted });
  }

  async open(): Promise<OpenReport> {
    const report = await this.#journal.open(this.#options.identity, 'queue');
    // What came while a store was late is here already, or has left.
    const odd = [...this.#journal.entries('queue')].filter(
      ([key, value]) => !this.#lanes.known(key) && !this.#left.has(key) && !this.#load(key, value),
    );
    this.#left.clear();
    for (const lane of [...this.#lanes.all()]) this.#lanes.arrange(lane);
    this.#history.load();
    this.#stopAdopting ??= this.#journal.onAdopted?.((records) => this.#adopt(records));
    this.#opened = true;
    if (odd.length === 0) return report;
    const warning = `${odd.length} queued records cannot be understood: they are kept, and not replayed`;
    return { ...report, warnings: [...report.warnings, warning] };
  }

  get opened(): boolean {
    return this.#opened;
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

  joins(operation: NewOperation): boolean {
    return this.#turns.joins(operation);
  }

  claim({ max, admits }: ClaimRequest): readonly Claim[] {
    const claims: Claim[] = [];
    if (this.#closed) return claims;
    const { bounds, clock, isDeclared } = this.#options;
    const oldest = clock.now() - bounds.maxAge;
    for (const lane of this.#lanes.ready()) {
      if (claims.length >= max) break;
      const entry = lane.head;
      if (!entry || entry.withdrawn?.aborted || !isDeclared(entry.record.operation)) continue;
      if (entry.record.enqueuedAt < oldest) {
        void this.#dead.bury(lane, entry, { reason: 'expired', error: 'too_old' });
        this.#turns.advance(lane);
      } else if (admits(entry.record.operation, entry)) claims.push(this.#hold(lane, entry));
    }
    return claims;
  }

  async settle(claim: Claim, verdict: QueueVerdict): Promise<'ok' | 'lost'> {
    const { lane: name, id } = claim.record;
    const lane = this.#lanes.find(name);
    const entry = lane?.head;
    if (!lane || !entry || entry.record.id !== id || !claim.held(0)) return 'lost';
    if (verdict.kind === 'done') await this.#finish(entry, verdict.seen ?? false);
    else if (verdict.kind === 'accepted') await this.accepted.take(entry, verdict.sentAt);
    else if (verdict.kind === 'dead') await this.#dead.bury(lane, entry, verdict);
    else
      await this.#ledger.update(entry, (record) =>
        recordAfter(record, verdict, this.#options.clock.now()),
      );
    this.#turns.release(lane);
    return 'ok';
  }

  async moved(claim: Claim): Promise<'ok' | 'lost'> {
    const lane = this.#lanes.find(claim.record.lane);
    const entry = lane?.head;
    if (!lane || entry?.record.id !== claim.record.id || !claim.held(0)) return 'lost';
    await this.#ledger.remove(entry);
    this.#turns.release(lane);
    return 'ok';
  }

  async #finish(entry: Entry, seen: boolean): Promise<void> {
    const { record } = entry;
    await this.#ledger.remove(entry, seen ? 'confirmed' : 'done');
    if (seen) this.accepted.confirmed(record);
  }

  queues(lane: string): boolean {
    return (this.#lanes.find(lane)?.size ?? 0) > 0;
  }

  async takeAccepted(record: OperationRecord, sentAt: number): Promise<void> {
    const fresh = { record, bytes: bytesOf(record), volatile: false, committed: true };
    await this.accepted.take(this.#lanes.known(record.id) ?? fresh, sentAt);
    this.#turns.advance(this.#lanes.lane(record.lane));
  }

  seen(record: OperationRecord): void {
    this.accepted.confirmed(record);
  }

  doubt(ids: readonly string[]): Doubt {
    return this.accepted.doubt(ids);
  }

  confirmations(operation: string): { readonly last: number; readonly newest: number } {
    return this.#history.confirmations(operation);
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
    const matches = (operation: string) => operations.has(operation) && isDeclared(operation);
    return this.#lanes.ready().count(matches);
  }

  holds(operations: ReadonlySet<string>): boolean {
    const { isDeclared } = this.#options;
    for (const { head } of this.#lanes.all()) {
      if (!head || head.record.stopped || !operations.has(head.record.operation)) continue;
      if (isDeclared(head.record.operation)) return true;
    }
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

  list(): ReturnType<MovableQueue['list']> {
    const { isDeclared } = this.#options;
    const { entries, local, accepted, dead } = this.#lanes;
    const beside = [...local.entries.values(), ...accepted.entries.values()];
    return [...entries.values(), ...beside, ...dead.values()].map((entry) => ({
      record: entry.record,
      state: this.#lanes.stateOf(entry, isDeclared),
    }));
  }

  get(id: string): OperationReport | undefined {
    const entry = this.#lanes.known(id);
    if (entry) return reportOf(entry.record, this.#lanes.stateOf(entry, this.#options.isDeclared));
    const ended = this.#history.get(id);
    return ended && { id, ...ended };
  }

  async *all(): AsyncIterable<ListedOperation> {
    yield* this.list();
  }

  async find(id: string): Promise<OperationReport | undefined> {
    return this.get(id);
  }

  async sync(): Promise<LocalSync> {
    return this.#decisions.sync();
  }

  changed(entity: Entity): void {
    for (const entry of this.#lanes.local.concerning(entity)) {
      if (entry.record.changed) continue;
      const changed = { ...entry.record, changed: true as const };
      // One that is still being stored must not be stored by this if its own commit fails.
      if (entry.committed) void this.#ledger.update(entry, () => changed);
      else entry.record = changed;
    }
  }

  pending(entity: Entity): readonly OperationRecord[] {
    const accepted = [...this.#lanes.accepted.concerning(entity)];
    return [...accepted, ...this.#lanes.pending(entity)].map(({ record }) => record);
  }

  counts(): QueueCounts {
    return this.#lanes.counts(this.#options.isDeclared);
  }

  told(): QueueCounts {
    return this.counts();
  }

  async decide(id: string, decision: Decision): Promise<boolean> {
    const decided = await this.#decisions.decide(id, decision);
    this.#notify();
    return decided;
  }

  import(records: readonly OperationRecord[]): Promise<readonly (Appended | 'duplicate')[]> {
    return this.#decisions.import(records);
  }

  /** A lane waits while a crash would repeat what it has settled: that must not come after newer writes. */
  #wait(lane: Lane, unwritten: boolean): void {
    lane.unwritten = unwritten;
    // Whoever holds it arranges it at the end.
    if (lane.holder) return;
    this.#lanes.arrange(lane);
    if (!unwritten) this.#turns.advance(lane);
  }

  async close(): Promise<void> {
    this.#turns.close();
    this.#closed = true;
    this.#stopAdopting?.();
    for (const { record, volatile } of this.#lanes.entries.values())
      if (volatile) this.#say('lost', record);
    this.#ledger.close();
    await this.#settlements.close();
    await this.#journal.close();
  }

  /** Operations of a process that is gone come behind what their lanes hold here. */
  #adopt(records: readonly Adopted[]): void {
    let count = 0;
    for (const [bucket, key, value] of records) {
      if (bucket !== 'queue' || this.#lanes.known(key) || !this.#load(key, value)) continue;
      const entry = this.#lanes.entries.get(key);
      if (entry) this.#lanes.arrange(this.#lanes.lane(entry.record.lane));
      else this.accepted.takeUp(key);
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
    else if (record.acceptedAt !== undefined) this.#lanes.accepted.add(entry);
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
    const holder: Holder = { kind: 'claim', entry };
    lane.holder = holder;
    entry.coalescing = undefined;
    this.#lanes.arrange(lane);
    const lanes = this.#lanes;
    return {
      record: entry.record,
      held: () => lane.holder === holder && !this.#closed,
      sending: (durably) => this.#ledger.note(entry, this.#options.clock.now(), durably),
      get goesOnFirst() {
        return lane.size > 1 && lane.priority > lanes.ready().priority;
      },
    };
  }

  readonly #say = (
    event: FallbackEvents['queue']['event'],
    { operation, id }: { readonly operation: string; readonly id: string },
    more: Omit<FallbackEvents['queue'], 'event' | 'operation' | 'id'> = {},
  ): void => {
    this.#options.events.emit('queue', { event, operation, id, ...more });
  };

  #fail(error: unknown): void {
    this.#options.events.emit('storeFailed', { store: this.#journal.kind, verb: 'commit', error });
  }

  #notify(): void {
    for (const listener of this.#listeners) listener();
  }
}
