/** Live writes take their lane in turn, like queued ones, so that arrival order is the order everywhere. */

import type { Clock } from '../clock.ts';
import type { Undo } from '../events.ts';
import type { Holder, Lane, Waiter } from './lane.ts';
import type { Appended, Entered, Turn } from './lane-queue.ts';
import type { Lanes } from './lanes.ts';
import type { NewOperation, OperationRecord } from './operation-record.ts';

type LiveHolder = Extract<Holder, { kind: 'live' }>;

/** An operation about to be stored; `inFlight` when its sender is still at it. */
export interface Addition {
  readonly operation: NewOperation;
  readonly inFlight: boolean;
}

/** What the turns need of the queue that they belong to. */
export interface TurnStorage {
  /** Stores all or none, in order, at the tails of their lanes. */
  store(additions: readonly Addition[]): Promise<readonly Appended[]>;
  /** Removes a stored operation for good. */
  remove(id: string): Promise<void>;
  /** Changes a stored operation. */
  update(id: string, change: (record: OperationRecord) => OperationRecord): Promise<void>;
  /** How long a live write that failed waits before it is first replayed, in ms. */
  firstDelay(): number;
}

/** Live writes that may wait for one lane; more are queued. */
const longestWaitingList = 256;

/** Turns of live writes. They belong to this process; what is stored belongs to all. */
export class LiveTurns {
  readonly #lanes: Lanes;
  readonly #clock: Clock;
  readonly #storage: TurnStorage;
  readonly #onFree: () => void;

  constructor(lanes: Lanes, clock: Clock, storage: TurnStorage, onFree: () => void) {
    this.#lanes = lanes;
    this.#clock = clock;
    this.#storage = storage;
    this.#onFree = onFree;
  }

  async enter(operation: NewOperation, withinMs: number): Promise<Entered> {
    const lane = this.#lanes.lane(operation.lane);
    if (!lane.busy && lane.waiters.size === 0)
      return { kind: 'turn', turn: this.#take(lane, operation) };
    const behindQueued = lane.entries.size > 0 || lane.holder?.kind === 'claim';
    if (behindQueued || lane.waiters.size >= longestWaitingList)
      return { kind: 'queued', appended: await this.appendBehind(operation) };
    return this.#wait(lane, operation, withinMs);
  }

  /** Queues one operation behind everything in its lane: first who holds it, then who waits. */
  async appendBehind(operation: NewOperation): Promise<Appended> {
    const [appended] = await this.append([operation]);
    if (!appended) throw new Error('Expected one result for one operation');
    return appended;
  }

  async append(operations: readonly NewOperation[]): Promise<readonly Appended[]> {
    const names = new Set(operations.map(({ lane }) => lane));
    const ahead = [...names].flatMap((name) => this.#spill(this.#lanes.find(name)));
    const mine = operations.map((operation) => ({ operation, inFlight: false }));
    return (await this.#store(ahead, mine)).slice(ahead.length);
  }

  /** Queues all that wait in any lane. */
  queueWaiting(): void {
    for (const lane of [...this.#lanes.all()]) {
      if (lane.waiters.size === 0) continue;
      // Whoever waits is told by its own promise; there is nobody else to tell here.
      this.#store(this.#spill(lane), []).catch(() => {});
    }
  }

  #take(lane: Lane, operation: NewOperation): Turn {
    const holder: LiveHolder = { kind: 'live', operation };
    lane.holder = holder;
    return {
      done: () => this.#done(lane, holder),
      keep: (failed) => this.#keep(lane, holder, failed),
    };
  }

  #wait(lane: Lane, operation: NewOperation, withinMs: number): Promise<Entered> {
    return new Promise((resolve, reject) => {
      const settled =
        <V>(deliver: (value: V) => void) =>
        (value: V) => {
          cancel();
          deliver(value);
        };
      const waiter: Waiter = { operation, resolve: settled(resolve), reject: settled(reject) };
      lane.waiters.add(waiter);
      const cancel: Undo = this.#clock.after(withinMs, () => {
        if (!lane.waiters.has(waiter)) return;
        this.#store(this.#spill(lane), [], waiter).catch(() => {});
      });
    });
  }

