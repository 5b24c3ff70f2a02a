/** The shared queue for people: looked through, asked and decided on by any instance. */

import type { Clock } from '../clock.ts';
import { revived } from '../queue/dead-letters.ts';
import type { Decision, ListedOperation } from '../queue/lane-queue.ts';
import type { OperationRecord } from '../queue/operation-record.ts';
import { type OperationReport, reportOf } from '../queue/queued-operation.ts';
import type { SharedPage, SharedQueue } from '../queue/shared-queue.ts';
import { endedReport, endingOf, listedOf, progressOf } from './shared-record.ts';

interface Surroundings {
  readonly shared: SharedQueue;
  readonly clock: Clock;
  readonly isDeclared: (operation: string) => boolean;
  readonly onSkipped: (record: OperationRecord) => void;
}

/** Operations that are read at a time. */
const pageSize = 100;

/** What people ask of the shared queue. */
export class SharedDesk {
  readonly #around: Surroundings;

  constructor(around: Surroundings) {
    this.#around = around;
  }

  async *all(): AsyncGenerator<ListedOperation> {
    const { shared, isDeclared } = this.#around;
    let after: { readonly after?: string } | undefined = {};
    while (after) {
      const { found, next }: SharedPage = await shared.list({ ...after, limit: pageSize });
      for (const each of found) {
        const listed = listedOf(each, isDeclared);
        if (listed) yield listed;
      }
      after = next === undefined ? undefined : { after: next };
    }
  }

  async find(id: string): Promise<OperationReport | undefined> {
    const { shared, isDeclared } = this.#around;
    const [found] = await shared.find([id]);
    if (!found) return undefined;
    if ('ending' in found) return endedReport(id, found.ending);
    const listed = listedOf(found, isDeclared);
    return listed && reportOf(listed.record, listed.state);
  }

  /** False when there is no such operation, it is with the upstream, or the decision does not fit it. */
  async decide(id: string, decision: Decision): Promise<boolean> {
    const { shared, clock, isDeclared, onSkipped } = this.#around;
    const [found] = await shared.find([id]);
    const listed = found && listedOf(found, isDeclared);
    if (!listed) return false;
    const { record } = listed;
    switch (decision) {
      case 'retry':
        return shared.decide(id, { kind: 'retry', progress: progressOf(revived(record)) });
      case 'skip': {
        const progress = progressOf({ ...record, dead: 'skipped', lastError: 'skipped' });
        const skipped = await shared.decide(id, { kind: 'skip', progress });
        if (skipped) onSkipped(record);
        return skipped;
      }
      case 'ack':
      case 'purge': {
        const ending = endingOf(record, decision === 'ack' ? 'done' : 'purged', clock.now());
        return shared.decide(id, { kind: 'remove', ending });
      }
    }
  }
}
