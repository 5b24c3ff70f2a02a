/** Queued operations change in memory at once, and in the journal as soon as it can be. */

import type { Clock } from '../clock.ts';
import type { Change } from '../journal.ts';
import type { Json } from '../json.ts';
import { FlightNotes } from './flight-notes.ts';
import type { Ending, History } from './history.ts';
import type { Entry } from './lane.ts';
import type { Lanes } from './lanes.ts';
import type { OperationRecord } from './operation-record.ts';
import type { Settlements } from './settlements.ts';

/** Changes, removes and remembers operations; what is volatile never reaches the journal. */
export class Ledger {
  readonly #lanes: Lanes;
  readonly #settlements: Settlements;
  readonly #history: History;
  readonly #notes: FlightNotes;

  constructor(lanes: Lanes, settlements: Settlements, history: History, clock: Clock) {
    this.#lanes = lanes;
    this.#settlements = settlements;
    this.#history = history;
    this.#notes = new FlightNotes(clock, (entries) =>
      settlements.writeLazily(entries.map(({ record }) => putRecord(record))),
    );
  }

  /** Resolves when the journal has it, or could not take it now. */
  async update(
    entry: Entry | undefined,
    change: (record: OperationRecord) => OperationRecord,
  ): Promise<void> {
    if (!entry) return;
    this.#notes.delete(entry);
    entry.record = change(entry.record);
    if (!entry.volatile) await this.#settlements.write(entry.record.lane, putRecord(entry.record));
  }

  /**
   * Notes that it is being sent. `durably` resolves when that is written, with all that was settled
   * before it, or when the disk has failed for so long that the drain must go on; otherwise it is written
   * soon if the operation is still in flight by then.
   */
  async note(entry: Entry, sentAt: number, durably: boolean): Promise<void> {
    entry.record = { ...entry.record, inFlight: true, sentAt };
    const { record, volatile } = entry;
    if (volatile) return;
    if (!durably) {
      this.#notes.add(entry);
      return;
    }
    await this.#settlements.write(record.lane, putRecord(record));
    await this.written(record.lane);
  }

  /** Notes at once what is still in flight. */
  close(): void {
    this.#notes.flush();
  }

  /** Resolves when what became of a lane's operations is written, or the disk has failed for too long. */
  written(lane: string): Promise<void> {
    return this.#settlements.written(lane);
  }

  /** The same, and in the journal it comes behind all others: a repeated put would keep its place. */
  async updateAtTail(
    entry: Entry,
    change: (record: OperationRecord) => OperationRecord,
  ): Promise<void> {
    this.#notes.delete(entry);
    entry.record = change(entry.record);
    const { record, volatile } = entry;
    if (!volatile)
      await this.#settlements.write(record.lane, removeRecord(record.id), putRecord(record));
  }

  /** A change that may be missing after a crash. */
  updateLazily(entry: Entry, change: (record: OperationRecord) => OperationRecord): void {
    this.#notes.delete(entry);
    entry.record = change(entry.record);
    if (!entry.volatile) this.#settlements.writeLazily([putRecord(entry.record)]);
  }

  /** Takes an operation out that after a crash would find its end once more. */
  removeLazily(entry: Entry, ending: Ending): void {
    this.#notes.delete(entry);
    const { record, volatile } = entry;
    const remembered = this.#history.add(record, ending);
    this.forget(record.id);
    if (!volatile) this.#settlements.writeLazily([removeRecord(record.id), ...remembered]);
    this.#lanes.remove(entry);
    this.#lanes.takeFromBeside(entry);
  }

  /** Something newer of it is about to be committed: what could not be written must not come after that. */
  forget(id: string): void {
    this.#settlements.forget('queue', id);
  }

  /** Takes an operation out for good; who holds a receipt of it can ask how it ended. */
  async remove(entry: Entry | undefined, ending?: Ending): Promise<void> {
    if (!entry) return;
    this.#notes.delete(entry);
    const { record, volatile } = entry;
    const remembered = ending ? this.#history.add(record, ending) : [];
    if (!volatile)
      await this.#settlements.write(record.lane, removeRecord(record.id), ...remembered);
    this.#lanes.remove(entry);
    this.#lanes.takeFromBeside(entry);
  }
}

/** The change that stores a record. */
export function putRecord(record: OperationRecord): Change {
  return { bucket: 'queue', key: record.id, put: record as unknown as Json };
}

/** The change that removes one. */
export function removeRecord(id: string): Change {
  return { bucket: 'queue', key: id, delete: true };
}
