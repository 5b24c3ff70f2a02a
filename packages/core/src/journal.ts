/** What a store of records promises: a folder of files and plain memory fit the same core. */

import type { SharedFleet } from './council/shared-fleet.ts';
import type { Undo } from './events.ts';
import type { Json } from './json.ts';
import type { SharedQueue } from './queue/shared-queue.ts';
import type { SharedValues } from './values/shared-values.ts';

/** What a receipt may rely on: a power cut is survived, the loss of one machine is survived, or nothing is. */
export type Durability = 'disk' | 'replica' | 'memory';

/** What a store is asked: opening, commits by what they are for, closing. */
export const storeVerbs = ['open', 'commit', 'cache', 'entities', 'state', 'close'] as const;

/** The stores of a manager: that of the queue, and of the cache where that has one of its own. */
export const storeRoles = ['queue', 'cache'] as const;

/** What a store is there for. */
export type StoreRole = (typeof storeRoles)[number];

/** What became of what a store was asked. */
export const storeResults = ['success', 'failure'] as const;

/** Kinds of files that a store on disk has. */
export const storeFiles = ['snapshot', 'previous', 'journal'] as const;

/** The drawers of a journal. */
export type Bucket = 'queue' | 'cache' | 'entities' | 'state';

/** One absolute change; a commit holds one or more, all or none of which happen. */
export type Change =
  | { readonly bucket: Bucket; readonly key: string; readonly put: Json }
  | { readonly bucket: Bucket; readonly key: string; readonly delete: true };

/** Whose records these are: only an equal identity ever reads them again. */
export interface Identity {
  /** The manager's name. */
  readonly manager: string;
  /** Hash of the application's name and the normalised upstream URL, lower-case hex. */
  readonly hash: string;
  /** What the hash is made of, for people: the application's name … */
  readonly application?: string;
  /** … and the upstream's address, without credentials. */
  readonly upstream?: string;
}

/** What was found when a journal opened. */
export interface OpenReport {
  /** How many records are there. */
  readonly records: number;
  /** Names of files that were damaged and are kept aside. */
  readonly quarantined: readonly string[];
  /** What a person should know, in words: a lost generation, an edited file, … */
  readonly warnings: readonly string[];
  /** Changes of a write that was cut off, at least: the write was never acknowledged. */
  readonly torn?: number;
  /** Acknowledged changes that are gone. */
  readonly missing?: number;
  /** How long opening took, in ms. */
  readonly tookMs?: number;
}

/** A record that a journal took over from a process that is gone. */
export type Adopted = readonly [bucket: Bucket, key: string, value: Json];

/** What a journal says of itself at any time, without I/O. */
export interface JournalStatus {
  readonly kind: string;
  /** What a commit would promise now. */
  readonly durability: Durability;
  /** False while commits fail. */
  readonly writable: boolean;
  /** Why commits fail: the system's error code (`EACCES`, `ENOSPC`, …), or the journal's own. */
  readonly problem?: string;
  /** The folder or address, where there is one. For people: never an attribute of telemetry. */
  readonly location?: string;
  /** Bytes on disk, where it is known. */
  readonly bytes?: number;
  /** The same by kind of file. */
  readonly files?: Readonly<Record<string, number>>;
  /** Which of several writers this is. */
  readonly slot?: string;
  /** Slots of processes that are gone whose operations this one replays. */
  readonly adopted?: number;
  /** Files that hold what changed since a snapshot. */
  readonly segments?: number;
  /** The last time that a snapshot was written, or could not be: wall-clock ms, and what it took. */
  readonly checkpoint?: { readonly at: number; readonly tookMs: number; readonly problem?: string };
  /** What is wrong with where cached answers are shared or kept, as a code; the app goes on with what it has. */
  readonly valuesProblem?: string;
  /** How long the last commits took, in ms. */
  readonly commits?: { readonly count: number; readonly p50Ms: number; readonly p99Ms: number };
}

/** Records under keys in buckets, changed by atomic commits. */
export interface Journal {
  readonly kind: string;
  /**
   * Reads what is there. Touches nothing that does not exist yet, and never rejects: damage is kept
   * aside and reported, a folder that cannot be used shows in {@link Journal.status}.
   *
   * @param role what it is there for, so that what it reports can say what is at stake
   */
  open(identity: Identity, role?: StoreRole): Promise<OpenReport>;
  /** The records of a bucket in order of first put; a repeated put keeps its place. */
  entries(bucket: Bucket): Iterable<readonly [key: string, value: Json]>;
  /**
   * Applies the changes as one, and resolves with what they survive from then on. With `lazy` it may
   * resolve at once, and write within a second.
   *
   * Values are serialised before the changes join others: one that cannot be refuses this commit alone.
   *
   * @throws whatever kept the changes from being stored; none of them is then acknowledged
   */
  commit(changes: readonly Change[], options?: { readonly lazy?: boolean }): Promise<Durability>;
  status(): JournalStatus;
  /** Stores that it works with: whose it is, they are. */
  readonly parts?: readonly Journal[];
  /** A queue that many instances share, where this store has one: writes are queued there. */
  readonly shared?: SharedQueue;
  /** Whether this journal takes writes while that queue is away; they are moved when it is back. */
  readonly spills?: boolean;
  /** Cached answers that many instances share, where this store has them. */
  readonly values?: SharedValues;
  /** What instances find out together about their upstream, where this store has that. */
  readonly fleet?: SharedFleet;
  /**
   * Tells of records that become this journal's own while it is open: those of a process that is gone.
   * They are among its entries from then on. Absent where that never happens.
   */
  onAdopted?(listener: (records: readonly Adopted[]) => void): Undo;
  /** Writes what was committed before, lazily or not, and lets go of the records. Safe to repeat. */
  close(): Promise<void>;
}
