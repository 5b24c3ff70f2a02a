/** One write at a time, for all who came while the one before was on its way. */

import { AsyncResource } from 'node:async_hooks';
import { setImmediate } from 'node:timers/promises';

/** Where writes run: a shared one must not carry the context of the request that happened to start it. */
const outside = new AsyncResource('group-commit');

/** Writes a batch, in order; a rejection is that of all who wait for it. */
export type WriteBatch<T> = (batch: readonly T[]) => Promise<void>;

/** How items are grouped. */
export interface GroupOptions<T> {
  /** How heavy an item is. */
  readonly weigh: (item: T) => number;
  /** How much a batch may weigh: one item of any weight goes by itself. */
  readonly most: number;
  /** Whether the items of a write that failed so are kept, to be written with a later one. */
  readonly keeps: (error: unknown) => boolean;
}

interface Waiter {
  readonly resolve: (written: boolean) => void;
  readonly reject: (reason: unknown) => void;
}

interface Place<T> {
  /** Nothing where somebody only waits for what is before. */
  readonly item: T | undefined;
  /** Nothing where nobody waits: it rides along, and comes again when the write fails. */
  readonly waiter: Waiter | undefined;
}

/** Collects items into batches, of which one is in flight at a time. */
export class GroupCommit<T> {
  readonly #write: WriteBatch<T>;
  readonly #options: GroupOptions<T>;
  #places: Place<T>[] = [];
  #waiters = 0;
  #weight = 0;
  #running: Promise<void> | undefined;

  constructor(write: WriteBatch<T>, options: GroupOptions<T>) {
    this.#write = write;
    this.#options = options;
  }

  /** What came since the batch in flight was taken, in order. */
  get waiting(): readonly T[] {
    return itemsOf(this.#places);
  }

  /** What waits, by weight. */
  get weight(): number {
    return this.#weight;
  }

  /** Whether there is anything that waits to be written. */
  get unwritten(): boolean {
    return this.#places.some(({ item }) => item !== undefined);
  }

  /**
   * Adds an item to the next batch. Resolves when it is written: to true, or to false where the write
   * failed and the item is kept.
   *
   * @throws what the write threw
   */
  join(item: T): Promise<boolean> {
    return this.#wait(item);
  }

  /** Keeps an item's place among those that wait; by itself it causes no write. */
  ride(item: T): void {
    this.#add({ item, waiter: undefined });
  }

  /** Writes what waits, if only an empty batch, and resolves when that is done. @throws what the write threw */
  async flush(): Promise<void> {
    await this.#wait(undefined);
  }

  /** Resolves when nothing is in flight and nobody waits. */
  async idle(): Promise<void> {
    await this.#running;
  }

  #wait(item: T | undefined): Promise<boolean> {
    return new Promise((resolve, reject) => {
      this.#add({ item, waiter: { resolve, reject } });
      this.#waiters += 1;
      this.#running ??= outside.runInAsyncScope(() => this.#run());
    });
  }

  #add(place: Place<T>): void {
    this.#places.push(place);
    this.#weight += this.#weigh(place);
  }

  async #run(): Promise<void> {
    while (this.#waiters > 0) {
      await setImmediate(); // so that all who were released by the last batch can join this one
      const batch = this.#take();
      try {
        await this.#write(itemsOf(batch));
        for (const { waiter } of batch) waiter?.resolve(true);
      } catch (error) {
        this.#fail(batch, error);
      }
    }
    this.#running = undefined;
  }

  #take(): Place<T>[] {
    let weight = 0;
    let count = 0;
    for (const place of this.#places) {
      weight += this.#weigh(place);
      if (count > 0 && weight > this.#options.most) break;
      count += 1;
    }
    const batch = this.#places.splice(0, count);
    this.#waiters -= batch.filter(({ waiter }) => waiter).length;
    for (const place of batch) this.#weight -= this.#weigh(place);
    return batch;
  }

  /** What is kept goes first again: nothing that came later may be on disk before it. */
  #fail(batch: readonly Place<T>[], error: unknown): void {
    const keeps = this.#options.keeps(error);
    const kept = batch.filter(({ item, waiter }) => item !== undefined && (keeps || !waiter));
    this.#places.unshift(...kept.map(({ item }) => ({ item, waiter: undefined })));
    for (const place of kept) this.#weight += this.#weigh(place);
    for (const { item, waiter } of batch) {
      if (keeps && item !== undefined) waiter?.resolve(false);
      else waiter?.reject(error);
    }
  }

  #weigh({ item }: Place<T>): number {
    return item === undefined ? 0 : this.#options.weigh(item);
  }
}

function itemsOf<T>(places: readonly Place<T>[]): T[] {
  return places.flatMap(({ item }) => (item === undefined ? [] : [item]));
}
