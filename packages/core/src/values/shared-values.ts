/** What an engine promises where many instances know the same cached answers. */

import type { Undo } from '../events.ts';
import type { Identity } from '../journal.ts';

/**
 * A point in the history of all changes. The engine makes them and compares them: they grow with each
 * change, whatever its clock does, and say nothing outside of their era, which ends when it loses its data.
 */
export interface Moment {
  readonly era: string;
  readonly at: number;
}

/** Whether who knows of all changes up to `since` knows of what happened at a moment. */
export function isKnownTo(since: Moment | undefined, at: Moment | undefined): boolean {
  return at !== undefined && since?.era === at.era && since.at >= at.at;
}

/** Something happened to an entity. */
export interface Touched {
  /** As one text. */
  readonly entity: string;
  readonly at: number;
}

/** What happened since a moment, oldest first in each list; some of it may be told again later. */
export interface News {
  /** Up to where this tells. */
  readonly until: Moment;
  /** The last change of all, and whether there is more to tell before it. */
  readonly last: Moment;
  readonly more: boolean;
  readonly removed: readonly Touched[];
  readonly expired: readonly Touched[];
  /** Answers that were forgotten, by the marks of their keys. */
  readonly forgotten: readonly { readonly mark: string; readonly at: number }[];
  /** Up to these moments it is not known one by one any more what was removed or forgotten, or expired: it may be anything. */
  readonly lost: { readonly removed?: number; readonly expired?: number };
}

/** An answer for others to fall back on. */
export interface SharedAnswer {
  readonly key: string;
  readonly body: string;
  /** What it concerns. */
  readonly entities: readonly string[];
  readonly ageMs: number;
  /** How long it is fresh, counted from its age 0, and how long after that it may be served, in ms. */
  readonly ttlMs: number;
  readonly staleMs: number;
  /** Known before its read began: what happened to its entities after that is not undone by it. */
  readonly since: Moment;
}

/** An answer that is there, as much as what happened to its entities has left of it. */
export interface FoundAnswer {
  readonly body: string;
  readonly entities: readonly string[];
  readonly ageMs: number;
  /** How long it is still fresh, and may still be served, in ms; below 0 when that is over. */
  readonly freshForMs: number;
  readonly servableForMs: number;
  readonly since: Moment;
}

/** What is there under a key: an answer, that it was taken away, or nothing at all. */
export type Found =
  | { readonly kind: 'answer'; readonly answer: FoundAnswer }
  | { readonly kind: 'gone'; readonly at: Moment }
  | { readonly kind: 'nothing' };

/** One change that all are to know of. */
export type ValueChange =
  /** Answers that concern the entity are stale, or gone. */
  | { readonly kind: 'expire' | 'remove'; readonly entity: string }
  /** The answer of a key is gone. */
  | { readonly kind: 'forget'; readonly key: string }
  /** All answers are gone. */
  | { readonly kind: 'clear' };

/** What became of changes. */
export interface Changed {
  readonly last: Moment;
  /** The moment of each. */
  readonly at: readonly number[];
}

/**
 * Answers that instances share. Every call is over in bounded time, and rejects with
 * {@link SharedQueueUnavailable} where the engine cannot be reached.
 */
export interface SharedValues {
  /** Connects. Never rejects: what is wrong shows in the store's status, and is told in words. */
  open(identity: Identity, warn: (message: string) => void): Promise<void>;
  /** False while it is known that nothing can be asked. */
  readonly available: boolean;
  /** What the news call a key: short, and the same for all instances. */
  markOf(key: string): string;
  /** What happened since a moment; all that is known where that is of another era, or none. */
  news(since: Moment | undefined): Promise<News>;
  /** The answer of a key. */
  find(key: string): Promise<Found>;
  /**
   * Keeps answers, but for those of which it is known by now that they are not true any more, and those
   * whose read began before that of the one that is there.
   */
  keep(answers: readonly SharedAnswer[]): Promise<void>;
  /** Applies changes, in order. */
  change(changes: readonly ValueChange[]): Promise<Changed>;
  /** Called when the engine has come back. */
  onBack(listener: () => void): Undo;
  /** Lets go. Safe to repeat. */
  close(): Promise<void>;
}
