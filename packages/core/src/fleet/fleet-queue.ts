/** The lane queue of one instance among many: lanes in a shared queue, turns and what only concerns this instance here. */

import type { Clock } from '../clock.ts';
import type { Entity } from '../entity.ts';
import type { Emitter, FallbackEvents, Undo } from '../events.ts';
import type { Identity, OpenReport } from '../journal.ts';
import { withinTime } from '../patience.ts';
import type { QueueOptions } from '../queue/intake.ts';
import type {
  AcceptedOperations,
  Appended,
  Claim,
  ClaimRequest,
  Decision,
  Doubt,
  Entered,
  LaneQueue,
  ListedOperation,
  LocalSync,
  MovableQueue,
  QueueCounts,
  QueueVerdict,
  Wait,
} from '../queue/lane-queue.ts';
import { Lanes } from '../queue/lanes.ts';
import { type Addition, LiveTurns } from '../queue/live-turns.ts';
import type { NewOperation, OperationRecord } from '../queue/operation-record.ts';
import type { OperationReport } from '../queue/queued-operation.ts';
import { reportOf } from '../queue/queued-operation.ts';
import {
  isSharedQueueUnavailable,
  type SharedClaim,
  type SharedQueue,
  type SharedRecord,
} from '../queue/shared-queue.ts';
import { type Buffered, ClaimBuffer } from './claim-buffer.ts';
import { FleetCounts } from './fleet-counts.ts';
import { Flights } from './flights.ts';
import { KeptWrites } from './kept-writes.ts';
import { LaneOrder } from './lane-order.ts';
import { LaneWatch } from './lane-watch.ts';
import { Mover } from './mover.ts';
import { OwnOperations } from './own-operations.ts';
import { Placements } from './placement.ts';
import { Settler } from './settler.ts';
import { SharedDesk } from './shared-desk.ts';
import { endingOf, progressOf, recordOf } from './shared-record.ts';

interface FleetQueueOptions {
  /** What the store is called. */
  readonly kind: string;
  readonly shared: SharedQueue;
  /** What concerns this instance alone, and what it takes while the shared queue is away. */
  readonly local: MovableQueue;
  readonly spills: boolean;
  readonly identity: Identity;
  readonly bounds: Required<QueueOptions>;
  readonly clock: Clock;
  readonly events: Emitter<FallbackEvents>;
  readonly isDeclared: (operation: string) => boolean;
  /** The longest deadline of a call, in ms. */
  readonly longestCall: () => number;
}

/** An operation that was in flight whenever its instance was lost may be what kills it. */
const mostInterruptions = 3;
/** How often the shared queue is looked at, in ms. */
const lookEvery = 1_000;
/** Own operations that are looked for at a time. */
const lookedFor = 500;
/** How long closing waits for what is on its way into the queue, in ms. */
const longestStoring = 3_000;
const skippedVerdict = { kind: 'dead', reason: 'skipped', error: 'skipped' } as const;
const expiredVerdict = { kind: 'dead', reason: 'expired', error: 'too_old' } as const;

/**
 * Creates the queue; `open` connects it.
 *
 * @throws {TypeError} for a choice that a shared queue cannot follow
 */
export function createFleetQueue(options: FleetQueueOptions): LaneQueue {
  if (options.bounds.overflow !== 'refuse')
    throw new TypeError(
      `Expected \`overflow\` of \`queue\` to be refuse with a store whose queue instances share, got "${options.bounds.overflow}"`,
    );
  return new FleetQueue(options);
}

type SettledVerdict = Exclude<QueueVerdict, { kind: 'accepted' }>;

/** What is with the drain. */
interface Handed {
  readonly claim: SharedClaim;
  /** As it is noted from when it is sent. */
  record: OperationRecord;
  /** When the drain began to send it: monotonic time, in ms. */
  sentAt: number | undefined;
  /** It is another's by now, the shared queue has said. */
  lost: boolean;
}

