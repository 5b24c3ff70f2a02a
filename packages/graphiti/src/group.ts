/** Groups: what Graphiti keeps apart, and orders by. */

import type { Entity } from '@graphiti-fallback/core';

/** Reads and writes of a group concern the same entity. */
export function groupEntity(id: string): Entity {
  return { type: 'group', id };
}

/** What answers concern that may be of any group; no group has this id. A fact does not tell its group. */
export const anyGroup: Entity = { type: 'group', id: '*' };

/** Writes of a group run one at a time, in order. */
export function groupLane(id: string): string {
  return `group:${id}`;
}

/** Remembers the group that was used last: the health check reads from it, and never makes one. */
export class LastGroup {
  #id: string | undefined;

  get id(): string | undefined {
    return this.#id;
  }

  use(id: string | undefined): void {
    this.#id = id ?? this.#id;
  }

  /** The group is gone; without an id all of them are. */
  forget(id: string | undefined = this.#id): void {
    if (id === this.#id) this.#id = undefined;
  }
}
