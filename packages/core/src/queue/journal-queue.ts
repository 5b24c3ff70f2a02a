/** The lane queue over a journal: lanes in memory, places taken at once, receipts after the commit. */

import type { Clock } from '../clock.ts';
import type { Entity } from '../entity.ts';
import type { Emitter, FallbackEvents, Undo } from '../events.ts';
import type { Change, Durability, Identity, Journal, OpenReport } from '../journal.ts';
import type { Json } from '../json.ts';
import { type Ending, History } from './history.ts';
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
import { type Addition, LiveTurns } from './live-turns.ts';
import { isRecord, type NewOperation, type OperationRecord, recordOf } from './operation-record.ts';
import { type OperationReport, reportOf } from './queued-operation.ts';
import { Settlements } from './settlements.ts';

/** Bounds of a queue. */
export interface QueueOptions {
  /** Operations. @default 100,000 */
  readonly maxEntries?: number;
  /** Bytes of their records. @default 268,435,456 (256 MiB) */
  readonly maxBytes?: number;
  /** How old an operation may be when it is replayed, in ms. @default 604,800,000 (7 days) */
  readonly maxAge?: number;
}

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
  #closed = false;

  constructor(options: JournalQueueOptions) {
    this.#options = options;
    this.#journal = options.journal;
    this.#lanes = new Lanes(options.clock);
    this.#settlements = new Settlements(options.journal, options.clock, (error) =>
      this.#fail('commit', error),
    );
    this.#history = new History(options.journal, options.clock);
    const storage = {
      limitReached: (operations: readonly NewOperation[]) => this.#limitReached(operations),
      refused: (operation: NewOperation) => this.#say('refused', operation, 'full'),
      store: (additions: readonly Addition[]) => this.#store(additions),
      remove: (id: string) => this.#remove(this.#lanes.entries.get(id)),
      update: (id: string, change: (record: OperationRecord) => OperationRecord) =>
        this.#update(this.#lanes.entries.get(id), change),
    };
    this.#turns = new LiveTurns(this.#lanes, options.clock, storage, () => this.#notify());
  }

  async open(): Promise<OpenReport> {
    const report = await this.#journal.open(this.#options.identity);
    const odd = [...this.#journal.entries('queue')].filter(
      ([key, value]) => !this.#load(key, value),
    );
    for (const lane of [...this.#lanes.all()]) this.#lanes.arrange(lane);
    this.#history.load();
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

  queueWaiting(): void {
    this.#turns.queueWaiting();
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
    if (verdict.kind === 'done') await this.#remove(entry, 'done');
    else if (verdict.kind === 'dead') await this.#bury(lane, entry, verdict);
    else await this.#update(entry, (record) => this.#after(record, verdict));
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

  get claimable(): boolean {
    const { isDeclared } = this.#options;
    for (const { head } of this.#lanes.ready())
      if (head && isDeclared(head.record.operation)) return true;
    return false;
  }

  recovered(): void {
    this.#lanes.recovered();
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
    const records = [...this.#lanes.local.entries.values()]
      .filter(({ committed }) => committed)
      .map(({ record }) => record);
    const changed = records.flatMap(({ entity, changed }) => (changed && entity ? [entity] : []));
    if (records.length === 0) return { queued: 0, changed };
    const appended = await this.#turns.append(records.map(newOperation));
    return { queued: appended.filter(({ status }) => status === 'queued').length, changed };
  }

  changed(entity: Entity): void {
    for (const entry of this.#lanes.local.concerning(entity))
      if (!entry.record.changed)
        void this.#update(entry, (record) => ({ ...record, changed: true }));
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
    if (entry.record.local) return this.#decideLocal(entry, decision);
    const lane = this.#lanes.lane(entry.record.lane);
    if (lane.isInFlight(entry)) return false;
    if (decision === 'purge') {
      // Out of its lane first: while the removal is being written it must not be sent.
      if (!this.#lanes.dead.delete(id)) this.#lanes.remove(entry);
      this.#lanes.arrange(lane);
      await this.#remove(entry, 'purged');
    } else if (entry.record.dead || entry.record.stopped) {
      await this.#update(entry, revived);
      if (this.#lanes.dead.delete(id)) this.#lanes.add(entry);
    } else return false;
    this.#lanes.arrange(lane);
    this.#turns.advance(lane);
    this.#notify();
    return true;
  }

  async #decideLocal(entry: Entry, decision: Decision): Promise<boolean> {
    if (decision === 'purge') await this.#remove(entry, 'purged');
    else {
      const [appended] = await this.#turns.append([newOperation(entry.record)]);
      if (appended?.status !== 'queued') return false;
    }
    return true;
  }

  #find(id: string): Entry | undefined {
    const { entries, local, dead } = this.#lanes;
    return entries.get(id) ?? local.entries.get(id) ?? dead.get(id);
  }

  async close(): Promise<void> {
    this.#turns.close();
    this.#closed = true;
    for (const { record, volatile } of this.#lanes.entries.values())
      if (volatile) this.#say('lost', record);
    await this.#settlements.close();
    await this.#journal.close();
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
    const now = this.#options.clock.now();
    const prepared = additions.map(({ operation, inFlight }) => {
      const sending = operation.send();
      const record = {
        ...recordOf(operation, now, sending.trace),
        ...(inFlight && { inFlight, sentAt: now }),
      };
      const volatile = operation.keep === 'memory';
      return { sending, entry: { record, bytes: bytesOf(record), volatile, committed: false } };
    });
    for (const { entry } of prepared) this.#place(entry);
    try {
      const lasting = prepared.filter(({ entry }) => !entry.volatile);
      const changes = lasting.flatMap(({ entry }) => this.#putAtTail(entry.record));
      const durability = changes.length > 0 ? await this.#journal.commit(changes) : 'memory';
      return prepared.map(({ sending, entry }) => {
        entry.committed = true;
        sending.end();
        return this.#stored(entry, entry.volatile ? 'memory' : durability);
      });
    } catch (error) {
      this.#fail('commit', error);
      for (const { sending, entry } of prepared) {
        if (entry.record.local) this.#lanes.local.remove(entry);
        else this.#lanes.remove(entry);
        sending.end(error);
        this.#say('refused', entry.record, 'store');
      }
      throw error;
    } finally {
      for (const { entry } of prepared) this.#lanes.arrange(this.#lanes.lane(entry.record.lane));
      this.#notify();
    }
  }

  #place(entry: Entry): void {
    if (entry.record.local) this.#lanes.local.add(entry);
    else this.#lanes.add(entry);
  }

  /** One that was local comes to the end, in the journal too: a repeated put would keep its place. */
  #putAtTail(record: OperationRecord): readonly Change[] {
    const wasLocal = !record.local && this.#lanes.local.entries.has(record.id);
    return [...(wasLocal ? [remove(record.id)] : []), put(record)];
  }

  #stored(entry: Entry, durability: Durability): Appended {
    const { record } = entry;
    const was = record.local ? undefined : this.#lanes.local.entries.get(record.id);
    if (was) this.#lanes.local.remove(was);
    if (record.local) return { status: 'queued', id: record.id, durability, local: true };
    this.#say('enqueued', record);
    return { status: 'queued', id: record.id, durability };
  }

  /** What is local takes room, too; one that is to be queued from there has its room. */
  #limitReached(operations: readonly NewOperation[]): 'entries' | 'bytes' | undefined {
    const { maxEntries, maxBytes } = this.#options.bounds;
    const { entries: queued, local } = this.#lanes;
    const added = operations.filter(({ id }) => !local.entries.has(id));
    if (added.length === 0) return undefined;
    const entries = queued.size + local.entries.size + added.length;
    const bytes = added.reduce(
      (sum, each) => sum + inputBytes(each),
      this.#lanes.bytes + local.bytes,
    );
    if (entries > maxEntries) return 'entries';
    return bytes > maxBytes ? 'bytes' : undefined;
  }

  #hold(lane: Lane, entry: Entry): Claim {
    const holder: Holder = { kind: 'claim' };
    lane.holder = holder;
    this.#lanes.arrange(lane);
    return {
      record: entry.record,
      held: () => lane.holder === holder,
      sending: async (durably) => {
        entry.record = { ...entry.record, inFlight: true, sentAt: this.#options.clock.now() };
        if (entry.volatile) return;
        const written = this.#journal
          .commit([put(entry.record)], { lazy: !durably })
          // A full disk must not stop the drain: only a restart can repeat what was not noted.
          .catch((error: unknown) => this.#fail('commit', error));
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
    this.#say('dead_lettered', entry.record, verdict.reason);
    await this.#update(entry, ({ inFlight: _over, nextAt: _due, ...record }) => ({
      ...record,
      dead: verdict.reason,
      lastError: verdict.error,
    }));
  }

  /** Takes an operation out for good; who holds a receipt of it can ask how it ended. */
  async #remove(entry: Entry | undefined, ending?: Ending): Promise<void> {
    if (!entry) return;
    const { record, volatile } = entry;
    const remembered = ending ? this.#history.add(record, ending) : [];
    if (!volatile) await this.#settlements.write(remove(record.id), ...remembered);
    this.#lanes.remove(entry);
    this.#lanes.local.remove(entry);
  }

  async #update(
    entry: Entry | undefined,
    change: (record: OperationRecord) => OperationRecord,
  ): Promise<void> {
    if (!entry) return;
    entry.record = change(entry.record);
    if (!entry.volatile) await this.#settlements.write(put(entry.record));
  }

  #say(
    event: FallbackEvents['queue']['event'],
    { operation }: { readonly operation: string },
    reason?: string,
  ): void {
    this.#options.events.emit('queue', { event, operation, ...(reason && { reason }) });
  }

  #fail(verb: string, error: unknown): void {
    this.#options.events.emit('storeFailed', { store: this.#journal.kind, verb, error });
  }

  #notify(): void {
    for (const listener of this.#listeners) listener();
  }
}

function put(record: OperationRecord): Change {
  return { bucket: 'queue', key: record.id, put: record as unknown as Json };
}

function remove(id: string): Change {
  return { bucket: 'queue', key: id, delete: true };
}

/** A local operation that is to be queued: the same one, with what is known of it. */
function newOperation(record: OperationRecord): NewOperation {
  const { local: _here, changed: _too, trace, ...operation } = record;
  return { ...operation, keep: 'disk', send: () => ({ trace, end() {} }) };
}

function bytesOf(record: object): number {
  return Buffer.byteLength(JSON.stringify(record));
}

/** What the rest of a record may take, at most, without an error and a trace. */
const recordOverhead = 300;

function inputBytes({ input }: NewOperation): number {
  return bytesOf({ input }) + recordOverhead;
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
