/** All lanes in memory: which may be claimed, which wait for their time, what concerns an entity. */

import type { Clock } from '../clock.ts';
import { type Entity, entityKey } from '../entity.ts';
import { AcceptedShelf } from './accepted-shelf.ts';
import { type Entry, Lane } from './lane.ts';
import type { OperationState, QueueCounts } from './lane-queue.ts';
import { ReadyLanes } from './ready-lanes.ts';
import { Shelf } from './shelf.ts';

/** Lanes arranged by what can be done with them. A lane is ready, waiting, held, stopped or empty. */
export class Lanes {
  readonly entries: Map<string, Entry> = new Map();
  readonly dead: Map<string, Entry> = new Map();
  readonly local: Shelf = new Shelf();
  readonly accepted: AcceptedShelf = new AcceptedShelf();
  readonly #clock: Clock;
  readonly #lanes = new Map<string, Lane>();
  readonly #ready = new ReadyLanes();
  readonly #waiting = new Set<Lane>();
  readonly #byEntity = new Map<string, Set<Entry>>();
  #bytes = 0;
  #volatile = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Entries that end with the process. */
  get volatile(): number {
    return this.#volatile;
  }

  /** The lane of that name, made when it is not there. */
  lane(name: string): Lane {
    const known = this.#lanes.get(name);
    if (known) return known;
    const lane = new Lane(name);
    this.#lanes.set(name, lane);
    return lane;
  }

  find(name: string): Lane | undefined {
    return this.#lanes.get(name);
  }

  all(): Iterable<Lane> {
    return this.#lanes.values();
  }

  /** Puts an entry at the tail of its lane. */
  add(entry: Entry): void {
    const { id, lane, entity } = entry.record;
    this.entries.set(id, entry);
    this.lane(lane).add(entry);
    this.#bytes += entry.bytes;
    if (entry.volatile) this.#volatile += 1;
    if (!entity) return;
    const key = entityKey(entity);
    const entries = this.#byEntity.get(key) ?? new Set();
    this.#byEntity.set(key, entries.add(entry));
  }

  /** Takes an entry out; its lane is arranged by the caller. */
  remove(entry: Entry): void {
    const { id, lane, entity } = entry.record;
    if (this.entries.get(id) !== entry) return;
    this.entries.delete(id);
    this.#lanes.get(lane)?.remove(entry);
    this.#bytes -= entry.bytes;
    if (entry.volatile) this.#volatile -= 1;
    if (!entity) return;
    const key = entityKey(entity);
    const entries = this.#byEntity.get(key);
    entries?.delete(entry);
    if (entries?.size === 0) this.#byEntity.delete(key);
  }

  /** An operation, wherever it stands. */
  known(id: string): Entry | undefined {
    return this.entries.get(id) ?? this.beside(id) ?? this.dead.get(id);
  }

  /** An operation that stands beside its lane, and is neither dead nor to be sent. */
  beside(id: string): Entry | undefined {
    return this.local.entries.get(id) ?? this.accepted.entries.get(id);
  }

  /** Takes one from beside its lane. */
  takeFromBeside(entry: Entry): void {
    this.local.remove(entry);
    this.accepted.remove(entry);
  }

  /** Takes one out from wherever it stands: while its removal is being written it must not be sent. */
  takeOut(entry: Entry): void {
    const { id, lane } = entry.record;
    if (!this.dead.delete(id)) this.remove(entry);
    this.takeFromBeside(entry);
    this.arrange(this.lane(lane));
  }

  /** Puts a lane where it belongs after anything in it changed. */
  arrange(lane: Lane): void {
    this.#ready.delete(lane);
    this.#waiting.delete(lane);
    if (lane.empty && this.#lanes.get(lane.name) === lane) this.#lanes.delete(lane.name);
    const { head } = lane;
    if (!head?.committed || lane.holder || lane.unwritten || head.record.stopped) return;
    if (this.#dueAt(head) > this.#clock.elapsed()) this.#waiting.add(lane);
    else this.#ready.add(lane);
  }

  /** Lanes whose head may be sent now, by priority and oldest turn first; what is held meanwhile drops out. */
  ready(): ReadyLanes {
    const now = this.#clock.elapsed();
    for (const lane of this.#waiting)
      if (!lane.head || this.#dueAt(lane.head) <= now) this.arrange(lane);
    return this.#ready;
  }

  /** Ends the waits of these operations that were for the upstream's recovery. */
  recovered(operations: ReadonlySet<string>): void {
    for (const lane of [...this.#waiting]) {
      if (!lane.head?.record.untilRecovery || !operations.has(lane.head.record.operation)) continue;
      const { nextAt: _over, untilRecovery: _too, ...record } = lane.head.record;
      lane.head.record = record;
      this.arrange(lane);
    }
  }

  get nextDue(): number | undefined {
    let earliest: number | undefined;
    for (const { head } of this.#waiting) {
      const due = head ? this.#dueAt(head) : 0;
      if (earliest === undefined || due < earliest) earliest = due;
    }
    if (earliest === undefined) return undefined;
    return this.#clock.now() + earliest - this.#clock.elapsed();
  }

  /** By the time of this process, in ms: nobody puts it off by setting the clock. */
  #dueAt(entry: Entry): number {
    const { nextAt } = entry.record;
    if (nextAt === undefined) return 0;
    if (entry.due?.nextAt !== nextAt) {
      const left = Math.max(0, nextAt - this.#clock.now());
      entry.due = { nextAt, at: this.#clock.elapsed() + left };
    }
    return entry.due.at;
  }

  pending(entity: Entity): readonly Entry[] {
    return [...(this.#byEntity.get(entityKey(entity)) ?? [])];
  }

  /** Where an entry stands. */
  stateOf(entry: Entry, isDeclared: (operation: string) => boolean): OperationState {
    const { record } = entry;
    if (record.dead) return 'dead';
    if (record.local) return 'local';
    if (record.acceptedAt !== undefined)
      return record.unconfirmedAt === undefined ? 'accepted' : 'unconfirmed';
    if (record.stopped) return record.stopped === 'unauthorized' ? 'blocked' : 'parked';
    if (this.#lanes.get(record.lane)?.isInFlight(entry)) return 'in_flight';
    return isDeclared(record.operation) ? 'ready' : 'unhandled';
  }

  /** Counts by the heads of lanes; what stands behind a head is ready, or unhandled as the head is. */
  counts(isDeclared: (operation: string) => boolean): QueueCounts {
    const dead = this.dead.size;
    const local = this.local.entries.size;
    const unconfirmed = this.accepted.unconfirmed.size;
    const accepted = this.accepted.entries.size - unconfirmed;
    const beside = { local, accepted, unconfirmed, dead };
    const states = { ready: 0, in_flight: 0, blocked: 0, parked: 0, unhandled: 0, ...beside };
    const lanes = { ready: 0, blocked: 0 };
    for (const { head, size } of this.#lanes.values()) {
      if (!head) continue;
      const state = this.stateOf(head, isDeclared);
      states[state] += 1;
      states[state === 'unhandled' ? 'unhandled' : 'ready'] += size - 1;
      lanes[head.record.stopped ? 'blocked' : 'ready'] += 1;
    }
    return {
      states,
      size: this.entries.size,
      volatile: this.#volatile,
      bytes: this.#bytes + this.accepted.bytes,
      lanes,
      oldestAt: this.entries.values().next().value?.record.enqueuedAt,
    };
  }
}
