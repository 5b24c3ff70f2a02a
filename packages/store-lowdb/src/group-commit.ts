/** One write at a time, for all who came while the one before was on its way. */

import { AsyncResource } from 'node:async_hooks';
import { setImmediate } from 'node:timers/promises';

/** Where writes run: a shared one must not carry the context of the request that happened to start it. */
const outside = new AsyncResource('group-commit');

/** Writes a batch, in order; a rejection is that of all who wait for it. */
export type WriteBatch<T> = (batch: readonly T[]) => Promise<void>;

interface Waiter {
  readonly resolve: () => void;
  readonly reject: (reason: unknown) => void;
}

/** Collects items into batches, of which one is in flight at a time. */
export class GroupCommit<T> {
  readonly #write: WriteBatch<T>;
  #items: T[] = [];
  #waiters: Waiter[] = [];
  #running: Promise<void> | undefined;

  constructor(write: WriteBatch<T>) {
    this.#write = write;
  }

  /** What came since the batch in flight was taken, in order. */
  get waiting(): readonly T[] {
    return this.#items;
  }

  /** Adds items to the next batch, and resolves when it is written. @throws what the write threw */
  join(...items: T[]): Promise<void> {
    this.#items.push(...items);
    return new Promise((resolve, reject) => {
      this.#waiters.push({ resolve, reject });
      this.#running ??= outside.runInAsyncScope(() => this.#run());
    });
  }

  /** Keeps an item's place among those that wait; with nothing under way it needs none. */
  ride(item: T): void {
    if (this.#running) this.#items.push(item);
  }

  /** Resolves when nothing is in flight and nobody waits. */
  async idle(): Promise<void> {
    await this.#running;
  }

  async #run(): Promise<void> {
    do {
      await setImmediate(); // so that all who were released by the last batch can join this one
      const [items, waiters] = [this.#items, this.#waiters];
      this.#items = [];
      this.#waiters = [];
      try {
        await this.#write(items);
        for (const { resolve } of waiters) resolve();
      } catch (error) {
        for (const { reject } of waiters) reject(error);
      }
    } while (this.#waiters.length > 0);
    this.#items = [];
    this.#running = undefined;
  }
}
