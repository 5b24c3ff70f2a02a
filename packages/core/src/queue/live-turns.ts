/** Live writes take their lane in turn, like queued ones, so that arrival order is the order everywhere. */

import type { Clock } from '../clock.ts';
import type { Undo } from '../events.ts';
import type { Durability } from '../journal.ts';
import type { Holder, Lane, Waiter } from './lane.ts';
import type { Appended, Entered, Failed, Turn, Wait } from './lane-queue.ts';
import type { Lanes } from './lanes.ts';
import type { NewOperation, OperationRecord } from './operation-record.ts';

type LiveHolder = Extract<Holder, { kind: 'live' }>;

/** An operation about to be stored; `inFlight` when its sender is still at it. */
export interface Addition {
  readonly operation: NewOperation;
  readonly inFlight: boolean;
  /** Stored before it is sent, whatever comes of that. */
  readonly held?: boolean;
}

/** What the turns need of the queue that they belong to. */
export interface TurnStorage {
  /** The bound that so many more would pass. */
  limitReached(operations: readonly NewOperation[]): 'entries' | 'bytes' | undefined;
  /** Whether one more finds room as things are: nothing is dropped for it. */
  hasRoom(operation: NewOperation): boolean;
  /** Tells that one was turned away because of a bound. */
  refused(operation: NewOperation): void;
  /** Stores all or none, in order, at the tails of their lanes. */
  store(additions: readonly Addition[]): Promise<readonly Appended[]>;
  /** Removes a stored operation for good. */
  remove(id: string): Promise<void>;
  /** Takes one that may still be being stored out of its lane; what it gives removes it for good. */
  takeOut(id: string): () => Promise<void>;
  /** The upstream acknowledged a stored operation: it leaves its lane, and stays. Says what it survives, where that is less than before. */
  accept(id: string, sentAt: number): Promise<Durability | undefined>;
  /** Tells that one which was held is queued after all. */
  enqueued(operation: NewOperation, laneDepth: number): void;
  /** Changes a stored operation. */
  update(id: string, change: (record: OperationRecord) => OperationRecord): Promise<void>;
}

/** Live writes that may wait for one lane; more are queued. */
const longestWaitingList = 256;
/** Those that a store may be at which were let go: it hangs, and is given no more before they are sent. */
const mostLetGo = 256;

const turnedAway = { kind: 'turned_away' } as const;

/** Turns of live writes. They belong to this process; what is stored belongs to all. */
export class LiveTurns {
  readonly #lanes: Lanes;
  readonly #clock: Clock;
  readonly #storage: TurnStorage;
  readonly #onFree: () => void;
  #letGo = 0;
  #closing = false;
  #closed = false;

  constructor(lanes: Lanes, clock: Clock, storage: TurnStorage, onFree: () => void) {
    this.#lanes = lanes;
    this.#clock = clock;
    this.#storage = storage;
    this.#onFree = onFree;
  }

