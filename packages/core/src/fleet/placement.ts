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
  /** It is of this moment: it cannot be anywhere yet. */
  readonly isNew: boolean;
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
  readonly entries: readonly SharedEntry[];
  readonly length: number;
  readonly resolve: (placements: readonly Placement[]) => void;
  readonly reject: (error: unknown) => void;
}

/** Operations that are sent in one round, at most; one group may have more. */
const mostInRound = 256;
/** The same, in characters of what is stored. */
const longestRound = 1_048_576;
/** Fewer are not worth a round of their own where more wait. */
const worthRound = 32;
/** One that the engine is at, and one on its way there. */
const roundsAtOnce = 2;

/**
 * Groups of operations, each queued whole in one place. They go in rounds, of which each has a share of
 * those who write: while the answer of one is worked off here, the engine is at the others.
 */
export class Placements {
  readonly #around: Surroundings;
  #waiting: Group[] = [];
  /** Lanes of the rounds that are out: where each went is known before the next of its lane is sent anywhere. */
  readonly #lanes = new Set<string>();
  /** Operations in these rounds. */
  #out = 0;
  #rounds = 0;
  /** What has been answered and is to be told. */
  #answers: (() => void)[] = [];
  #isDue = false;
  /** The last round was of one operation, and none waits. */
  #alone = true;
  /** Two that are sent at once are answered at once, too: then one side waits while the other works. */
  #hasSent = false;

  constructor(around: Surroundings) {
    this.#around = around;
  }

  place(placed: readonly Placed[]): Promise<readonly Placement[]> {
    const now = this.#around.clock.now();
    const entries = placed.map(({ record, hold, isNew }) => entryOf(record, now, { hold, isNew }));
    const length = entries.reduce((sum, { body }) => sum + body.length, 0);
    return new Promise((resolve, reject) => {
      this.#waiting.push({ placed, entries, length, resolve, reject });
      this.#turn();
    });
  }

  /** What comes of one turn of the loop goes together; whoever was told in it may write again at once. */
  #turn(): void {
    if (this.#isDue) return;
    this.#isDue = true;
    const take = () => {
      this.#isDue = false;
      const answers = this.#answers;
      this.#answers = [];
      const isMore = this.#begin(0);
      this.#hasSent = false;
      for (const tell of answers) tell();
      if (isMore) this.#turn();
    };
    // Who writes alone need not wait for others.
    runOutside(() => (this.#alone ? process.nextTick(take) : setImmediate(take)));
  }

  /**
   * @param answered How many have just been answered: who wrote them may write again.
   * @returns whether there may be something for another round
   */
  #begin(answered: number): boolean {
    if (this.#rounds === roundsAtOnce || this.#waiting.length === 0) return false;
    if (this.#hasSent) return true;
    const round = this.#nextRound(answered);
    if (round.length === 0) return false;
    this.#hasSent = true;
    const lanes = round.flatMap(lanesOf);
    for (const lane of lanes) this.#lanes.add(lane);
    this.#rounds += 1;
    this.#out += sizeOf(round);
    void this.#place(round).then((tell) => {
      for (const lane of lanes) this.#lanes.delete(lane);
      this.#rounds -= 1;
      this.#out -= sizeOf(round);
      // Before anybody is told: so the engine has something to do meanwhile.
      this.#begin(sizeOf(round));
      this.#alone = sizeOf(round) === 1 && this.#waiting.length === 0 && this.#rounds === 0;
      this.#answers.push(tell);
      this.#turn();
    });
    return this.#waiting.length > 0;
  }

  /** Never rejects. What it gives tells each where it went. */
  async #place(round: readonly Group[]): Promise<() => void> {
    const here = this.#staying(round);
    const there = round.filter((group) => !here.has(group));
    const tell = await this.#share(there, here);
    // In the order in which they came, whatever made them stay. From now on their lanes are busy here.
    for (const group of round) if (here.has(group)) void this.#keep(group);
    return tell;
  }

  /** In the order in which they came, but for those whose lanes are in a round that is out. */
  #nextRound(answered: number): readonly Group[] {
    const share = (sizeOf(this.#waiting) + this.#out + answered) / (roundsAtOnce + 1);
    const most = Math.min(mostInRound, Math.max(worthRound, Math.ceil(share)));
    const round: Group[] = [];
    const left: Group[] = [];
    const kept = new Set<string>();
    let size = 0;
    let length = 0;
    for (const group of this.#waiting) {
      const lanes = lanesOf(group);
      const isRoom = size + group.placed.length <= most && length + group.length <= longestRound;
      const fits = size === 0 || isRoom;
      if (fits && !lanes.some((lane) => this.#lanes.has(lane) || kept.has(lane))) {
        round.push(group);
        size += group.placed.length;
        length += group.length;
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

  /** Never rejects. What it gives tells each where it went. */
  async #share(groups: readonly Group[], here: Set<Group>): Promise<() => void> {
    if (groups.length === 0) return () => {};
    const { onFailure, spills } = this.#around;
    try {
      const results = await this.#append(groups.map(({ entries }) => entries));
      return () => {
        for (const [index, { resolve }] of groups.entries())
          resolve((results[index] ?? []).map((appended) => ({ where: 'shared', appended })));
      };
    } catch (error) {
      onFailure(error);
      // Asked again with the same id it is not kept twice, whether it was kept or not.
      if (spills && isSharedQueueUnavailable(error)) for (const group of groups) here.add(group);
      else for (const { reject } of groups) reject(error);
      return () => {};
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
      const again = entries.map((group) => group.map((entry) => ({ ...entry, isNew: false })));
      return shared.append(again);
    }
  }

  /** Never rejects: whoever waits for it is told. */
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

function sizeOf(groups: readonly Group[]): number {
  return groups.reduce((sum, { placed }) => sum + placed.length, 0);
}

function lanesOf({ placed }: Group): readonly string[] {
  return placed.map(({ operation }) => operation.lane);
}

/** The claim that came with an operation whose sender is still at it. */
export function claimOf(placement: Placement | undefined): SharedClaim | undefined {
  if (placement?.where !== 'shared' || placement.appended.status === 'full') return undefined;
  return placement.appended.claim;
}
