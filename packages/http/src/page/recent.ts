/** The last quarter of an hour: what the server remembers, and what has come since. */

import type { PublicStatus, StatusHistory, Transition } from '@graphiti-fallback/http';

/** What is drawn over time. */
export type Series = 'live' | 'stale' | 'kept' | 'failed';

/** A value at a time, wall-clock ms of the server. */
export interface Point {
  readonly at: number;
  readonly value: number;
}

/** The time that is drawn. */
export interface Span {
  readonly from: number;
  readonly to: number;
}

const longest = 15 * 60_000;
const shortest = 60_000;

/** Keeps the history of one instance. */
export class Recent {
  #rows: (readonly number[])[] = [];
  #columns: readonly string[] = [];
  #everyMs = 3_000;
  #since = Number.POSITIVE_INFINITY;
  transitions: readonly Transition[] = [];

  /** Takes what the server remembers in place of what is here. */
  replace({ rows, columns, since, transitions, everyMs }: StatusHistory): void {
    this.#rows = [...rows];
    this.#columns = columns;
    this.#since = since;
    this.#everyMs = everyMs;
    this.transitions = transitions;
  }

  /** Goes on with what a status tells, as often as the server does. */
  note(status: PublicStatus, now: number): void {
    const { operations, queue } = status;
    const last = this.#rows.at(-1)?.[0];
    if (last === undefined) return;
    // No status comes while nothing changes: then what the last one counted holds now, too.
    const at = now - status.at < this.#everyMs ? status.at : now;
    if (at - last < this.#everyMs) return;
    const { live, cache, stale, entity, applied, accepted, queued, stored, failure } = operations;
    const counts: Readonly<Record<string, number>> = {
      at,
      live: live + applied + accepted,
      stale: cache + stale + entity,
      kept: queued + stored,
      failed: failure,
      waiting: queue.size,
    };
    this.#rows.push(this.#columns.map((column) => counts[column] ?? 0));
    while ((this.#rows[0]?.[0] ?? now) < now - longest - this.#everyMs) this.#rows.shift();
  }

  /** What is drawn: since the server watches, a minute at least, a quarter of an hour at most. */
  span(now: number): Span {
    const known = Math.min(longest, Math.max(shortest, now - this.#since));
    return { from: now - known, to: now };
  }

  /** Since when the server watches. */
  get since(): number {
    return this.#since;
  }

  /** How many a second, between the times at which they were counted. */
  rates(series: Series): readonly Point[] {
    const column = this.#columns.indexOf(series);
    return this.#rows.slice(1).map((row, index) => {
      const before = this.#rows[index] ?? row;
      const [at = 0] = row;
      const seconds = (at - (before[0] ?? at)) / 1_000;
      // A process that was started anew counts anew.
      const more = Math.max(0, (row[column] ?? 0) - (before[column] ?? 0));
      return { at, value: seconds > 0 ? more / seconds : 0 };
    });
  }

  /** What waited at each time. */
  waiting(): readonly Point[] {
    const column = this.#columns.indexOf('waiting');
    return this.#rows.map((row) => ({ at: row[0] ?? 0, value: row[column] ?? 0 }));
  }
}
