/** What happened lately, for people who come when it has begun: transitions, and what the calls came to. */

import type {
  BreakerStateKind,
  FallbackEvents,
  FallbackManager,
  Undo,
} from '@graphiti-fallback/core';
import { runOutside } from './outside.ts';

/** A breaker's change of state. Times are wall-clock ms. */
export interface Transition {
  readonly at: number;
  readonly breaker: string;
  readonly from: BreakerStateKind;
  readonly to: BreakerStateKind;
  /** A code. */
  readonly reason: string;
  /** Of the outage that it began, or belongs to. */
  readonly traceId?: string;
}

/** The columns of a history's rows: a time, counts since the start, and what waits at that time. */
const historyColumns = ['at', 'live', 'stale', 'kept', 'failed', 'waiting'] as const;

/** What happened since this process watches: the last transitions, and counts of a quarter of an hour. */
export interface StatusHistory {
  readonly at: number;
  /** Since when it is known: nothing is kept of earlier processes. */
  readonly since: number;
  /** Oldest first. */
  readonly transitions: readonly Transition[];
  readonly columns: readonly string[];
  /** Oldest first, one every `everyMs`. */
  readonly rows: readonly (readonly number[])[];
  readonly everyMs: number;
}

/** How often the counts are noted, in ms, and how much is kept. */
const everyMs = 3_000;
const mostRows = 301;
const mostTransitions = 100;

/** Keeps the history of one manager, from {@link History.start} on. */
export class History {
  readonly #manager: FallbackManager;
  readonly #transitions: Transition[] = [];
  readonly #rows: (readonly number[])[] = [];
  readonly #stopListening: Undo;
  #timer: NodeJS.Timeout | undefined;
  #stopped = false;
  #since = Date.now();

  constructor(manager: FallbackManager) {
    this.#manager = manager;
    this.#stopListening = manager.on('stateChange', (event) => this.#changed(event));
  }

  /** Begins to note counts. Safe to repeat; keeps no process alive. */
  start(): void {
    if (this.#timer || this.#stopped) return;
    this.#since = Date.now();
    this.#note();
    this.#timer = runOutside(() => setInterval(() => this.#note(), everyMs));
    this.#timer.unref();
  }

  stop(): void {
    this.#stopped = true;
    clearInterval(this.#timer);
    this.#stopListening();
  }

  report(): StatusHistory {
    return {
      at: Date.now(),
      since: this.#since,
      transitions: this.#transitions,
      columns: historyColumns,
      rows: this.#rows,
      everyMs,
    };
  }

  /** A status that cannot be taken leaves a gap, and does no other harm. */
  #note(): void {
    try {
      const { at, operations, queue } = this.#manager.status();
      const { live, cache, stale, entity, applied, accepted, queued, stored, failure } = operations;
      const counts = [live + applied + accepted, cache + stale + entity, queued + stored, failure];
      this.#rows.push([at, ...counts, queue.size]);
    } catch {}
    if (this.#rows.length > mostRows) this.#rows.shift();
  }

  #changed({ at, breaker, from, to, reason }: FallbackEvents['stateChange']): void {
    const transition: Transition & { traceId?: string } = { at, breaker, from, to, reason };
    this.#transitions.push(transition);
    if (this.#transitions.length > mostTransitions) this.#transitions.shift();
    // The outage's own trace is begun by another listener.
    queueMicrotask(() => {
      const traceId = this.#manager.outageTrace(breaker);
      if (traceId) transition.traceId = traceId;
    });
  }
}