  /** Takes from a lane what must be stored before anything can be queued behind it. */
  #spill(lane: Lane | undefined): Ahead[] {
    if (!lane) return [];
    const ahead: Ahead[] = [];
    const { holder } = lane;
    if (holder?.kind === 'live' && !holder.appended)
      ahead.push({ operation: holder.operation, inFlight: true, lane, holder });
    for (const waiter of lane.waiters)
      ahead.push({ operation: waiter.operation, inFlight: false, lane, waiter });
    lane.waiters.clear();
    return ahead;
  }

  async #store(
    ahead: readonly Ahead[],
    mine: readonly Addition[],
    impatient?: Waiter,
  ): Promise<readonly Appended[]> {
    const storing = this.#storage.store([...ahead, ...mine]);
    for (const [index, { holder }] of ahead.entries())
      if (holder) holder.appended = storing.then((all) => all[index] as Appended);
    for (const { holder } of ahead) holder?.appended?.catch(() => {});
    let appended: readonly Appended[];
    try {
      appended = await storing;
    } catch (error) {
      this.#putBack(ahead, impatient, (waiter) => waiter.reject(error));
      throw error;
    }
    if (appended.some(({ status }) => status === 'full')) {
      const full = appended.at(-1) as Appended;
      this.#putBack(ahead, impatient, (waiter) =>
        waiter.resolve({ kind: 'queued', appended: full }),
      );
      return appended;
    }
    for (const [index, { waiter }] of ahead.entries())
      waiter?.resolve({ kind: 'queued', appended: appended[index] as Appended });
    return appended;
  }

  /** What could not be stored goes on waiting, but for the one whose time is over. */
  #putBack(
    ahead: readonly Ahead[],
    impatient: Waiter | undefined,
    refuse: (waiter: Waiter) => void,
  ): void {
    for (const { lane, holder } of ahead) {
      if (holder) delete holder.appended;
      const back = ahead.flatMap((each) =>
        each.lane === lane && each.waiter ? [each.waiter] : [],
      );
      const later = [...lane.waiters].filter((waiter) => !back.includes(waiter));
      lane.waiters.clear();
      for (const waiter of [...back, ...later]) if (waiter !== impatient) lane.waiters.add(waiter);
      if (!lane.busy) this.#free(lane);
    }
    if (impatient) refuse(impatient);
  }

  async #done(lane: Lane, holder: LiveHolder): Promise<void> {
    const stored = await holder.appended?.catch(() => undefined);
    if (stored?.status === 'queued') await this.#storage.remove(stored.id);
    this.#free(lane, holder);
  }

  async #keep(
    lane: Lane,
    holder: LiveHolder,
    failed: { readonly sentAt?: number; readonly lastError: string },
  ): Promise<Appended> {
    const nextAt = this.#clock.now() + this.#storage.firstDelay();
    try {
      const stored = await holder.appended?.catch(() => undefined);
      if (stored?.status === 'queued') {
        await this.#storage.update(stored.id, ({ inFlight: _over, sentAt: _sent, ...record }) => ({
          ...record,
          ...failed,
          nextAt,
        }));
        return stored;
      }
      // Nothing is queued in a lane that a live write holds alone: it becomes the head.
      const [own, ...ahead] = this.#spill(lane);
      if (!own) throw new Error('Expected the lane to be held by this write');
      const operation = { ...own.operation, ...failed, nextAt };
      const self = { operation, inFlight: false, lane, holder };
      const [appended] = await this.#store([self, ...ahead], []);
      return appended as Appended;
    } finally {
      this.#free(lane, holder);
    }
  }

  /** The lane goes to the next live write, or to the drain. */
  #free(lane: Lane, holder?: LiveHolder): void {
    if (lane.holder !== holder) return;
    lane.holder = undefined;
    const next = lane.waiters.values().next().value;
    if (next && lane.entries.size === 0) {
      lane.waiters.delete(next);
      next.resolve({ kind: 'turn', turn: this.#take(lane, next.operation) });
      return;
    }
    this.#lanes.arrange(lane);
    this.#onFree();
  }
}

/** Somebody in a lane who must be stored first: the one who holds it, or one who waits. */
interface Ahead extends Addition {
  readonly lane: Lane;
  readonly holder?: LiveHolder;
  readonly waiter?: Waiter;
}
