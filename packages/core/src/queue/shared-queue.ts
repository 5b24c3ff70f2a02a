/** What a queue promises that many instances share; the engine behind it knows lanes and claims, no operations. */

import type { Undo } from '../events.ts';
import type { Durability, Identity } from '../journal.ts';

/** One operation on its way in. What it is made of is opaque to the engine. */
export interface SharedEntry {
  /** Also what makes it the same operation: one that is or was there is not kept twice. */
  readonly id: string;
  readonly lane: string;
  readonly operation: string;
  readonly priority: number;
  readonly body: string;
  /** What is known of its attempts: it changes, the body does not. */
  readonly progress: string;
  /** How long its lane waits for it where it becomes the head, in ms. */
  readonly delayMs: number;
  /** Its sender is still at it: as the head of its lane it is held from the start. */
  readonly hold: boolean;
  /** It was never sent there before: nobody need look whether it is or was there. */
  readonly isNew?: boolean;
}

/** What became of one. */
export type SharedAppended =
  | { readonly status: 'queued'; readonly durability: Durability; readonly claim?: SharedClaim }
  /** With the claim where it is held for this instance still: the first answer was lost. */
  | {
      readonly status: 'duplicate';
      readonly durability: Durability;
      readonly claim?: SharedClaim;
    }
  | { readonly status: 'full'; readonly limit: 'entries' | 'bytes' };

/** One operation as it lies there. */
export interface SharedRecord {
  readonly id: string;
  readonly lane: string;
  readonly body: string;
  readonly progress: string;
  /** How often an instance was lost while it sent this one. */
  readonly interruptions: number;
}

/** The right to send the head of one lane, once, while no instance else holds that lane. */
export interface SharedClaim {
  readonly record: SharedRecord;
  /** Grows with every claim. */
  readonly fence: number;
  /** Certain to hold the lane for `ms` more, by the monotonic clock? Asked right before sending. */
  held(ms: number): boolean;
}

/** What may be claimed. */
export interface SharedClaimRequest {
  readonly max: number;
  /** Only heads of these. */
  readonly operations: readonly string[];
  /** The longest deadline of a call: without so much time left no claim is given. */
  readonly forMs: number;
}

/** What came of a claim. */
export type SharedVerdict =
  | { readonly kind: 'done'; readonly ending: string }
  | { readonly kind: 'release' }
  | {
      readonly kind: 'retry';
      readonly delayMs: number;
      readonly untilRecovery: boolean;
      readonly progress: string;
    }
  | { readonly kind: 'dead'; readonly progress: string }
  /** The lane waits for a person: the upstream refused the credentials, or it is not known what became of it. */
  | { readonly kind: 'blocked' | 'parked'; readonly progress: string };

/** A claim that ends, and whether its holder would have the next head of the lane at once. */
export interface SharedSettlement {
  readonly claim: SharedClaim;
  readonly verdict: SharedVerdict;
  /** Operations of which the next one may be; none where nothing more is wanted. */
  readonly next: readonly string[];
}

/** `lost`: the lane was another's by now, and nothing was written. */
export type SharedSettled =
  | { readonly status: 'ok'; readonly next?: SharedClaim }
  | { readonly status: 'lost' };

/** Where an operation stands. */
export type SharedState = 'ready' | 'in_flight' | 'stopped' | 'dead';

/** One operation with where it stands, or how it ended. */
export type SharedFound =
  | { readonly record: SharedRecord; readonly state: SharedState }
  | { readonly ending: string };

/** Some of the operations; `next`, where there may be more, is given as `after` for the page behind it. */
export interface SharedPage {
  /** May be empty where all of a page left the queue while it was read. */
  readonly found: readonly SharedFound[];
  readonly next?: string;
}

/** Numbers of the whole queue. */
export interface SharedCounts {
  /** Operations that are still to be applied. */
  readonly size: number;
  readonly bytes: number;
  readonly lanes: number;
  readonly inFlight: number;
  /** Lanes that wait for a person, by whether the upstream refused the credentials. */
  readonly blocked: number;
  readonly parked: number;
  readonly dead: number;
  /** Lanes that wait for their time. */
  readonly waiting: number;
  /** When the oldest was queued, wall-clock ms. */
  readonly oldestAt: number | undefined;
}

