/** What became of queued operations, on its way to the journal. */

import type { Clock } from '../clock.ts';
import type { Undo } from '../events.ts';
import type { Bucket, Change, Journal } from '../journal.ts';

/** When what could not be written is written again, in ms. */
const rewriteAfter = 1_000;

/**
 * Memory holds a settlement at once; what cannot be written now is written again later. All that is not
 * written goes in one commit: a later settlement must not be on disk without an earlier one.
 */
export class Settlements {
  readonly #journal: Journal;
  readonly #clock: Clock;
  readonly #onFailure: (error: unknown) => void;
  /** By bucket and key; of one call, in order. */
  readonly #unwritten = new Map<string, readonly Change[]>();
  #cancelRewrite: Undo | undefined;
  #closed = false;

  constructor(journal: Journal, clock: Clock, onFailure: (error: unknown) => void) {
    this.#journal = journal;
    this.#clock = clock;
    this.#onFailure = onFailure;
  }

  /** Resolves when the changes were tried; they hold either way. */
  write(...changes: readonly Change[]): Promise<void> {
    const byKey = new Map<string, Change[]>();
    for (const change of changes) {
      const key = `${change.bucket}:${change.key}`;
      byKey.set(key, [...(byKey.get(key) ?? []), change]);
    }
    for (const [key, each] of byKey) this.#unwritten.set(key, each);
    return this.#flush();
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

  async #flush(): Promise<void> {
    const changes = [...this.#unwritten];
    if (changes.length === 0) return;
    try {
      await this.#journal.commit(changes.flatMap(([, each]) => each));
      for (const [key, each] of changes)
        if (this.#unwritten.get(key) === each) this.#unwritten.delete(key);
    } catch (error) {
      this.#onFailure(error);
      if (this.#closed) return;
      this.#cancelRewrite ??= this.#clock.after(rewriteAfter, () => {
        this.#cancelRewrite = undefined;
        void this.#flush();
      });
    }
  }
}
