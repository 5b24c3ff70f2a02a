/** A journal on lowdb JSON files: what it acknowledged is on disk. */

import type {
  Adopted,
  Bucket,
  Change,
  Durability,
  Identity,
  Journal,
  JournalStatus,
  Json,
  OpenReport,
  StoreRole,
  Undo,
} from '@graphiti-fallback/core';
import { Orphans, openHome, reportOf, settleIn } from './home.ts';
import { type Limits, type LowdbStoreOptions, limitsOf } from './options.ts';
import { type LineChange, toLines } from './records.ts';
import { Repeating } from './repeating.ts';
import { homeOf } from './slot.ts';
import { SlotJournal } from './slot-journal.ts';
import { warnOfStrays } from './strays.ts';

const closed = 'FALLBACK_STORE_CLOSED';
/** How often is looked for processes that are gone, in ms. */
const adoptEvery = 30_000;

/**
 * Creates a journal that keeps its records as JSON files under `directory`, through lowdb.
 *
 * A commit resolves with `disk` once it survives a power cut, a lazy one with `memory` at once: it is
 * written within about a second. Nothing is created before the first commit.
 *
 * @throws {TypeError} for an unknown option, or a `directory` that is no path of a folder
 */
export function lowdbStore(options: LowdbStoreOptions): Journal {
  return new LowdbJournal(limitsOf(options));
}

class LowdbJournal implements Journal {
  readonly kind = 'lowdb';
  readonly #limits: Limits;
  readonly #listeners = new Set<(records: readonly Adopted[]) => void>();
  readonly #sweep = new Repeating(adoptEvery, () => void this.#inTurn(() => this.#adopt()));
  #state: 'open' | 'closed' = 'closed';
  #home = '';
  #identity: Identity = { manager: '', hash: '' };
  #own: SlotJournal;
  /** Those of processes that are gone: their operations stay where they are until they are done. */
  #adopted: SlotJournal[] = [];
  #orphans = new Orphans('');
  /** Opening, adopting and closing, one after another. */
  #turn: Promise<unknown> = Promise.resolve();

  constructor(limits: Limits) {
    this.#limits = limits;
    this.#own = this.#unsettled();
  }

