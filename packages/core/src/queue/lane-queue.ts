/** What a queue of lanes promises; the write path and the drain know nothing else of it. */

import type { Entity } from '../entity.ts';
import type { Undo } from '../events.ts';
import type { Durability, OpenReport } from '../journal.ts';
import type { DeadReason, NewOperation, OperationRecord, StopReason } from './operation-record.ts';
import type { OperationReport } from './queued-operation.ts';

/** What became of an append. */
export type Appended =
  | {
      readonly status: 'queued';
      readonly id: string;
      readonly durability: Durability;
      /** Stored beside the lanes: nobody replays it until somebody syncs. */
      readonly local?: true;
    }
  | { readonly status: 'full'; readonly limit: 'entries' | 'bytes' };

/** What a live write finds at its lane: its turn, that it was queued behind others, or that it may not be. */
export type Entered =
  | { readonly kind: 'turn'; readonly turn: Turn }
  | { readonly kind: 'queued'; readonly appended: Appended }
  | { readonly kind: 'turned_away' };

/** The right of one live write to use its lane; it must be ended in one of three ways. */
export interface Turn {
  /**
   * Stores the operation for its sender before it is sent; the lane is held as before. `full` where there
   * is no room for it, nothing where it cannot be stored. Never rejects.
   */
  hold(): Promise<Appended | 'full' | undefined>;
  /**
   * Acknowledged by the upstream, and to be confirmed: the lane goes on without it, and it stays. Says
   * how it is kept; nothing where it was not stored before, which is as {@link done}.
   */
  accepted(sentAt: number): Promise<Appended | undefined>;
  /** Applied or given up: the lane goes on. */
  done(): Promise<void>;
  /** To be replayed: it becomes the lane's head, whoever waits behind it follows in order. */
  keep(failed: Failed): Promise<Appended>;
  /**
   * Its time is over while it ends as {@link accepted} or {@link done}: the lane goes on, whatever the store
   * is still at. That goes on, too.
   */
  letGo(): void;
}

/** How a live write failed that is to be replayed. */
export interface Failed {
  /** Absent where it is certain that the upstream did not apply it. */
  readonly sentAt?: number;
  readonly lastError: string;
  /** How long it waits before it is first replayed, in ms. */
  readonly delayMs: number;
}

/** How long a live write waits for its turn. */
export interface Wait {
  readonly withinMs: number;
  /** Ends the wait early. */
  readonly signal?: AbortSignal | undefined;
}

/** The right to send the head of one lane, once, while nobody else holds that lane. */
export interface Claim {
  readonly record: OperationRecord;
  /** Certain to hold the lane for `ms` more? Asked right before sending. */
  held(ms: number): boolean;
  /** Whether another may have the lane afterwards: nothing must be written when the call's time is over. */
  readonly leased?: boolean;
  /**
   * Notes that the operation is with the upstream from now on; `durably` waits until that is stored, or
   * could not be. Otherwise it is stored only where the operation stays there for a moment. Never rejects.
   */
  sending(durably: boolean): Promise<void>;
  /** Whether what follows in its lane is more urgent than all that may be claimed now. */
  readonly goesOnFirst: boolean;
}

/** What came of a claim. */
export type QueueVerdict =
  /** `seen` where it was looked for, and found. */
  | { readonly kind: 'done'; readonly seen?: boolean }
  /** Acknowledged, and to be confirmed: the lane goes on without it. */
  | { readonly kind: 'accepted'; readonly sentAt: number }
  /** Not sent. */
  | { readonly kind: 'release' }
  /** Stays the head of its lane, and is tried again after the delay. */
  | {
      readonly kind: 'retry';
      readonly delayMs: number;
      readonly charge: boolean;
      readonly error: string;
      /** Absent where it is certain that the upstream did not apply it. */
      readonly sentAt: number | undefined;
      /** The wait ends when the breaker closes. */
      readonly untilRecovery: boolean;
      /** Whether the lane's next wait is longer for it. */
      readonly backsOff: boolean;
    }
  /** Given up; the lane goes on. */
  | { readonly kind: 'dead'; readonly reason: DeadReason; readonly error: string }
  /** The lane waits for a person. */
  | { readonly kind: 'stop'; readonly reason: StopReason; readonly error: string };

