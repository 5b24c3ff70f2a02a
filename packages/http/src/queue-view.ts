/** What an operator sees besides: lanes, what needs a person, and why breakers are set apart; never what was written. */

import type { FallbackManager, OperationState, QueuedOperation } from '@graphiti-fallback/core';
import { seldom } from './seldom.ts';

/** A lane with what waits in it. Times are wall-clock ms. */
export interface LaneView {
  readonly lane: string;
  readonly waiting: number;
  /** Since when the oldest waits. */
  readonly oldestAt: number;
  /** Of its head. */
  readonly state: OperationState;
  readonly head: OperationView;
}

/** An operation of the queue, without its input. */
export type OperationView = Omit<QueuedOperation, 'input'>;

/** The queue at one moment. */
export interface QueueView {
  readonly at: number;
  /** Those that stand still first, then the oldest. */
  readonly lanes: readonly LaneView[];
  /** How many lanes there are. */
  readonly laneCount: number;
  /** Newest first. */
  readonly deadLetters: readonly OperationView[];
  readonly deadLetterCount: number;
  /** What was acknowledged and not seen in time, oldest first. */
  readonly unconfirmed: readonly OperationView[];
  readonly unconfirmedCount: number;
  /** Why breakers are set apart, by name, in the words of whoever did it. */
  readonly isolated: Readonly<Record<string, string>>;
}

/** So many of each are shown. */
const most = 100;
/** A long queue takes long to look through: that may take this share of the time. */
const shareOfTime = 0.05;

/** What holds no lane. */
const besideLanes: ReadonlySet<OperationState> = new Set([
  'local',
  'accepted',
  'unconfirmed',
  'dead',
]);

/** Looks at a queue, seldom enough to cost next to nothing: in between, all get the last view. */
export function createQueueView(manager: FallbackManager): () => QueueView {
  return seldom(shareOfTime, () => ({
    ...viewOf(manager.queue.list()),
    isolated: reasonsOf(manager),
  }));
}

function viewOf(operations: readonly QueuedOperation[]): Omit<QueueView, 'isolated'> {
  const lanes = new Map<string, { waiting: number; head: QueuedOperation }>();
  const dead: QueuedOperation[] = [];
  const unconfirmed: QueuedOperation[] = [];
  for (const operation of operations) {
    if (operation.state === 'dead') dead.push(operation);
    if (operation.state === 'unconfirmed') unconfirmed.push(operation);
    if (besideLanes.has(operation.state)) continue;
    const lane = lanes.get(operation.lane);
    if (lane) lane.waiting += 1;
    else lanes.set(operation.lane, { waiting: 1, head: operation });
  }
  return {
    at: Date.now(),
    lanes: [...lanes]
      .sort(([, one], [, other]) => urgency(other.head) - urgency(one.head))
      .slice(0, most)
      .map(([lane, { waiting, head }]) => ({
        lane,
        waiting,
        oldestAt: head.enqueuedAt,
        state: head.state,
        head: withoutInput(head),
      })),
    laneCount: lanes.size,
    deadLetters: dead.slice(-most).reverse().map(withoutInput),
    deadLetterCount: dead.length,
    unconfirmed: unconfirmed.slice(0, most).map(withoutInput),
    unconfirmedCount: unconfirmed.length,
  };
}

function reasonsOf(manager: FallbackManager): QueueView['isolated'] {
  const breakers = Object.entries(manager.breakers.status());
  return Object.fromEntries(
    breakers.flatMap(([name, { isolation }]) => (isolation ? [[name, isolation.reason]] : [])),
  );
}

/** Those that wait for a person first; of equals the order of age is kept. */
function urgency({ state }: QueuedOperation): number {
  return state === 'parked' || state === 'blocked' ? 2 : state === 'unhandled' ? 1 : 0;
}

function withoutInput({ input: _input, ...operation }: QueuedOperation): OperationView {
  return operation;
}
