/** What became of queued operations, on its way to the journal. */

import type { Clock } from '../clock.ts';
import { TimeoutError } from '../errors.ts';
import type { Undo } from '../events.ts';
import type { Bucket, Change, Journal } from '../journal.ts';

interface SettlementsOptions {
  readonly journal: Journal;
  readonly clock: Clock;
  readonly onFailure: (error: unknown) => void;
  /** What became of an operation of this lane is in memory only, from now on or no longer. */
  readonly onUnwritten: (lane: string, unwritten: boolean) => void;
}

/** What belongs together, and the lane that waits for it. */
interface Settlement {
  readonly lane: string;
  readonly changes: readonly Change[];
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
  /** In order: what waits for the next commit, and what is in the one on its way. */
  #unwritten: Settlement[] = [];
  #underWay: readonly Settlement[] = [];
  /** Lanes that wait for theirs, with whoever wants to know when that is over. */
  readonly #waiting = new Map<string, (() => void)[]>();
  #failingSince: number | undefined;
  #committing: Promise<void> | undefined;
  #next: Promise<void> | undefined;
  #cancelRewrite: Undo | undefined;
  /** Those who wait for the commit that is on its way; nobody does any more where it hangs. */
  readonly #patient = new Set<() => void>();
  #hangs = false;
  #closed = false;

  constructor(options: SettlementsOptions) {
    this.#options = options;
  }

  /** Resolves when the changes were tried, or the disk has hung for too long; they hold either way. */
  async write(lane: string, ...changes: readonly Change[]): Promise<void> {
    this.#unwritten.push({ lane, changes });
    if (!this.#waiting.has(lane) && !this.#hopeless) {
      this.#waiting.set(lane, []);
      this.#options.onUnwritten(lane, true);
    }
    const tried = this.#flush();
    if (this.#hangs) return;
    await new Promise<void>((resolve) => {
      this.#patient.add(resolve);
      void tried.then(() => {
        this.#patient.delete(resolve);
        resolve();
      });
    });
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
    const isOther = (change: Change) => change.bucket !== bucket || change.key !== key;
    const without = (all: readonly Settlement[]) =>
      all
        .map(({ lane, changes }) => ({ lane, changes: changes.filter(isOther) }))
        .filter(({ changes }) => changes.length > 0);
    this.#unwritten = without(this.#unwritten);
    this.#underWay = without(this.#underWay);
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
    this.#underWay = this.#unwritten;
    this.#unwritten = [];
    const cancel = clock.after(longestWait, () => this.#hang());
    try {
      const changes = this.#underWay.flatMap((each) => each.changes);
      if (changes.length > 0) await journal.commit(changes);
      this.#underWay = [];
      this.#failingSince = undefined;
      this.#release();
    } catch (error) {
      this.#unwritten = latest([...this.#underWay, ...this.#unwritten]);
      this.#underWay = [];
      onFailure(error);
      if (this.#closed) return;
      this.#failingSince ??= clock.elapsed();
      if (this.#hopeless) this.#release();
      this.#cancelRewrite ??= clock.after(rewriteAfter, () => {
        this.#cancelRewrite = undefined;
        void this.#flush();
      });
    } finally {
      cancel();
      this.#hangs = false;
    }
  }

  /** A commit that neither works nor fails is as one that fails, but that it is not tried again. */
  #hang(): void {
    const { clock, onFailure } = this.#options;
    this.#hangs = true;
    this.#failingSince ??= clock.elapsed() - longestWait;
    onFailure(new TimeoutError(longestWait));
    this.#release();
    for (const tell of this.#patient) tell();
    this.#patient.clear();
  }

  #release(): void {
    const unwritten = new Set(this.#hopeless ? [] : this.#unwritten.map(({ lane }) => lane));
    for (const [lane, others] of this.#waiting) {
      if (unwritten.has(lane)) continue;
      this.#waiting.delete(lane);
      this.#options.onUnwritten(lane, false);
      for (const tell of others) tell();
    }
  }
}

/** Of each key only what was settled last, so that a disk that fails for long does not fill the memory. */
function latest(settlements: readonly Settlement[]): Settlement[] {
  const byKey = new Map<string, { readonly lane: string; readonly changes: Change[] }>();
  for (const { lane, changes } of settlements) {
    const mine = new Map<string, Change[]>();
    for (const change of changes) {
      const key = `${change.bucket}:${change.key}`;
      const earlier = mine.get(key);
      if (earlier) earlier.push(change);
      else mine.set(key, [change]);
    }
    for (const [key, each] of mine) byKey.set(key, { lane, changes: each });
  }
  return [...byKey.values()];
}