/** Where a queued operation stands. */
export type OperationState =
  | 'ready'
  | 'in_flight'
  | 'blocked'
  | 'parked'
  | 'unhandled'
  | 'local'
  | 'accepted'
  | 'unconfirmed'
  | 'dead';

/** All states, in the order in which they are listed. */
export const operationStates: readonly OperationState[] = [
  'ready',
  'in_flight',
  'blocked',
  'parked',
  'unhandled',
  'local',
  'accepted',
  'unconfirmed',
  'dead',
];

/** Operations by state, and what bounds them. */
export interface QueueCounts {
  readonly states: Readonly<Record<OperationState, number>>;
  /** Operations that are still to be applied: all but the dead, the local and the accepted ones. */
  readonly size: number;
  /** Of these, how many end with the process. */
  readonly volatile: number;
  readonly bytes: number;
  readonly lanes: { readonly ready: number; readonly blocked: number };
  /** When the oldest one that is still to be applied was queued, wall-clock ms. */
  readonly oldestAt: number | undefined;
}

/** What may be claimed. */
export interface ClaimRequest {
  readonly max: number;
  /** Whether operations of this name may be sent now; asked once for each that could be. */
  readonly admits: (
    operation: string,
    queued: { readonly record: OperationRecord; readonly volatile: boolean },
  ) => boolean;
}

/**
 * A person's decision on one operation: try it again as if it were new, give it up so that its lane goes
 * on, take it as applied, or take it out.
 */
export type Decision = 'retry' | 'skip' | 'ack' | 'purge';

/** An operation in the queue. */
export interface ListedOperation {
  readonly record: OperationRecord;
  readonly state: OperationState;
}

/** What became of the local operations. */
export interface LocalSync {
  /** How many are queued now. */
  readonly queued: number;
  /** Entities of theirs that were changed upstream since they were stored. */
  readonly changed: readonly Entity[];
}

/** Acknowledged now; taken over from a process that is gone; seen. */
export type AcceptedChange = 'accepted' | 'taken_up' | 'confirmed';

/** Some acknowledged writes, and something that may have undone them upstream. */
export interface Doubt {
  /** Resolves when it is stored. Never rejects. */
  readonly stored: Promise<void>;
  /** It has certainly not: they are as before, but for those that another doubt concerns. Never rejects. */
  withdraw(): Promise<void>;
}

/** Operations that the upstream has acknowledged and that wait to be seen there, in the order of that. */
export interface AcceptedOperations extends Iterable<OperationRecord> {
  readonly size: number;
  /** Those of that name that have not waited for too long. */
  inTime(operation: string): Iterable<OperationRecord>;
  get(id: string): OperationRecord | undefined;
  /** It was seen: it is done. False where there is no such operation. */
  confirm(id: string): boolean;
  /** It was not seen for too long; it stays. */
  unconfirmed(id: string): void;
  /**
   * Queues it once more, at the tail of its lane, to be looked for and then sent. False where there is no
   * room, where it is doubted, and while a live write is in its lane, which may undo it.
   */
  resend(id: string): Promise<boolean>;
  giveUp(id: string, reason: 'unconfirmed' | 'expired'): Promise<void>;
  /** Tells of each that is acknowledged, and of each that was seen. */
  onChange(listener: (record: OperationRecord, how: AcceptedChange) => void): Undo;
}

/** A queue of which operations can be moved to another. */
export interface MovableQueue extends LaneQueue {
  /** Takes out what a claim holds: it is in another queue now, and nothing of it is remembered here. */
  moved(claim: Claim): Promise<'ok' | 'lost'>;
  /** Whether operations are queued in the lane: not only that something of it is still being written. */
  queues(lane: string): boolean;
  /** Keeps an operation that the upstream has acknowledged, from its lane here or from elsewhere. */
  takeAccepted(record: OperationRecord, sentAt: number): Promise<void>;
  /** An operation that lay elsewhere was looked for and found. */
  seen(record: OperationRecord): void;
}