/** A person's decision, and what it leaves. */
export type SharedDecision =
  | { readonly kind: 'retry'; readonly progress: string }
  | { readonly kind: 'skip'; readonly progress: string }
  | { readonly kind: 'remove'; readonly ending: string };

/** Bounds of the whole queue. */
export interface SharedBounds {
  readonly maxEntries: number;
  readonly maxBytes: number;
  readonly maxDead: number;
  /** From so many interruptions on a lane stops. */
  readonly maxInterruptions: number;
}

/**
 * Lanes of operations that many instances append to and claim from. A lane is held by one at a time; a
 * claim ends with its settlement, or with the lease of an instance that is gone. Every call is over in
 * bounded time, and rejects with {@link SharedQueueUnavailable} where the engine cannot be reached.
 */
export interface SharedQueue {
  /**
   * Connects. Never rejects: what is wrong shows in the store's status, and is told in words, also when
   * it comes later.
   */
  open(identity: Identity, bounds: SharedBounds, warn: (message: string) => void): Promise<void>;
  /** False while it is known that nothing can be kept. */
  readonly available: boolean;
  /** Keeps each group whole, or none of it, in this order; resolves when they are as durable as it says. */
  append(
    groups: readonly (readonly SharedEntry[])[],
  ): Promise<readonly (readonly SharedAppended[])[]>;
  /** Whether the lane holds something that must go first. */
  busy(lane: string): Promise<boolean>;
  /** Heads of free lanes that are due, by priority and oldest turn first. */
  claim(request: SharedClaimRequest): Promise<readonly SharedClaim[]>;
  /**
   * Notes what is known of one that is about to be sent, and that it is: only what was noted stops its
   * lane when instances are lost with it. False where the claim was lost.
   */
  note(claim: SharedClaim, progress: string): Promise<boolean>;
  settle(settlement: SharedSettlement): Promise<SharedSettled>;
  /** Ends the waits of these operations that were for the upstream's recovery. */
  recovered(operations: readonly string[]): Promise<void>;
  counts(): Promise<SharedCounts>;
  /** Those that are still to be applied, oldest first, then dead ones: in pages. */
  list(query: { readonly after?: string; readonly limit: number }): Promise<SharedPage>;
  /** In the order of the ids; nothing for those that are not known. */
  find(ids: readonly string[]): Promise<readonly (SharedFound | undefined)[]>;
  /** Which of these are not to be applied any more: done, taken out, or given up. */
  ended(ids: readonly string[]): Promise<readonly string[]>;
  /** False when there is none, it is with the upstream, or the decision does not fit it. */
  decide(id: string, decision: SharedDecision): Promise<boolean>;
  /** Advisory: whether this instance has a part that one in the fleet has at a time, for so long. */
  lead(role: 'gauges', forMs: number): Promise<boolean>;
  /** Called when something may have become claimable, or the engine has come back. A hint. */
  onWork(listener: () => void): Undo;
  /** Called with dead ones that were dropped, because more are dead than are kept. */
  onDropped(listener: (records: readonly SharedRecord[]) => void): Undo;
  /** Gives claims back and lets go. Safe to repeat. */
  close(): Promise<void>;
}

/** The engine of a shared queue could not be asked, or did not answer in time. */
export class SharedQueueUnavailable extends Error {
  override readonly name = 'SharedQueueUnavailable';
  /** False: certainly nothing was done. */
  readonly uncertain: boolean;

  constructor(message: string, uncertain: boolean, options?: ErrorOptions) {
    super(message, options);
    this.uncertain = uncertain;
  }
}

/** Whether an error says that a shared queue cannot be asked now; survives two installed copies. */
export function isSharedQueueUnavailable(error: unknown): error is SharedQueueUnavailable {
  return error instanceof Error && error.name === 'SharedQueueUnavailable';
}
