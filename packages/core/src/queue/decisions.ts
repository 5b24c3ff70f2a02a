/** What people do with queued operations: decide on one, queue what is local, bring some from elsewhere. */

import type { Accepted } from './accepted.ts';
import { type DeadLetters, revived } from './dead-letters.ts';
import type { History } from './history.ts';
import type { Entry, Lane } from './lane.ts';
import type { Appended, Decision, LocalSync } from './lane-queue.ts';
import type { Lanes } from './lanes.ts';
import type { Ledger } from './ledger.ts';
import type { LiveTurns } from './live-turns.ts';
import type { OperationRecord } from './operation-record.ts';
import { requeued } from './transfer.ts';

interface Surroundings {
  readonly accepted: Accepted;
  readonly lanes: Lanes;
  readonly turns: LiveTurns;
  readonly ledger: Ledger;
  readonly dead: DeadLetters;
  readonly history: History;
}

/** Carries out what people decide. */
export class Decisions {
  readonly #around: Surroundings;

  constructor(around: Surroundings) {
    this.#around = around;
  }

  /** False when there is no such operation, it is with the upstream, or the decision does not fit it. */
  async decide(id: string, decision: Decision): Promise<boolean> {
    const { lanes, turns } = this.#around;
    const entry = lanes.known(id);
    if (!entry?.committed) return false;
    const lane = lanes.lane(entry.record.lane);
    const decided = !lane.isInFlight(entry) && (await this.#decided(lane, entry, decision));
    // A lane that was empty meanwhile is another one by now.
    const left = lanes.lane(entry.record.lane);
    lanes.arrange(left);
    turns.advance(left);
    return decided;
  }

  /** Queues the local operations at the tails of their lanes. */
  async sync(): Promise<LocalSync> {
    const { local } = this.#around.lanes;
    const moving = [...local.entries.values()]
      .filter(({ committed }) => committed)
      // Ids are in order of arrival; a write that was sent first may have been stored last.
      .sort((one, other) => (one.record.id < other.record.id ? -1 : 1));
    const records = moving.map(({ record }) => record);
    const changed = records.flatMap(({ entity, changed }) => (changed && entity ? [entity] : []));
    if (moving.length === 0) return { queued: 0, changed };
    const appended = await this.#unshelved(moving);
    return { queued: appended.filter(({ status }) => status === 'queued').length, changed };
  }

  /** Queues operations that were exported, but for those that are or were here. */
  async import(records: readonly OperationRecord[]): Promise<readonly (Appended | 'duplicate')[]> {
    const { lanes, turns, history } = this.#around;
    const fresh = new Map(records.map((record) => [record.id, record]));
    for (const id of fresh.keys()) if (lanes.known(id) ?? history.get(id)) fresh.delete(id);
    const appended = fresh.size > 0 ? await turns.append([...fresh.values()].map(requeued)) : [];
    const results = new Map([...fresh.keys()].map((id, index) => [id, appended[index]]));
    return records.map(({ id }) => {
      const result = results.get(id);
      results.delete(id);
      return result ?? 'duplicate';
    });
  }

  async #decided(lane: Lane, entry: Entry, decision: Decision): Promise<boolean> {
    const { lanes, ledger, accepted, dead: deadLetters } = this.#around;
    const { id, local, acceptedAt, dead, stopped } = entry.record;
    switch (decision) {
      case 'purge':
      case 'ack':
        if (decision === 'ack' && acceptedAt !== undefined) return accepted.confirm(id);
        lanes.takeOut(entry);
        await ledger.remove(entry, decision === 'ack' ? 'done' : 'purged');
        await ledger.written(entry.record.lane);
        return true;
      case 'skip':
        if (dead || local) return false;
        lanes.takeFromBeside(entry);
        await deadLetters.bury(lane, entry, { reason: 'skipped', error: 'skipped' });
        return true;
      case 'retry':
        if (local) {
          const [appended] = await this.#unshelved([entry]);
          return appended?.status === 'queued';
        }
        if (acceptedAt !== undefined) return accepted.requeue(id);
        if (!dead && !stopped) return false;
        // A lane that stands still goes on with its head.
        if (dead) await deadLetters.revive(entry);
        else await ledger.update(entry, revived);
        return true;
    }
  }

  /** While they are being queued nobody else may queue or purge them. */
  async #unshelved(moving: readonly Entry[]): Promise<readonly Appended[]> {
    for (const entry of moving) entry.committed = false;
    try {
      return await this.#around.turns.append(moving.map(({ record }) => requeued(record)));
    } finally {
      for (const entry of moving) entry.committed = true;
    }
  }
}
