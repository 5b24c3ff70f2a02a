/** Lanes whose head may be sent: by priority, and within one in the order in which they became ready. */

import type { Lane } from './lane.ts';

/** A lane that failed comes back behind the others of its priority. */
export class ReadyLanes implements Iterable<Lane> {
  readonly #byPriority = new Map<number, Set<Lane>>();
  readonly #placed = new Map<Lane, number>();
  /** Highest first. */
  #priorities: number[] = [];

  add(lane: Lane): void {
    this.delete(lane);
    const { priority } = lane;
    this.#placed.set(lane, priority);
    const lanes = this.#byPriority.get(priority);
    if (lanes) {
      lanes.add(lane);
      return;
    }
    this.#byPriority.set(priority, new Set([lane]));
    this.#priorities = [...this.#byPriority.keys()].sort((a, b) => b - a);
  }

  delete(lane: Lane): void {
    const priority = this.#placed.get(lane);
    if (priority === undefined) return;
    this.#placed.delete(lane);
    const lanes = this.#byPriority.get(priority);
    lanes?.delete(lane);
    if (lanes?.size !== 0) return;
    this.#byPriority.delete(priority);
    this.#priorities = this.#priorities.filter((each) => each !== priority);
  }

  *[Symbol.iterator](): Iterator<Lane> {
    for (const priority of this.#priorities) yield* this.#byPriority.get(priority) ?? [];
  }
}
