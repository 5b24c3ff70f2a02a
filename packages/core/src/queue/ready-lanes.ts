/** Lanes whose head may be sent: by priority, and within one in the order in which they became ready. */

import type { Lane } from './lane.ts';

/** Where a lane stands, as it was when it came. */
interface Place {
  readonly priority: number;
  /** Of its head. */
  readonly operation: string;
}

/** A lane that failed comes back behind the others of its priority. */
export class ReadyLanes implements Iterable<Lane> {
  readonly #byPriority = new Map<number, Set<Lane>>();
  readonly #placed = new Map<Lane, Place>();
  /** Heads by operation: nobody has to look through all lanes to see that none is of theirs. */
  readonly #heads = new Map<string, number>();
  /** Highest first. */
  #priorities: number[] = [];

  add(lane: Lane): void {
    this.delete(lane);
    const { priority, head } = lane;
    const operation = head?.record.operation ?? '';
    this.#placed.set(lane, { priority, operation });
    this.#heads.set(operation, (this.#heads.get(operation) ?? 0) + 1);
    const lanes = this.#byPriority.get(priority);
    if (lanes) {
      lanes.add(lane);
      return;
    }
    this.#byPriority.set(priority, new Set([lane]));
    this.#priorities = [...this.#byPriority.keys()].sort((a, b) => b - a);
  }

  delete(lane: Lane): void {
    const place = this.#placed.get(lane);
    if (!place) return;
    const { priority, operation } = place;
    this.#placed.delete(lane);
    const left = (this.#heads.get(operation) ?? 0) - 1;
    if (left > 0) this.#heads.set(operation, left);
    else this.#heads.delete(operation);
    const lanes = this.#byPriority.get(priority);
    lanes?.delete(lane);
    if (lanes?.size !== 0) return;
    this.#byPriority.delete(priority);
    this.#priorities = this.#priorities.filter((each) => each !== priority);
  }

  /** The highest one; minus infinity when no lane is ready. */
  get priority(): number {
    return this.#priorities[0] ?? Number.NEGATIVE_INFINITY;
  }

  /** How many heads are of operations that match; it costs as much as there are operations ready. */
  count(matches: (operation: string) => boolean): number {
    let count = 0;
    for (const [operation, heads] of this.#heads) if (matches(operation)) count += heads;
    return count;
  }

  *[Symbol.iterator](): Iterator<Lane> {
    for (const priority of this.#priorities) yield* this.#byPriority.get(priority) ?? [];
  }
}
