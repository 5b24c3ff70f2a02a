/** A journal on lowdb JSON files: what it acknowledged is on disk. */

import type {
  Bucket,
  Change,
  Durability,
  Identity,
  Journal,
  JournalStatus,
  Json,
  OpenReport,
} from '@graphiti-fallback/core';
import { codeOf } from './durable-file.ts';
import { GroupCommit } from './group-commit.ts';
import { openHome, settleIn, type Tenancy } from './home.ts';
import { LazyWrites } from './lazy-writes.ts';
import { checkOptions, type LowdbStoreOptions } from './options.ts';
import { type LineChange, Records, toLines } from './records.ts';
import { homeOf } from './slot.ts';

const closed = 'FALLBACK_STORE_CLOSED';

/** Changes on their way to the disk; lazy ones show already. */
interface Commit {
  readonly changes: readonly LineChange[];
  readonly lazy: boolean;
}

/**
 * Creates a journal that keeps its records as JSON files under `directory`, through lowdb.
 *
 * A commit resolves with `disk` once it survives a power cut, a lazy one with `memory` at once: it is
 * written within about a second. Nothing is created before the first commit.
 *
 * @throws {TypeError} for an unknown option, or a `directory` that is no path of a folder
 */
export function lowdbStore(options: LowdbStoreOptions): Journal {
  return new LowdbJournal(checkOptions(options).directory);
}

class LowdbJournal implements Journal {
  readonly kind = 'lowdb';
  readonly #directory: string;
  readonly #group = new GroupCommit<Commit>((batch) => this.#write(batch));
  readonly #lazy = new LazyWrites(() => this.#group.join().catch(() => {})); // the status has it
  #home = '';
  #state: 'open' | 'closed' = 'closed';
  #tenancy: Tenancy | undefined;
  #records = new Records();
  #problem: string | undefined;
  /** Opening and closing, one after another. */
  #turn: Promise<unknown> = Promise.resolve();

  constructor(directory: string) {
    this.#directory = directory;
  }

  open(identity: Identity): Promise<OpenReport> {
    return this.#inTurn(async () => {
      await this.#shut();
      this.#home = homeOf(this.#directory, identity);
      const { tenancy, problem, report } = await openHome(this.#home);
      this.#tenancy = tenancy;
      this.#records = tenancy?.low.data ?? new Records();
      this.#problem = problem;
      this.#state = 'open';
      if (tenancy?.file.outdated) this.#lazy.changed();
      return report;
    });
  }

  entries(bucket: Bucket): Iterable<readonly [key: string, value: Json]> {
    return this.#records.entries(bucket);
  }

  async commit(changes: readonly Change[], { lazy = false } = {}): Promise<Durability> {
    if (this.#state === 'closed') throw notOpen(this.#directory);
    const commit = { changes: toLines(changes), lazy };
    if (!lazy) {
      await this.#group.join(commit);
      return 'disk';
    }
    this.#records.apply(commit.changes);
    this.#group.ride(commit);
    this.#lazy.changed();
    return 'memory';
  }

  status(): JournalStatus {
    const problem = this.#problem ?? (this.#state === 'closed' ? closed : undefined);
    return {
      kind: this.kind,
      durability: 'disk',
      writable: problem === undefined,
      ...(problem !== undefined && { problem }),
      location: this.#tenancy?.slot.folder ?? this.#directory,
      ...(this.#tenancy && { bytes: this.#tenancy.file.bytes }),
    };
  }

  close(): Promise<void> {
    this.#state = 'closed'; // what is committed from here on is refused, what was before is written
    return this.#inTurn(() => this.#shut());
  }

  /** Writes all there is with a batch on top; what others commit meanwhile waits for the next. */
  async #write(batch: readonly Commit[]): Promise<void> {
    const next = new Records(this.#records);
    for (const { changes } of batch) next.apply(changes);
    this.#lazy.began();
    try {
      await this.#store(next);
    } catch (error) {
      this.#problem = codeOf(error);
      // With a slot, the disk may hold what is refused here (only the last step failed), or nothing any
      // more: what is acknowledged is written again.
      this.#lazy.failed(this.#tenancy !== undefined);
      if (this.#problem === 'ENOENT') this.#leave(); // someone removed the folder: take a new one
      throw error;
    }
    this.#lazy.succeeded();
    this.#problem = undefined;
    for (const { changes, lazy } of this.#group.waiting) if (lazy) next.apply(changes);
    this.#records = next;
  }

  async #store(records: Records): Promise<void> {
    this.#tenancy ??= await settleIn(this.#home);
    const { low } = this.#tenancy;
    low.data = records;
    await low.write();
  }

  async #shut(): Promise<void> {
    this.#state = 'closed';
    if (this.#lazy.unwritten) await this.#group.join().catch(() => {}); // the status has it
    await this.#group.idle();
    this.#lazy.stop();
    this.#leave();
    this.#records = new Records();
  }

  #leave(): void {
    this.#tenancy?.slot.release();
    this.#tenancy = undefined;
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#turn.then(work);
    this.#turn = result.catch(() => {});
    return result;
  }
}

function notOpen(directory: string): Error {
  const error = new Error(
    `The store in ${directory} is not open: a commit comes between open() and close()`,
  );
  return Object.assign(error, { code: closed });
}