class FleetQueue implements LaneQueue {
  readonly #options: FleetQueueOptions;
  readonly #shared: SharedQueue;
  readonly #local: MovableQueue;
  readonly #clock: Clock;
  readonly #order = new LaneOrder();
  /** Lanes of live writes; what is queued is never in them. */
  readonly #lanes: Lanes;
  readonly #turns: LiveTurns;
  readonly #watch: LaneWatch;
  readonly #kept: KeptWrites;
  readonly #mover: Mover;
  readonly #buffer: ClaimBuffer;
  readonly #settler: Settler;
  readonly #desk: SharedDesk;
  readonly #counts: FleetCounts;
  readonly #flights: Flights;
  readonly #own = new OwnOperations();
  readonly #listeners = new Set<() => void>();
  /** What is with the drain. */
  readonly #claims = new Map<Claim, Handed>();
  /** Operations whose upstream has recovered, which the shared queue does not know yet. */
  readonly #recovered = new Set<string>();
  readonly #undo: Undo[] = [];
  /** What is on its way into the queue, or was acknowledged and is being kept: closing waits for it. */
  readonly #storing = new Set<Promise<unknown>>();
  #cancelLook: Undo = () => {};
  #closed = false;

  constructor(options: FleetQueueOptions) {
    const { shared, local, clock } = options;
    this.#options = options;
    this.#shared = shared;
    this.#local = local;
    this.#clock = clock;
    this.#lanes = new Lanes(clock);
    const onFailure = (error: unknown) => this.#fail(error);
    this.#turns = new LiveTurns(
      this.#lanes,
      clock,
      {
        // Bounds are those of the whole queue: it tells when it is asked to keep something.
        limitReached: () => undefined,
        hasRoom: () => this.#counts.shared.size < options.bounds.maxEntries,
        refused: (operation) => this.#say('refused', operation, { reason: 'full' }),
        store: (additions) => this.#store(additions),
        accept: async (id, sentAt) => {
          await this.#kept.accept(id, sentAt);
          // From then on it is this instance's alone.
          return options.spills ? undefined : 'memory';
        },
        enqueued: (operation, laneDepth) => this.#say('enqueued', operation, { laneDepth }),
        remove: (id) => this.#removed(id),
        // It is in none of the lanes here, and held until the shared queue hears of its end.
        takeOut: (id) => () => this.#removed(id),
        update: (id, change) => {
          this.#flights.end(id);
          return this.#kept.update(id, change);
        },
      },
      () => this.#notify(),
    );
    const heldAny = () => this.#own.size > 0 || this.#counts.shared.size > 0;
    this.#watch = new LaneWatch({ ...options, heldAny });
    this.#mover = new Mover({
      ...options,
      isBeingSent: (id) => this.#kept.isBeingSent(id),
      onMoved: (record) => {
        this.#own.add(record);
        this.#counts.added(1);
      },
      onFailure,
    });
    this.#settler = new Settler({
      ...options,
      wanted: (operation) => this.#buffer.nextAfter(operation),
      onNext: (claim) => this.#buffer.add(claim),
      onFree: () => this.#buffer.hint(),
      onEnded: (id) => {
        this.#own.delete(id);
        this.#counts.added(-1);
      },
      onFailure,
      say: (event, record, more) => this.#say(event, record, more),
    });
    this.#kept = new KeptWrites({
      ...options,
      placements: new Placements({ ...options, onFailure }),
      own: this.#own,
      settler: this.#settler,
      whileQueueing: (lanes, queue) => this.#watch.whileQueueing(lanes, queue),
      onQueued: () => this.#counts.added(1),
      onAccepted: (record, sentAt) => this.#flights.acknowledged(record, sentAt),
      takeAsApplied: async (id) => {
        await this.decide(id, 'ack').catch(this.#forgive);
      },
      takeOut: async (id) => {
        if (!this.#shared.available) return;
        await this.#shared.decide(id, { kind: 'remove', ending: '' }).catch(this.#forgive);
      },
      say: (event, record, more) => this.#say(event, record, more),
    });
    this.#flights = new Flights({ local, isBeingSent: (id) => this.#kept.isBeingSent(id) });
    this.#desk = new SharedDesk({
      ...options,
      onSkipped: (record) =>
        this.#say('dead_lettered', record, { reason: 'skipped', error: 'skipped' }),
    });
    this.#buffer = new ClaimBuffer({
      ...options,
      read: (claim) => this.#readable(claim),
      release: (claim) => void this.#settler.end(claim, { kind: 'release' }),
      onClaims: () => this.#notify(),
      running: () => this.#flights.drained,
      onDry: () => void this.#counts.read(),
      onFailure,
    });
    this.#counts = new FleetCounts({ shared, local, clock });
  }

  async open(): Promise<OpenReport> {
    const { identity, bounds, events } = this.#options;
    this.#undo.push(this.#shared.onWork(() => this.#wake()));
    this.#undo.push(this.#local.onWork(() => this.#wake()));
    this.#undo.push(this.#shared.onDropped((records) => this.#dropped(records)));
    const report = await this.#openLocal();
    const limits = { ...bounds, maxInterruptions: mostInterruptions };
    await this.#shared.open(identity, limits, (message) => events.emit('warning', { message }));
    await this.#counts.read();
    this.#look();
    return report;
  }

  /** Without what is its own an instance can still queue and replay what is everybody's. */
  async #openLocal(): Promise<OpenReport> {
    try {
      return await this.#local.open();
    } catch (error) {
      this.#options.events.emit('storeFailed', { store: this.#options.kind, verb: 'open', error });
      return { records: 0, quarantined: [], warnings: [] };
    }
  }

  /** The shared queue is nobody's to load: what it holds is there. */
  get opened(): boolean {
    return this.#local.opened;
  }

  append(operations: readonly NewOperation[]): Promise<readonly Appended[]> {
    const lanes = operations.map(({ lane }) => lane);
    if (operations.every(({ keep }) => keep === 'disk') && this.#order.isFree(lanes))
      return this.#watch.whileQueueing(lanes, () => this.#turns.append(operations));
    return this.#order.run(lanes, async () => {
      const kept = await Promise.all(operations.map((operation) => this.#joining(operation)));
      return () => this.#watch.whileQueueing(lanes, () => this.#turns.append(kept));
    });
  }

  enter(operation: NewOperation, wait: Wait): Promise<Entered> {
    const { lane, keep } = operation;
    return this.#order.run([lane], async () => {
      const isBehind = await this.#watch.isBehind(lane);
      if (keep === 'never' || keep === 'no') {
        if (!isBehind) return () => this.#turns.enter(operation, wait);
        if (keep === 'never') return async () => ({ kind: 'turned_away' });
        return () => this.#await(operation, wait);
      }
      return () =>
        isBehind || this.#watch.isQueueing(lane)
          ? this.#queueBehind(operation)
          : this.#turns.enter(operation, wait);
    });
  }

  queueWaiting(operations: ReadonlySet<string>): void {
    this.#turns.queueWaiting(operations);
  }

  busy(lane: string): boolean {
    const here = (this.#lanes.find(lane)?.busy ?? false) || this.#local.busy(lane);
    return here || this.#counts.shared.size > 0;
  }

  joins(operation: NewOperation): boolean {
    return this.#local.joins(operation);
  }

  claim({ max, admits }: ClaimRequest): readonly Claim[] {
    if (this.#closed) return [];
    const oldest = this.#clock.now() - this.#options.bounds.maxAge;
    const taken = this.#buffer.take(max, (buffered) => {
      const { record, claim } = buffered;
      if (record.enqueuedAt < oldest || !this.#maySend(record) || !claim.held(0)) return false;
      return admits(record.operation, { record, volatile: false });
    });
    const expired = this.#buffer.take(max, ({ record }) => record.enqueuedAt < oldest);
    for (const { record, claim } of expired)
      void this.#settler.settle(claim, record, expiredVerdict);
    const claims = taken.map((buffered) => this.#hand(buffered));
    if (this.#local.volatile === 0) return claims;
    const more = this.#local.claim({
      max: max - claims.length,
      admits: (operation, queued) =>
        queued.volatile && this.#options.isDeclared(operation) && admits(operation, queued),
    });
    return [...claims, ...more];
  }

  async settle(claim: Claim, verdict: QueueVerdict): Promise<'ok' | 'lost'> {
    const handed = this.#claims.get(claim);
    this.#claims.delete(claim);
    if (!handed) return this.#local.settle(claim, verdict);
    const { record } = claim;
    const { claim: shared } = handed;
    if (verdict.kind === 'accepted') {
      await this.#whileStoring(this.#flights.acknowledged(record, verdict.sentAt));
      return this.#settler.end(shared, { kind: 'done', ending: '' }, record);
    }
    this.#flights.end(record.id);
    const settled = await this.#settler.settle(shared, record, this.#patient(verdict, handed));
    if (settled === 'ok' && verdict.kind === 'done' && verdict.seen) this.#local.seen(record);
    return settled;
  }

  get size(): number {
    return this.#counts.shared.size + this.#local.size;
  }

  get volatile(): number {
    return this.#local.volatile;
  }

  get leads(): boolean {
    return this.#counts.leads;
  }

  /** They stay with the instance that the upstream has told. */
  get accepted(): AcceptedOperations {
    return this.#local.accepted;
  }

  doubt(ids: readonly string[]): Doubt {
    return this.#flights.doubt(ids);
  }

  confirmations(operation: string): { readonly last: number; readonly newest: number } {
    return this.#local.confirmations(operation);
  }

  get local(): number {
    return this.#local.local;
  }

  claimable(operations: ReadonlySet<string>, wanted = 0): number {
    const here = this.#local.volatile > 0 ? this.#local.claimable(operations) : 0;
    const atHand = this.#buffer.count(operations);
    if (wanted > 0) this.#buffer.want(operations, wanted - here);
    if (wanted > 0 || atHand + here > 0) return atHand + here;
    // Somebody only looks: whether there may be one.
    const isDue = this.#shared.available && this.#counts.due > 0;
    return isDue && this.#buffer.mayHave(operations) ? 1 : 0;
  }

  holds(operations: ReadonlySet<string>): boolean {
    return this.#counts.going > 0 || this.#local.holds(operations);
  }

  recovered(operations: ReadonlySet<string>): void {
    this.#local.recovered(operations);
    for (const operation of operations) this.#recovered.add(operation);
    void this.#tellRecovered();
  }

  onWork(listener: () => void): Undo {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  get nextDue(): number | undefined {
    return this.#local.volatile > 0 ? this.#local.nextDue : undefined;
  }

  sync(): Promise<LocalSync> {
    return this.#local.sync();
  }

  changed(entity: Entity): void {
    this.#local.changed(entity);
  }

  get(id: string): OperationReport | undefined {
    const here = this.#local.get(id);
    const record = here ? undefined : this.#own.get(id);
    return record ? reportOf(record, this.#stateOf(record)) : here;
  }

  list(): readonly ListedOperation[] {
    const theirs = [...this.#flights.records()].filter(({ id }) => !this.#own.get(id));
    const known = [...this.#own.records(), ...theirs];
    const here = known.map((record) => ({ record, state: this.#stateOf(record) }));
    return [...here.sort(byId), ...this.#local.list()];
  }

  async *all(): AsyncIterable<ListedOperation> {
    yield* this.#desk.all();
    yield* this.#local.list();
  }

  async find(id: string): Promise<OperationReport | undefined> {
    const here = this.#local.get(id);
    if (here && here.endedAt === undefined) return here;
    if (!this.#shared.available) return this.get(id);
    try {
      return (await this.#desk.find(id)) ?? here;
    } catch (error) {
      if (!isSharedQueueUnavailable(error)) throw error;
      return this.get(id);
    }
  }

  pending(entity: Entity): readonly OperationRecord[] {
    return [...this.#own.pending(entity), ...this.#local.pending(entity)];
  }

  counts(): QueueCounts {
    return this.#counts.all;
  }

  told(): QueueCounts {
    return this.#counts.told;
  }

  async import(records: readonly OperationRecord[]): Promise<readonly (Appended | 'duplicate')[]> {
    const results: (Appended | 'duplicate')[] = [];
    for (const record of records) results.push(await this.#kept.import(record));
    this.#wake();
    return results;
  }

  async decide(id: string, decision: Decision): Promise<boolean> {
    const here = this.#local.get(id);
    if (here && here.endedAt === undefined) return this.#local.decide(id, decision);
    const [atHand] = this.#buffer.take(1, ({ record }) => record.id === id);
    const decided = atHand
      ? await this.#decideAtHand(atHand, decision)
      : await this.#desk.decide(id, decision);
    if (decided) {
      if (decision !== 'retry') this.#own.delete(id);
      await this.#counts.read();
      this.#wake();
    }
    return decided;
  }

  async close(): Promise<void> {
    this.#turns.close();
    this.#closed = true;
    this.#cancelLook();
    await this.#stored();
    for (const undo of this.#undo.splice(0)) undo();
    this.#buffer.close();
    this.#settler.close();
    this.#watch.close();
    await this.#mover.stop();
    await this.#putOff();
    // Before the lanes are given back: what was applied would be sent again.
    await this.#stored();
    await withinTime(this.#clock, longestStoring, this.#settler.ended()).catch(() => {});
    await this.#shared.close();
    await this.#local.close();
  }

  async #stored(): Promise<void> {
    const stored = Promise.allSettled(this.#storing);
    await withinTime(this.#clock, longestStoring, stored).catch(() => {});
  }

  /**
   * What is with the upstream now may be there until its call's deadline. So long its lane waits for the
   * instance that goes on with it, as it would if this one had been killed.
   */
  async #putOff(): Promise<void> {
    const longest = this.#options.longestCall();
    const drained = [...this.#claims.values()].flatMap(({ claim, record, sentAt }) =>
      sentAt === undefined ? [] : [{ claim, record, sinceMs: this.#clock.elapsed() - sentAt }],
    );
    const live = this.#kept.held().map(({ claim, record }) => {
      const { sentAt = record.enqueuedAt } = record;
      return { claim, record, sinceMs: Math.max(0, this.#clock.now() - sentAt) };
    });
    await Promise.all(
      [...drained, ...live].map(({ claim, record, sinceMs }) => {
        const delayMs = Math.max(0, longest - sinceMs);
        const progress = progressOf(record);
        return this.#settler.end(claim, {
          kind: 'retry',
          delayMs,
          untilRecovery: false,
          progress,
        });
      }),
    );
  }

  async #queueBehind(operation: NewOperation): Promise<Entered> {
    const { lane } = operation;
    const [appended] = await this.#watch.whileQueueing([lane], () =>
      this.#turns.append([{ ...operation, keep: 'disk' }]),
    );
    return { kind: 'queued', appended: appended as Appended };
  }

  /** A write that stays here, or in memory, joins what is queued in its lane: it must not be overtaken by it. */
  async #joining(operation: NewOperation): Promise<NewOperation> {
    if (operation.keep !== 'local' && operation.keep !== 'memory') return operation;
    return (await this.#watch.isBehind(operation.lane))
      ? { ...operation, keep: 'disk' }
      : operation;
  }

  /** One that is not to be kept waits until its lane is free, unless somebody overtakes it. */
  async #await(operation: NewOperation, wait: Wait): Promise<Entered> {
    const withinMs = await this.#watch.untilFree(operation.lane, wait);
    if (withinMs === 0) return { kind: 'turned_away' };
    return this.#turns.enter(operation, { ...wait, withinMs });
  }

  async #store(additions: readonly Addition[]): Promise<readonly Appended[]> {
    if (this.#closed) throw new Error('The queue is closed');
    try {
      return await this.#whileStoring(this.#kept.store(additions));
    } finally {
      // What its sender holds is nothing for the drain.
      if (additions.some(({ inFlight }) => !inFlight)) this.#wake();
    }
  }

  async #whileStoring<T>(storing: Promise<T>): Promise<T> {
    this.#storing.add(storing);
    try {
      return await storing;
    } finally {
      this.#storing.delete(storing);
    }
  }

  /** One that this instance holds and has not sent: nobody else could decide on it. */
  async #decideAtHand({ claim, record }: Buffered, decision: Decision): Promise<boolean> {
    if (decision === 'retry') {
      await this.#settler.end(claim, { kind: 'release' });
      return false;
    }
    if (decision === 'skip')
      return (await this.#settler.settle(claim, record, skippedVerdict)) === 'ok';
    const ending = endingOf(record, decision === 'ack' ? 'done' : 'purged', this.#clock.now());
    return (await this.#settler.end(claim, { kind: 'done', ending }, record)) === 'ok';
  }

  /** Dead letters that made room for others. */
  #dropped(records: readonly SharedRecord[]): void {
    for (const each of records) {
      const record = recordOf(each);
      if (record) this.#say('dropped', record, { reason: 'dead_letters' });
    }
  }

  /** A live write that was queued on its way is no more on its way, and nowhere else. */
  #removed(id: string): Promise<void> {
    this.#flights.end(id);
    return this.#kept.remove(id);
  }

  /** What this version cannot read, or send, waits for a person. */
  #readable(claim: SharedClaim): OperationRecord | undefined {
    const record = recordOf(claim.record);
    if (!record) void this.#settler.end(claim, { kind: 'parked', progress: claim.record.progress });
    return record;
  }

  #maySend({ id, operation, lane }: OperationRecord): boolean {
    if (this.#own.isWithdrawn(id) || !this.#options.isDeclared(operation)) return false;
    return this.#lanes.find(lane)?.holder === undefined;
  }

  /** Whoever gave no answer may be at it until the call's deadline: nobody tries again before that. */
  #patient(verdict: SettledVerdict, { sentAt }: Handed): SettledVerdict {
    if (verdict.kind !== 'retry' || verdict.sentAt === undefined || sentAt === undefined)
      return verdict;
    const left = sentAt + this.#options.longestCall() - this.#clock.elapsed();
    return { ...verdict, delayMs: Math.max(verdict.delayMs, left) };
  }

  #hand({ record, claim }: Buffered): Claim {
    const note: Handed = { claim, record, sentAt: undefined, lost: false };
    const handed: Claim = {
      record,
      held: (ms) => !this.#closed && !note.lost && claim.held(ms),
      leased: true,
      goesOnFirst: false,
      sending: async (durably) => {
        note.sentAt = this.#clock.elapsed();
        // Whose instance was lost before is a suspect: it is noted first, too.
        if (!durably && record.interruptions === 0) return;
        if (durably) note.record = { ...record, sentAt: this.#clock.now() };
        const noted = await this.#shared.note(claim, progressOf(note.record)).catch(this.#forgive);
        note.lost = noted === false;
      },
    };
    this.#claims.set(handed, note);
    this.#flights.begin(record);
    return handed;
  }

  #stateOf({ id, operation }: OperationRecord): ListedOperation['state'] {
    if (this.#flights.has(id)) return 'in_flight';
    return this.#options.isDeclared(operation) ? 'ready' : 'unhandled';
  }

  /** Looks by itself: others queue, fall silent and come back, and nobody tells. */
  #look(): void {
    if (this.#closed) return;
    this.#cancelLook = this.#clock.after(lookEvery, () => {
      void this.#looked().finally(() => this.#look());
    });
  }

  async #looked(): Promise<void> {
    this.#buffer.tidy();
    if (!this.#shared.available) return;
    await this.#counts.read();
    await this.#forgetEnded().catch(this.#forgive);
    await this.#tellRecovered();
    this.#mover.wake();
    if (this.#counts.going > 0) this.#wake();
  }

  /** What could not be told, because the shared queue was away, is told when it is back. */
  async #tellRecovered(): Promise<void> {
    const operations = [...this.#recovered];
    if (operations.length === 0 || !this.#shared.available) return;
    this.#recovered.clear();
    try {
      await this.#shared.recovered(operations);
      this.#wake();
    } catch (error) {
      for (const operation of operations) this.#recovered.add(operation);
      this.#forgive(error);
    }
  }

  /** Other instances end what this one queued: where many have ended, more are looked for at once. */
  async #forgetEnded(): Promise<void> {
    for (let looks = this.#own.size / lookedFor; looks > 0; looks -= 1) {
      const ids = [...this.#own.next(lookedFor)];
      const ended = await this.#shared.ended(ids);
      for (const id of ended) this.#own.delete(id);
      if (ended.length < ids.length / 2) return;
    }
  }

  #wake(): void {
    this.#buffer.hint();
    this.#mover.wake();
    this.#notify();
  }

  #say(
    event: FallbackEvents['queue']['event'],
    { operation, id }: { readonly operation: string; readonly id: string },
    more: Omit<FallbackEvents['queue'], 'event' | 'operation' | 'id'> = {},
  ): void {
    this.#options.events.emit('queue', { event, operation, id, ...more });
  }

  /** That it is away is told once by the store itself. */
  #fail(error: unknown): void {
    this.#options.events.emit('storeFailed', { store: this.#options.kind, verb: 'commit', error });
  }

  /** What was only an attempt: the next look makes up for it. */
  readonly #forgive = (error: unknown): undefined => {
    if (!isSharedQueueUnavailable(error)) this.#fail(error);
  };

  #notify(): void {
    for (const listener of this.#listeners) listener();
  }
}

function byId(one: ListedOperation, other: ListedOperation): number {
  return one.record.id < other.record.id ? -1 : 1;
}