  enter(operation: NewOperation, wait: Wait): Promise<Entered> {
    const lane = this.#lanes.lane(operation.lane);
    return this.#inOrder([lane], async () => {
      if (!lane.busy && lane.waiters.size === 0)
        return { kind: 'turn', turn: this.#take(lane, operation) };
      const { keep } = operation;
      const behindQueued = isBehindQueued(lane);
      const mayWait = behindQueued ? keep === 'no' : true;
      if (mayWait && lane.waiters.size < longestWaitingList)
        return this.#wait(lane, operation, wait);
      if (keep === 'no' || keep === 'never' || (keep === 'local' && !behindQueued))
        return turnedAway;
      const [appended] = await this.#append([this.#joining(operation)], [lane]);
      return { kind: 'queued', appended: appended as Appended };
    });
  }

  /** Whether an operation that enters now is queued at once. */
  joins({ lane, keep }: NewOperation): boolean {
    const found = this.#lanes.find(lane);
    return keep !== 'no' && keep !== 'never' && found !== undefined && isBehindQueued(found);
  }

  /** Queues operations behind everything in their lanes: first who holds one, then who waits. */
  append(operations: readonly NewOperation[]): Promise<readonly Appended[]> {
    const here = operations.map((operation) => this.#joining(operation));
    const queued = here.filter(({ keep }) => keep !== 'local');
    const lanes = [...new Set(queued.map(({ lane }) => lane))].map((name) =>
      this.#lanes.lane(name),
    );
    return this.#inOrder(lanes, () => this.#append(here, lanes));
  }

  /** A local write joins what is queued in its lane: it is newer, and must not be overtaken by it later. */
  #joining(operation: NewOperation): NewOperation {
    const joins = operation.keep === 'local' && (this.#lanes.find(operation.lane)?.size ?? 0) > 0;
    return joins ? { ...operation, keep: 'disk' } : operation;
  }

  /** Queues all that wait in any lane, or only these operations and who waits beside them. */
  queueWaiting(operations?: ReadonlySet<string>): void {
    for (const lane of [...this.#lanes.all()]) {
      if (lane.waiters.size > 0) this.#hurry(lane, operations);
    }
  }

  /** Nobody gets a turn any more: who could not be stored is told so. */
  close(): void {
    this.#closing = true;
    this.queueWaiting();
    this.#closed = true;
  }

  /** Something left the lane from outside: who waits may be next. */
  advance(lane: Lane): void {
    if (!lane.holder) this.release(lane);
  }

  /** The lane goes to the next live write, or to the drain. */
  release(lane: Lane): void {
    lane.holder = undefined;
    const next = lane.waiters.values().next().value;
    if (this.#closed) this.#dismiss(lane);
    else if (next && lane.size === 0 && !lane.spilling && !lane.unwritten) {
      lane.waiters.delete(next);
      next.resolve({ kind: 'turn', turn: this.#take(lane, next.operation) });
      return;
    }
    this.#lanes.arrange(lane);
    this.#onFree();
  }

  #dismiss({ waiters }: Lane): void {
    for (const waiter of waiters) waiter.reject(new Error('The queue is closed'));
    waiters.clear();
  }

  /**
   * Who comes while live writes of a lane are being stored waits for the outcome, in order: with the
   * outcome unknown there is no telling what to queue behind.
   */
  #inOrder<T>(lanes: readonly Lane[], act: () => Promise<T>): Promise<T> {
    const ahead = lanes.flatMap(({ gate, spilling }) => gate ?? spilling ?? []);
    if (ahead.length === 0) return act();
    // Boxed: who comes next waits until this one has begun, not until it has ended.
    const begun = Promise.all(ahead).then(async () => {
      // A write that failed meanwhile may be storing who waits behind it.
      while (lanes.some(({ spilling }) => spilling))
        await Promise.all(lanes.map(({ spilling }) => spilling));
      return { ended: act() };
    });
    const gate = begun
      .then(() => Promise.all(lanes.map(({ spilling }) => spilling)))
      .finally(() => {
        for (const lane of lanes) if (lane.gate === gate) lane.gate = undefined;
      });
    for (const lane of lanes) lane.gate = gate;
    return begun.then(({ ended }) => ended);
  }

  #take(lane: Lane, operation: NewOperation): Turn {
    const holder: LiveHolder = { kind: 'live', operation };
    lane.holder = holder;
    let ended = false;
    const end = async <T>(how: () => Promise<T>): Promise<T> => {
      if (ended) throw new Error('A turn ends once');
      ended = true;
      try {
        return await how();
      } finally {
        if (lane.holder === holder) this.release(lane);
      }
    };
    return {
      hold: () => this.#hold(lane, holder),
      accepted: (sentAt) => end(() => this.#accepted(holder, sentAt)),
      done: () => end(() => this.#done(holder)),
      keep: (failed) => end(() => this.#keep(lane, holder, failed)),
      letGo: () => this.#goOnWithout(lane, holder),
    };
  }

  #goOnWithout(lane: Lane, holder: LiveHolder): void {
    if (lane.holder !== holder) return;
    holder.left = true;
    if (holder.appended) {
      holder.remove = this.#storage.takeOut(holder.operation.id);
      this.#letGo += 1;
      const over = () => (this.#letGo -= 1);
      holder.appended.then(over, over);
    }
    if (holder.passed) lane.spilling = undefined;
    holder.passed?.();
    this.release(lane);
  }

  #wait(lane: Lane, operation: NewOperation, { withinMs, signal }: Wait): Promise<Entered> {
    return new Promise((resolve, reject) => {
      const giveUp = () => {
        waiter.impatient = true;
        if (!lane.waiters.has(waiter)) return;
        if (this.#isKeepable(operation)) this.#queueImpatient(lane);
        else this.#turnAway(lane);
      };
      const withdraw = () => {
        if (lane.waiters.delete(waiter)) waiter.resolve(turnedAway);
        if (lane.empty) this.#lanes.arrange(lane);
      };
      const { withdrawn } = operation;
      const cancel: Undo = this.#clock.after(withinMs, giveUp);
      signal?.addEventListener('abort', giveUp, { once: true });
      withdrawn?.addEventListener('abort', withdraw, { once: true });
      const settled =
        <V>(deliver: (value: V) => void) =>
        (value: V) => {
          cancel();
          signal?.removeEventListener('abort', giveUp);
          withdrawn?.removeEventListener('abort', withdraw);
          deliver(value);
        };
      const waiter: Waiter = {
        operation,
        impatient: signal?.aborted ?? false,
        resolve: settled(resolve),
        reject: settled(reject),
      };
      lane.waiters.add(waiter);
      if (waiter.impatient) giveUp();
    });
  }

  #hurry(lane: Lane, operations?: ReadonlySet<string>): void {
    for (const waiter of lane.waiters)
      if (operations?.has(waiter.operation.operation) ?? true) waiter.impatient = true;
    this.#turnAway(lane);
    if ([...lane.waiters].some(({ impatient }) => impatient)) this.#queueImpatient(lane);
  }

  /** Whether it may be stored on its way to its turn. What ends with the process must not be promised at its end. */
  #isKeepable({ keep }: NewOperation): boolean {
    return keep === 'disk' || (keep === 'memory' && !this.#closing);
  }

  /** Those who want to wait no longer and are not to be kept; all of these, where somebody overtakes them. */
  #turnAway(lane: Lane, overtaken = false): void {
    for (const waiter of [...lane.waiters]) {
      if (this.#isKeepable(waiter.operation) || !(waiter.impatient || overtaken)) continue;
      lane.waiters.delete(waiter);
      waiter.resolve(turnedAway);
    }
    if (lane.empty) this.#lanes.arrange(lane);
  }

  /** Nobody awaits this: each of those who wait is told by its own promise. */
  #queueImpatient(lane: Lane): void {
    this.#inOrder([lane], () => this.#append([], [lane])).catch(() => {});
  }

  async #append(
    operations: readonly NewOperation[],
    lanes: readonly Lane[],
  ): Promise<readonly Appended[]> {
    const ahead = lanes.flatMap((lane) => this.#ahead(lane));
    const limit = this.#storage.limitReached([
      ...ahead.map(({ operation }) => operation),
      ...operations,
    ]);
    if (limit) {
      for (const { waiter, lane } of ahead) {
        if (!waiter?.impatient) continue;
        lane.waiters.delete(waiter);
        this.#storage.refused(waiter.operation);
        waiter.resolve({ kind: 'queued', appended: { status: 'full', limit } });
      }
      return operations.map((operation) => {
        this.#storage.refused(operation);
        return { status: 'full', limit };
      });
    }
    // A delete that waits must not come after what was written later: it is told to come again.
    for (const lane of lanes) this.#turnAway(lane, true);
    const mine = operations.map((operation) => ({ operation, inFlight: false }));
    return (await this.#spill(ahead, mine)).slice(ahead.length);
  }

  /** Who must be stored before anything can be queued in a lane. */
  #ahead(lane: Lane): readonly Ahead[] {
    const { holder } = lane;
    const live =
      holder?.kind === 'live' &&
      !holder.appended &&
      !holder.left &&
      this.#isKeepable(holder.operation)
        ? [holder]
        : [];
    return [
      ...live.map((each) => ({ operation: each.operation, inFlight: true, lane, holder: each })),
      ...[...lane.waiters]
        .filter(({ operation }) => this.#isKeepable(operation))
        .map((waiter) => ({ operation: waiter.operation, inFlight: false, lane, waiter })),
    ];
  }

  async #spill(ahead: readonly Ahead[], mine: readonly Addition[]): Promise<readonly Appended[]> {
    const storing = this.#storage.store([...ahead, ...mine]);
    const lanes = new Set(ahead.map(({ lane }) => lane));
    for (const [index, { holder, waiter, lane }] of ahead.entries()) {
      if (waiter) lane.waiters.delete(waiter);
      if (!holder) continue;
      holder.appended = storing.then((all) => all[index] as Appended);
      holder.appended.catch(() => {});
    }
    const alone = ahead.length === 1 && mine.length === 0 ? ahead[0]?.holder : undefined;
    const settled = new Promise<void>((resolve) => {
      storing.then(
        () => resolve(),
        () => resolve(),
      );
      if (alone) alone.passed = resolve;
    });
    for (const lane of lanes) lane.spilling = settled;
    try {
      const appended = await storing;
      for (const [index, { waiter, holder }] of ahead.entries()) {
        waiter?.resolve({ kind: 'queued', appended: appended[index] as Appended });
        // A queue that others share may find no room where this one thought there was.
        if (appended[index]?.status === 'full') delete holder?.appended;
      }
      return appended;
    } catch (error) {
      this.#putBack(ahead, error);
      throw error;
    } finally {
      if (alone) delete alone.passed;
      for (const lane of lanes) {
        if (lane.spilling === settled) lane.spilling = undefined;
        if (lane.holder) this.#lanes.arrange(lane);
        else this.release(lane);
      }
    }
  }

  /** What could not be stored waits on, but for those who want to wait no longer. */
  #putBack(ahead: readonly Ahead[], error: unknown): void {
    for (const { holder, waiter, lane, leaving } of ahead) {
      if (holder) delete holder.appended;
      if (leaving && holder) holder.left = true;
      if (waiter?.operation.withdrawn?.aborted) waiter.resolve(turnedAway);
      else if (waiter?.impatient) waiter.reject(error);
      else if (waiter) lane.waiters.add(waiter);
    }
  }

  /** Who comes meanwhile waits as behind any live write. */
  async #hold(lane: Lane, holder: LiveHolder): Promise<Appended | 'full' | undefined> {
    const { operation } = holder;
    if (!holder.appended) {
      if (!this.#isKeepable(operation)) return undefined;
      if (this.#letGo >= mostLetGo) return undefined;
      // One that is sent now anyway must not drive out what was never sent.
      if (!this.#storage.hasRoom(operation)) return 'full';
      const self = { operation, inFlight: true, held: true, lane, holder };
      holder.held = true;
      await this.#spill([self], []).catch(() => {});
    }
    const appended = await holder.appended?.catch(() => undefined);
    return appended?.status === 'full' ? 'full' : appended;
  }

  async #accepted(holder: LiveHolder, sentAt: number): Promise<Appended | undefined> {
    let id: string | undefined;
    while (!id && holder.appended) id = await this.#storedId(holder.appended);
    holder.left = true;
    if (!id) return undefined;
    const durability = await this.#storage.accept(id, sentAt);
    const appended = await holder.appended;
    return appended?.status === 'queued' && durability ? { ...appended, durability } : appended;
  }

  async #done(holder: LiveHolder): Promise<void> {
    let id: string | undefined;
    while (!id && holder.appended) id = await this.#storedId(holder.appended);
    holder.left = true;
    if (id) await (holder.remove?.() ?? this.#storage.remove(id));
  }

  async #keep(lane: Lane, holder: LiveHolder, failed: Failed): Promise<Appended> {
    const nextAt = Math.ceil(this.#clock.now() + failed.delayMs);
    const { sentAt, lastError } = failed;
    const how = { lastError, nextAt, ...(sentAt !== undefined && { sentAt }) };
    let id: string | undefined;
    while (!id && holder.appended) id = await this.#storedId(holder.appended);
    if (id) {
      const appended = (await holder.appended) as Appended;
      const sending = holder.held ? holder.operation.send() : undefined;
      await this.#storage.update(id, ({ inFlight: _over, sentAt: _sent, ...record }) => ({
        ...record,
        ...how,
        ...(sending?.trace && { trace: sending.trace }),
      }));
      if (sending) {
        sending.end({ laneDepth: lane.size });
        this.#storage.enqueued(holder.operation, lane.size);
        // Who waited for its turn is queued behind it.
        this.#hurry(lane);
      }
      return appended;
    }
    const operation = { ...holder.operation, ...how };
    const self = { operation, inFlight: false, lane, holder, leaving: true };
    if (holder.operation.keep === 'local') return this.#keepLocal(self);
    // Nothing is queued in a lane that a live write holds alone: it becomes the head.
    const waiting = this.#ahead(lane).filter(({ waiter }) => waiter);
    const all = [self, ...waiting];
    const crowded = this.#storage.limitReached(all.map(({ operation }) => operation));
    const limit = crowded && this.#storage.limitReached([self.operation]);
    if (limit) {
      holder.left = true;
      this.#storage.refused(self.operation);
      return { status: 'full', limit };
    }
    this.#turnAway(lane, true);
    const [appended] = await this.#spill(crowded ? [self] : all, []);
    // There is room for this one alone: who waits behind it is told now, and not at its deadline.
    if (crowded) this.#hurry(lane);
    return appended as Appended;
  }

  async #keepLocal(self: Ahead): Promise<Appended> {
    const limit = this.#storage.limitReached([self.operation]);
    if (!limit) return (await this.#storage.store([self]))[0] as Appended;
    this.#storage.refused(self.operation);
    return { status: 'full', limit };
  }

  /** The id of a live write that is being stored on the way, once it is known; nothing where that failed. */
  async #storedId(storing: Promise<Appended>): Promise<string | undefined> {
    const stored = await storing.catch(() => undefined);
    if (stored?.status === 'queued') return stored.id;
    // Somebody may try again meanwhile.
    await Promise.resolve();
    return undefined;
  }
}

function isBehindQueued({ size, holder }: Lane): boolean {
  const own = holder?.kind === 'live' && holder.held ? 1 : 0;
  return size > own || holder?.kind === 'claim';
}

/** Somebody in a lane who must be stored first: the one who holds it, or one who waits. */
interface Ahead extends Addition {
  readonly lane: Lane;
  readonly holder?: LiveHolder;
  readonly waiter?: Waiter;
  /** It has failed, and is told so unless it can be stored. */
  readonly leaving?: boolean;
}