  open(identity: Identity, role?: StoreRole): Promise<OpenReport> {
    return this.#inTurn(async () => {
      await this.#shut();
      this.#identity = identity;
      this.#home = homeOf(this.#limits.directory, identity);
      const stake = { ...this.#limits, role };
      const { tenancy, problem, report } = await openHome(this.#home, identity, stake);
      this.#own = this.#unsettled(tenancy);
      this.#own.problem = problem;
      this.#orphans = new Orphans(this.#home);
      const reports = problem === undefined ? await this.#takeOver() : [];
      // A cache has no writes to miss.
      const strays = role === 'cache' ? [] : await warnOfStrays(this.#home, identity);
      this.#state = 'open';
      this.#sweep.start();
      return joined(
        { ...report, warnings: [...report.warnings, ...strays] },
        reports.map(({ report: each }) => each),
      );
    });
  }

  *entries(bucket: Bucket): Generator<readonly [key: string, value: Json]> {
    yield* this.#own.entries(bucket);
    // Of what is not queued each process has its own.
    if (bucket === 'queue') for (const slot of this.#adopted) yield* slot.entries(bucket);
  }

  async commit(changes: readonly Change[], { lazy = false } = {}): Promise<Durability> {
    if (this.#state === 'closed') throw notOpen(this.#limits.directory);
    const lines = toLines(changes);
    if (this.#adopted.length === 0) return this.#own.commit(lines, lazy);
    const parts = [...this.#partsOf(lines)];
    const stored = await Promise.all(parts.map(([slot, part]) => slot.commit(part, lazy)));
    if (this.#adopted.some(isDone)) void this.#inTurn(() => this.#release());
    return stored.includes('memory') ? 'memory' : 'disk';
  }

  status(): JournalStatus {
    const problem = this.#own.problem ?? (this.#state === 'closed' ? closed : undefined);
    const kept = problem !== undefined && this.#limits.onUnwritable === 'memory';
    return {
      kind: this.kind,
      durability: kept && this.#state === 'open' ? 'memory' : 'disk',
      writable: problem === undefined,
      ...(problem !== undefined && { problem }),
      location: this.#own.folder ?? this.#limits.directory,
      ...this.#own.status(),
      ...(this.#adopted.length > 0 && { adopted: this.#adopted.length }),
    };
  }

  onAdopted(listener: (records: readonly Adopted[]) => void): Undo {
    const entry = (records: readonly Adopted[]) => listener(records);
    this.#listeners.add(entry);
    return () => this.#listeners.delete(entry);
  }

  close(): Promise<void> {
    this.#state = 'closed'; // what is committed from here on is refused, what was before is written
    return this.#inTurn(() => this.#shut());
  }

  /** Whoever listens can replay what is found. */
  async #adopt(): Promise<void> {
    if (this.#state === 'closed' || this.#listeners.size === 0) return;
    const taken = await this.#takeOver();
    const records = taken.flatMap(({ slot }) =>
      [...slot.entries('queue')].map(([key, value]): Adopted => ['queue', key, value]),
    );
    if (records.length > 0) for (const listener of this.#listeners) listener(records);
  }

  async #takeOver(): Promise<{ slot: SlotJournal; report: OpenReport }[]> {
    const found = await this.#orphans.adopt();
    const taken = found.map((tenancy) => ({
      slot: this.#unsettled(tenancy),
      report: reportOf(tenancy),
    }));
    this.#adopted.push(...taken.map(({ slot }) => slot));
    return taken;
  }

  /** Lets go of slots whose operations are all done. */
  async #release(): Promise<void> {
    const done = this.#adopted.filter(isDone);
    for (const slot of done) await slot.close({ tidy: true });
    this.#adopted = this.#adopted.filter((slot) => !done.includes(slot));
  }

  /** An operation stays where it is; everything else is this process's own. */
  #partsOf(lines: readonly LineChange[]): Map<SlotJournal, LineChange[]> {
    const parts = new Map<SlotJournal, LineChange[]>();
    for (const line of lines) {
      const holder = this.#adopted.find((slot) => slot.has(line.bucket, line.key));
      const slot = (line.bucket === 'queue' && holder) || this.#own;
      const part = parts.get(slot) ?? [];
      parts.set(slot, part);
      part.push(line);
    }
    return parts;
  }

  async #shut(): Promise<void> {
    this.#state = 'closed';
    this.#sweep.stop();
    const adopted = this.#adopted;
    await this.#own.close();
    for (const slot of adopted) await slot.close({ tidy: isDone(slot) });
    this.#adopted = [];
  }

  #unsettled(tenancy?: Parameters<typeof reportOf>[0]): SlotJournal {
    return new SlotJournal(this.#limits, () => settleIn(this.#home, this.#identity), tenancy);
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#turn.then(work);
    this.#turn = result.catch(() => {});
    return result;
  }
}

function isDone(slot: SlotJournal): boolean {
  return slot.count('queue') === 0;
}

/** One report of the own slot and those that were taken over. */
function joined(own: OpenReport, others: readonly OpenReport[]): OpenReport {
  const all = [own, ...others];
  const sum = (number: (report: OpenReport) => number | undefined) =>
    all.reduce((total, report) => total + (number(report) ?? 0), 0);
  return {
    ...own,
    records: sum(({ records }) => records),
    quarantined: all.flatMap(({ quarantined }) => quarantined),
    warnings: all.flatMap(({ warnings }) => warnings),
    torn: sum(({ torn }) => torn),
    missing: sum(({ missing }) => missing),
  };
}

function notOpen(directory: string): Error {
  const error = new Error(
    `The store in ${directory} is not open: a commit comes between open() and close()`,
  );
  return Object.assign(error, { code: closed });
}
