/** What became of queued operations, on its way to the journal. */

import type { Clock } from '../clock.ts';
import type { Undo } from '../events.ts';
import type { Bucket, Change, Journal } from '../journal.ts';

interface SettlementsOptions {
  readonly journal: Journal;
  readonly clock: Clock;
  readonly onFailure: (error: unknown) => void;
  /** What became of an operation of this lane is in memory only, from now on or no longer. */
  readonly onUnwritten: (lane: string, unwritten: boolean) => void;
}

interface Unwritten {
  readonly lane: string;
  /** Of one key, in order. */
  readonly changes: Change[];
}

/** When what could not be written is written again, in ms. */
const rewriteAfter = 1_000;
/** Nobody waits for a disk that has failed for so long, in ms: it must stop neither the app nor the drain. */
const longestWait = 5_000;

/**
 * Memory holds a settlement at once; what cannot be written now is written again later. All that is not
 * written goes in one commit: a later settlement must not be on disk without an earlier one. A crash
 * would repeat an unwritten one: until it is written nothing newer of its lane should be sent.
 */
export class Settlements {
  readonly #options: SettlementsOptions;
  /** By bucket and key. */
  readonly #unwritten = new Map<string, Unwritten>();
  /** Lanes that wait for theirs, with whoever wants to know when that is over. */
  readonly #waiting = new Map<string, (() => void)[]>();
  #failingSince: number | undefined;
  #committing: Promise<void> | undefined;
  #next: Promise<void> | undefined;
  #cancelRewrite: Undo | undefined;
  #closed = false;

  constructor(options: SettlementsOptions) {
    this.#options = options;
  }

  /** Resolves when the changes were tried; they hold either way. */
  write(lane: string, ...changes: readonly Change[]): Promise<void> {
    const written = new Map<string, Unwritten>();
    for (const change of changes) {
      const key = `${change.bucket}:${change.key}`;
      const earlier = written.get(key);
      if (earlier) earlier.changes.push(change);
      else written.set(key, { lane, changes: [change] });
    }
    for (const [key, each] of written) this.#unwritten.set(key, each);
    if (!this.#waiting.has(lane) && !this.#hopeless) {
      this.#waiting.set(lane, []);
      this.#options.onUnwritten(lane, true);
    }
    return this.#flush();
  }

  /** Changes that may be missing after a crash. */
  writeLazily(changes: readonly Change[]): void {
    const { journal, onFailure } = this.#options;
    journal.commit(changes, { lazy: true }).catch(onFailure);
  }

  /** Resolves when all of a lane is written, or the disk has failed for too long. */
  async written(lane: string): Promise<void> {
    const others = this.#waiting.get(lane);
    if (others) await new Promise<void>((resolve) => others.push(resolve));
  }

  /** Forgets what was not written yet of a key. */
  forget(bucket: Bucket, key: string): void {
    this.#unwritten.delete(`${bucket}:${key}`);
  }

  /** Tries once more, and then no more. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#cancelRewrite?.();
    await this.#flush();
  }

  get #hopeless(): boolean {
    const since = this.#failingSince;
    return since !== undefined && this.#options.clock.elapsed() - since >= longestWait;
  }

  /** One commit at a time; what comes meanwhile goes with the next. */
  #flush(): Promise<void> {
    if (this.#committing) {
      this.#next ??= this.#committing.then(() => {
        this.#next = undefined;
        return this.#flush();
      });
      return this.#next;
    }
    this.#committing = this.#commit().finally(() => {
      this.#committing = undefined;
    });
    return this.#committing;
  }

  async #commit(): Promise<void> {
    const { journal, clock, onFailure } = this.#options;
    const all = [...this.#unwritten];
    try {
      if (all.length > 0) await journal.commit(all.flatMap(([, { changes }]) => changes));
      this.#failingSince = undefined;
      for (const [key, each] of all)
        if (this.#unwritten.get(key) === each) this.#unwritten.delete(key);
      this.#release();
    } catch (error) {
      onFailure(error);
      if (this.#closed) return;
      this.#failingSince ??= clock.elapsed();
      if (this.#hopeless) this.#release();
      this.#cancelRewrite ??= clock.after(rewriteAfter, () => {
        this.#cancelRewrite = undefined;
        void this.#flush();
      });
    }
  }

  #release(): void {
    const unwritten = new Set(
      this.#hopeless ? [] : [...this.#unwritten.values()].map(({ lane }) => lane),
    );
    for (const [lane, others] of this.#waiting) {
      if (unwritten.has(lane)) continue;
      this.#waiting.delete(lane);
      this.#options.onUnwritten(lane, false);
      for (const tell of others) tell();
    }
  }
}
