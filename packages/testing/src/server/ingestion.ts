/** The queue behind POST /messages: in memory, unbounded, one worker for all groups, and mortal. */

import type { Graph } from './graph.ts';
import { assertGroupId } from './group-id.ts';
import type { Message } from './requests.ts';

/** A message that POST /messages acknowledged, and what became of it. */
export interface AcceptedMessage extends Message {
  readonly group_id: string;
  /** `waiting` until ingested; `lost` when it killed the worker or a restart dropped it. */
  readonly state: 'waiting' | 'stored' | 'lost';
}

type Job = AcceptedMessage & { state: AcceptedMessage['state'] };

interface Waiter {
  resolve(): void;
  reject(reason: Error): void;
}

/** Takes messages at once and stores them later, one every `delayMs`, until an exception ends it. */
export class Ingestion {
  readonly #graph: Graph;
  readonly #delayMs: number;
  readonly #maxAccepted: number;
  readonly #accepted: Job[] = [];
  readonly #waiting: Job[] = [];
  readonly #waiters: Waiter[] = [];
  #cancel: (() => void) | undefined;
  #alive = true;

  constructor(graph: Graph, delayMs: number, maxAccepted: number) {
    this.#graph = graph;
    this.#delayMs = delayMs;
    this.#maxAccepted = maxAccepted;
  }

  /** Whether the worker runs. Nothing outside the test server can see this. */
  get alive(): boolean {
    return this.#alive;
  }

  /** How many messages wait for the worker, or for nobody. */
  get pending(): number {
    return this.#waiting.length;
  }

  /** Acknowledges messages, whether or not anyone will ever ingest them. */
  accept(groupId: string, messages: readonly Message[]): void {
    for (const message of messages) {
      const job: Job = { ...message, group_id: groupId, state: 'waiting' };
      this.#waiting.push(job);
      this.#accepted.push(job);
    }
    if (this.#accepted.length > this.#maxAccepted * 1.1) {
      this.#accepted.splice(0, this.#accepted.length - this.#maxAccepted);
    }
    this.#work();
  }

  /** The acknowledged messages, of one group or of all, in order. */
  accepted(groupId?: string): AcceptedMessage[] {
    const of = this.#accepted.filter((job) => groupId === undefined || job.group_id === groupId);
    return of.map((job) => ({ ...job }));
  }

  /** Resolves when nothing waits; rejects when the worker is dead while something does. */
  async settled(): Promise<void> {
    if (this.#waiting.length === 0) return;
    if (!this.#alive) throw this.#stalled();
    await new Promise<void>((resolve, reject) => this.#waiters.push({ resolve, reject }));
  }

  /** Ends the worker without a word; what waits goes on waiting. */
  kill(): void {
    this.#alive = false;
    this.#cancel?.();
    this.#cancel = undefined;
    for (const { reject } of this.#waiters.splice(0)) reject(this.#stalled());
  }

  /** Loses what waits and starts a new worker. */
  restart(): void {
    this.kill();
    for (const job of this.#waiting.splice(0)) job.state = 'lost';
    this.#alive = true;
  }

  #work(): void {
    if (!this.#alive || this.#cancel) return;
    if (this.#waiting.length === 0) {
      for (const { resolve } of this.#waiters.splice(0)) resolve();
      return;
    }
    this.#cancel = after(this.#delayMs, () => {
      this.#cancel = undefined;
      this.#ingestNext();
      this.#work();
    });
  }

  #ingestNext(): void {
    const job = this.#waiting.shift();
    if (!job) return;
    try {
      assertGroupId(job.group_id);
      if (job.uuid === null) this.#graph.addEpisode(job.group_id, job);
      else this.#graph.reprocess(job.uuid);
      job.state = 'stored';
    } catch {
      job.state = 'lost';
      this.kill();
    }
  }

  #stalled(): Error {
    return new Error(`The ingestion worker is dead, with ${this.#waiting.length} messages waiting`);
  }
}

/** Runs later, never in this turn; without a delay sooner than the 1 ms that a timer takes at least. */
function after(ms: number, run: () => void): () => void {
  if (ms > 0) {
    const timer = setTimeout(run, ms);
    return () => clearTimeout(timer);
  }
  const immediate = setImmediate(run);
  return () => clearImmediate(immediate);
}