/** Queued writes in lanes: strictly first-in first-out within one, each lane held by one at a time. */
export interface LaneQueue {
  open(): Promise<OpenReport>;
  /** Whether what an earlier process left is here. */
  readonly opened: boolean;
  /**
   * Keeps operations in one step, in this order, behind whatever is in their lanes: live writes that
   * hold or await one go first. Resolves when they are as durable as it says. Local ones are stored
   * beside the lanes.
   *
   * @throws when the store could not keep them; none is queued then
   */
  append(operations: readonly NewOperation[]): Promise<readonly Appended[]>;
  /**
   * Takes the lane for a live write, or queues the write behind what the lane holds. One whose wait
   * ends before its turn came is queued, or turned away if it is not to be kept.
   */
  enter(operation: NewOperation, wait: Wait): Promise<Entered>;
  /**
   * Queues the live writes of these operations that wait for a turn, behind those that hold one, or
   * turns them away.
   */
  queueWaiting(operations: ReadonlySet<string>): void;
  /** Whether the lane holds something that must go first. */
  busy(lane: string): boolean;
  /** Whether an operation would be queued at once behind what its lane holds. */
  joins(operation: NewOperation): boolean;
  /** Heads of free lanes that are due, oldest turn first. */
  claim(request: ClaimRequest): readonly Claim[];
  /** `lost` when the lane was somebody else's by now: nothing was written. */
  settle(claim: Claim, verdict: QueueVerdict): Promise<'ok' | 'lost'>;
  /** Operations that are still to be applied. */
  readonly size: number;
  /** Of these, how many end with the process. */
  readonly volatile: number;
  /** Operations that are stored beside the lanes. */
  readonly local: number;
  /** Operations that wait to be confirmed: they make no lane busy. */
  readonly accepted: AcceptedOperations;
  /**
   * Something may have undone acknowledged operations upstream, also those that are being sent: while they
   * are doubted they are not sent again by themselves. Holds at once, and until it is withdrawn.
   */
  doubt(ids: readonly string[]): Doubt;
  /** Whether this instance tells the metrics of the whole queue: always where the queue is its own. */
  readonly leads: boolean;
  /** When a write of that name was last confirmed, and when the newest of those was queued; wall-clock ms. */
  confirmations(operation: string): { readonly last: number; readonly newest: number };
  /** How many heads are due that are one of these operations; `wanted` is how many there is use for. */
  claimable(operations: ReadonlySet<string>, wanted?: number): number;
  /** Whether a head is to be sent, now or later, that is one of these operations. */
  holds(operations: ReadonlySet<string>): boolean;
  /** Ends waits of these operations that were for the upstream's recovery. */
  recovered(operations: ReadonlySet<string>): void;
  /** Called when something may have become claimable. */
  onWork(listener: () => void): Undo;
  /** When the next head is due, wall-clock ms; `undefined` when none waits for its time. */
  readonly nextDue: number | undefined;
  /** Queues the local operations at the tails of their lanes; those that changed meanwhile are named. */
  sync(): Promise<LocalSync>;
  /** An entity was changed upstream: a local operation that concerns it is older than that. */
  changed(entity: Entity): void;
  /** Where an operation stands, also for a while after it left the queue. */
  get(id: string): OperationReport | undefined;
  /** What this instance has queued. */
  list(): readonly ListedOperation[];
  /** All there is, in pages: also what other instances queued. */
  all(): AsyncIterable<ListedOperation>;
  /** As {@link get}, also of what other instances queued. */
  find(id: string): Promise<OperationReport | undefined>;
  /** Writes still to be applied, or to be seen, that concern an entity, in order. */
  pending(entity: Entity): readonly OperationRecord[];
  counts(): QueueCounts;
  /** What of this the metrics of this instance tell: of a queue that is shared one instance tells. */
  told(): QueueCounts;
  /** Queues operations that were exported, here or elsewhere. */
  import(records: readonly OperationRecord[]): Promise<readonly (Appended | 'duplicate')[]>;
  /** False when there is no such operation, or it is with the upstream. */
  decide(id: string, decision: Decision): Promise<boolean>;
  /** Queues what still waits for a turn; takes nothing more. */
  close(): Promise<void>;
}
