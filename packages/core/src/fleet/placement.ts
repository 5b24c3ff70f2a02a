/** Where writes are queued: in the shared queue, or here while it is away; in the order in which they came. */

import { type Clock, runOutside } from '../clock.ts';
import type { Appended, MovableQueue } from '../queue/lane-queue.ts';
import type { NewOperation, OperationRecord, Sending } from '../queue/operation-record.ts';
import {
  isSharedQueueUnavailable,
  type SharedAppended,
  type SharedClaim,
  type SharedEntry,
  type SharedQueue,
} from '../queue/shared-queue.ts';
import { isBack } from './blink.ts';
import { entryOf } from './shared-record.ts';

/** One operation that is to be queued. */
export interface Placed {
  readonly operation: NewOperation;
  readonly record: OperationRecord;
  readonly sending: Sending;
  /** Its sender is still at it. */
  readonly hold: boolean;
  /** Stored before it is sent, whatever comes of that: nobody is told that it was queued. */
  readonly quiet: boolean;
}

/** Where one was queued, if it was. */
export type Placement =
  | { readonly where: 'shared'; readonly appended: SharedAppended }
  | { readonly where: 'local'; readonly appended: Appended };

interface Surroundings {
  readonly shared: SharedQueue;
  readonly local: MovableQueue;
  /** Whether writes are queued here while the shared queue is away. */
  readonly spills: boolean;
  readonly clock: Clock;
  readonly onFailure: (error: unknown) => void;
}

interface Group {
  readonly placed: readonly Placed[];
  readonly resolve: (placements: readonly Placement[]) => void;
  readonly reject: (error: unknown) => void;
}

/** Operations that are sent in one round, at most; one group may have more. */
const mostInRound = 256;
/** While the answer of one round is worked off, the server works at the other. Fewer are not worth two. */
const roundsAtOnce = 2;
const worthRound = 16;

/** Groups of operations, each queued whole in one place. */
export class Placements {
  readonly #around: Surroundings;
  #waiting: Group[] = [];
  #isDue = false;
  #rounds = 0;
  /** Lanes of the rounds that are out: where each went is known before the next of its lane is sent anywhere. */
  readonly #lanes = new Set<string>();

  constructor(around: Surroundings) {
    this.#around = around;
  }

  place(placed: readonly Placed[]): Promise<readonly Placement[]> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ placed, resolve, reject });
      this.#soon();
    });
  }

  /** Whoever was told of a round may write again at once: the next one is for all of them. */
  #soon(): void {
    if (this.#isDue) return;
    this.#isDue = true;
    runOutside(() =>
      setImmediate(() => {
        this.#isDue = false;
        while (this.#rounds < roundsAtOnce && this.#begin());
      }),
    );
  }

  /** False where nothing may be sent now. */
  #begin(): boolean {
    const round = this.#nextRound();
    if (round.length === 0) return false;
    const lanes = round.flatMap(lanesOf);
    for (const lane of lanes) this.#lanes.add(lane);
    this.#rounds += 1;
    void this.#place(round).finally(() => {
      for (const lane of lanes) this.#lanes.delete(lane);
      this.#rounds -= 1;
      this.#soon();
    });
    return true;
  }

  async #place(round: readonly Group[]): Promise<void> {
    const here = this.#staying(round);
    const there = round.filter((group) => !here.has(group));
    await this.#share(there, here);
    // In the order in which they came, whatever made them stay.
    for (const group of round) if (here.has(group)) await this.#keep(group);
  }

  /** In the order in which they came, but for those whose lanes are in a round that is out. */
  #nextRound(): readonly Group[] {
    const waiting = this.#waiting.reduce((sum, { placed }) => sum + placed.length, 0);
    const share = Math.ceil(waiting / (roundsAtOnce - this.#rounds));
    const most = Math.min(mostInRound, Math.max(worthRound, share));
    const round: Group[] = [];
    const left: Group[] = [];
    const kept = new Set<string>();
    let size = 0;
    for (const group of this.#waiting) {
      const lanes = lanesOf(group);
      const fits = size === 0 || size + group.placed.length <= most;
      if (fits && !lanes.some((lane) => this.#lanes.has(lane) || kept.has(lane))) {
        round.push(group);
        size += group.placed.length;
      } else {
        left.push(group);
        for (const lane of lanes) kept.add(lane);
      }
    }
    this.#waiting = left;
    return round;
  }

  /** A lane that holds something here takes its new writes here, too, until it is empty. */
  #staying(round: readonly Group[]): Set<Group> {
    const { shared, local } = this.#around;
    const staying = new Set<Group>();
    const lanes = new Set<string>();
    for (const group of round) {
      const own = lanesOf(group);
      const stays = !shared.available || own.some((lane) => lanes.has(lane) || local.queues(lane));
      if (!stays) continue;
      staying.add(group);
      for (const lane of own) lanes.add(lane);
    }
    return staying;
  }

  async #share(groups: readonly Group[], here: Set<Group>): Promise<void> {
    if (groups.length === 0) return;
    const { clock, onFailure } = this.#around;
    const now = clock.now();
    const entries = groups.map(({ placed }) =>
      placed.map(({ record, hold }) => entryOf(record, now, hold)),
    );
    try {
      const results = await this.#append(entries);
      for (const [index, { resolve }] of groups.entries())
        resolve((results[index] ?? []).map((appended) => ({ where: 'shared', appended })));
    } catch (error) {
      onFailure(error);
      // Asked again with the same id it is not kept twice, whether it was kept or not.
      const spills = this.#around.spills && isSharedQueueUnavailable(error);
      for (const group of groups)
        if (spills) here.add(group);
        else group.reject(error);
    }
  }

  /** An answer that got lost is asked for again, where the connection is soon back. */
  async #append(
    entries: readonly (readonly SharedEntry[])[],
  ): Promise<readonly (readonly SharedAppended[])[]> {
    const { shared, clock } = this.#around;
    try {
      return await shared.append(entries);
    } catch (error) {
      if (!isSharedQueueUnavailable(error) || !error.uncertain) throw error;
      if (!(await isBack(shared, clock))) throw error;
      return shared.append(entries);
    }
  }

  async #keep({ placed, resolve, reject }: Group): Promise<void> {
    const { local, shared, spills } = this.#around;
    const joins = placed.some(({ operation }) => local.queues(operation.lane));
    try {
      if (!spills && !joins)
        throw new Error(`The shared queue is ${shared.available ? 'gone' : 'away'}`);
      const appended = await local.append(
        placed.map(
          ({ operation: { coalescing: _never, ...operation }, record, sending, hold }) => ({
            ...operation,
            ...(hold && record.sentAt !== undefined && { sentAt: record.sentAt }),
            send: () => sending,
          }),
        ),
      );
      resolve(appended.map((each) => ({ where: 'local', appended: each })));
    } catch (error) {
      reject(error);
    }
  }
}

function lanesOf({ placed }: Group): readonly string[] {
  return placed.map(({ operation }) => operation.lane);
}

/** The claim that came with an operation whose sender is still at it. */
export function claimOf(placement: Placement | undefined): SharedClaim | undefined {
  if (placement?.where !== 'shared' || placement.appended.status === 'full') return undefined;
  return placement.appended.claim;
}
