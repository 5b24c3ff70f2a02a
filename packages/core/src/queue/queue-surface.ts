/** The queue as people use it: look, decide, carry elsewhere, pause. */

import { type Check, checkOptions, listOf, oneOf } from '../option-check.ts';
import type { Drain } from './drain.ts';
import {
  type Decision,
  type Doubt,
  type LaneQueue,
  type OperationState,
  operationStates,
} from './lane-queue.ts';
import { type OperationReport, type QueuedOperation, queuedOperation } from './queued-operation.ts';
import { exportLines, type ImportReport, importLine } from './transfer.ts';

/** Which operations are meant. */
export interface QueueFilter {
  /** Those in one of these states. @default all */
  readonly states?: readonly OperationState[];
}

/** The queue, for people. What an earlier process left is in it once the manager is open. */
export interface QueueSurface {
  /**
   * Operations in the queue, oldest first, then local ones, dead letters last. Of a queue that instances
   * share those that this instance queued, as it knows them: {@link all} asks the store.
   *
   * @throws {TypeError} when the filter is wrong
   */
  list(filter?: QueueFilter): readonly QueuedOperation[];
  /**
   * All operations in the queue, also those of other instances; read little by little.
   *
   * @throws {TypeError} when the filter is wrong
   * @throws {Error} when a store that instances share cannot be asked
   */
  all(filter?: QueueFilter): AsyncIterable<QueuedOperation>;
  /** One operation with all that is known of it, while it is in the queue. */
  show(id: string): QueuedOperation | undefined;
  /** Where an operation stands, for one who holds its receipt; also for 24 hours after it left the queue. */
  get(id: string): OperationReport | undefined;
  /** As {@link get}; of a queue that instances share, also of what another one queued. */
  find(id: string): Promise<OperationReport | undefined>;
  /**
   * Decides on one: `retry` one that waits for a person or is local as if it were new; `skip` gives it
   * up, and its lane goes on; `ack` takes it as applied; `purge` takes it out. Resolves to false where
   * there is no such operation, it is with the upstream, or the decision does not fit it.
   *
   * @throws {TypeError} when it is no such decision
   * @throws {Error} when a store that instances share cannot be asked
   */
  decide(id: string, decision: Decision): Promise<boolean>;
  /** Takes an operation as applied: the same as deciding `ack`. */
  ack(id: string): Promise<boolean>;
  /**
   * Something, such as an erasure, may have undone acknowledged writes upstream, also those that are on
   * their way. While they are doubted they are looked for, and end as confirmed or unconfirmed, but are
   * not sent again by themselves. Holds at once, over restarts too, until it is withdrawn: each doubt for itself.
   */
  doubt(ids: readonly string[]): Doubt;
  /** One line of JSON for each operation. They hold what was written: keep them as safe. */
  export(filter?: QueueFilter): string;
  /** Queues operations from lines that were exported, also elsewhere; what is known here is left out. */
  import(lines: string): Promise<ImportReport>;
  /** Looks now whether something can be replayed, as it does by itself: a write has become `available`. */
  wake(): void;
  /** Replays nothing until {@link resume}, or the next start; writes are queued as ever. */
  pause(): void;
  resume(): void;
  readonly paused: boolean;
  /**
   * Whether what an earlier process left is here. False until the store is open, which may be long after
   * the manager is, where it takes more than 5 s or cannot be opened.
   */
  readonly opened: boolean;
  /** Whether the upstream acknowledges writes that are to be confirmed, and has not done any for too long. */
  readonly stalled: boolean;
}

const filterChecks: Readonly<Record<keyof QueueFilter, Check>> = {
  states: listOf(oneOf(...operationStates)),
};

/** Makes the surface; `opened` resolves when it is known what an earlier process left. */
export function queueSurface(
  queue: LaneQueue,
  drain: Drain,
  opened: () => Promise<void>,
  isStalled: () => boolean,
): QueueSurface {
  const matching = (filter: QueueFilter = {}) => {
    checkOptions('the filter of a queue', filter, filterChecks);
    const { states } = filter;
    return queue.list().filter(({ state }) => !states || states.includes(state));
  };
  const all = (filter: QueueFilter = {}) => {
    checkOptions('the filter of a queue', filter, filterChecks);
    const { states } = filter;
    return (async function* matchingOfAll() {
      await opened();
      for await (const listed of queue.all())
        if (!states || states.includes(listed.state)) yield queuedOperation(listed);
    })();
  };
  const decide = async (id: string, decision: Decision) => {
    checkOptions('decide', { decision }, { decision: oneOf('retry', 'skip', 'ack', 'purge') });
    await opened();
    return queue.decide(id, decision);
  };

  return {
    list: (filter) => matching(filter).map(queuedOperation),
    show(id) {
      const found = queue.list().find(({ record }) => record.id === id);
      return found && queuedOperation(found);
    },
    all: (filter) => all(filter),
    get: (id) => queue.get(id),
    async find(id) {
      await opened();
      return queue.find(id);
    },
    decide,
    ack: (id) => decide(id, 'ack'),
    doubt: (ids) => queue.doubt(ids),
    export: (filter) => exportLines(matching(filter).map(({ record }) => record)),
    async import(lines) {
      if (typeof lines !== 'string')
        throw new TypeError(`Expected what is imported to be a text, got ${typeof lines}`);
      await opened();
      return imported(queue, lines);
    },
    wake: () => drain.wake(),
    pause() {
      drain.paused = true;
    },
    resume() {
      drain.paused = false;
    },
    get paused() {
      return drain.paused;
    },
    get opened() {
      return queue.opened;
    },
    get stalled() {
      return isStalled();
    },
  };
}

async function imported(queue: LaneQueue, text: string): Promise<ImportReport> {
  const lines = text
    .split('\n')
    .map((line, index) => ({ number: index + 1, line, record: importLine(line) }))
    .filter(({ line }) => line.trim() !== '');
  const good = lines.flatMap(({ number, record }) => (record ? [{ number, record }] : []));
  const results = await queue.import(good.map(({ record }) => record));
  const refused = lines
    .filter(({ record }) => !record)
    .map(({ number }) => ({ line: number, reason: 'no operation' }));
  const counts = { imported: 0, duplicates: 0 };
  for (const [index, { number }] of good.entries()) {
    const result = results[index];
    if (result === 'duplicate') counts.duplicates += 1;
    else if (result?.status === 'queued') counts.imported += 1;
    else refused.push({ line: number, reason: `full (${result?.limit})` });
  }
  return { ...counts, refused: refused.sort((a, b) => a.line - b.line) };
}
