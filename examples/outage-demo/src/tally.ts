/** What the users saw, counted by phase, and what the app promised them. */

import type { Reply } from './app-client.ts';

/** A message that the app accepted, in the order of acceptance. */
export interface Accepted {
  readonly group: string;
  readonly content: string;
  /** The receipt said that it was queued; otherwise Graphiti has acknowledged it. */
  readonly queued: boolean;
  /** Its id in the queue. */
  readonly operation: string | undefined;
  readonly phase: string;
}

/** What the app's breaker did. */
export interface Transition {
  readonly breaker: string;
  readonly from: string;
  readonly to: string;
  readonly reason: string;
}

/** The counts of one phase. */
export interface PhaseCounts {
  readonly phase: string;
  readonly startedAt: number;
  requests: number;
  live: number;
  stale: number;
  acknowledged: number;
  queued: number;
  failed: number;
}

/** Counts answers as they come. */
export class Tally {
  readonly #now: () => number;
  readonly phases: PhaseCounts[] = [];
  readonly accepted: Accepted[] = [];
  /** Messages whose answer was lost, once for each time: they may be upstream once more. */
  readonly uncertain: string[] = [];
  readonly transitions: Transition[] = [];
  /** How often nobody listened. */
  refused = 0;

  constructor(now: () => number) {
    this.#now = now;
  }

  /** From now on it counts for this phase. */
  begin(phase: string): void {
    const none = { requests: 0, live: 0, stale: 0, acknowledged: 0, queued: 0, failed: 0 };
    this.phases.push({ phase, startedAt: this.#now(), ...none });
  }

  read(reply: Reply): void {
    const counts = this.#answered(reply);
    if (reply.kind !== 'answer' || !counts || reply.status >= 300) return;
    counts[reply.stale ? 'stale' : 'live'] += 1;
  }

  wrote(group: string, content: string, reply: Reply): void {
    const counts = this.#answered(reply);
    if (reply.kind === 'lost') this.uncertain.push(content);
    if (reply.kind !== 'answer' || !counts || reply.status >= 300) return;
    const queued = reply.outcome === 'queued';
    counts[queued ? 'queued' : 'acknowledged'] += 1;
    const { operation } = reply;
    this.accepted.push({ group, content, queued, operation, phase: counts.phase });
  }

  transition(transition: Transition): void {
    this.transitions.push(transition);
  }

  /** How often a breaker opened. */
  get opened(): number {
    return this.transitions.filter(({ to }) => to === 'open').length;
  }

  /** The sum over all phases. */
  total(count: 'requests' | 'live' | 'stale' | 'acknowledged' | 'queued' | 'failed'): number {
    return this.phases.reduce((sum, phase) => sum + phase[count], 0);
  }

  #answered(reply: Reply): PhaseCounts | undefined {
    const counts = this.phases.at(-1);
    if (reply.kind === 'refused') this.refused += 1;
    if (reply.kind !== 'answer' || !counts) return undefined;
    counts.requests += 1;
    if (reply.status >= 500) counts.failed += 1;
    return counts;
  }
}
