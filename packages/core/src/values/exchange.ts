/** What this instance tells others about values, and hears from them. */

import type { Identity } from '../journal.ts';
import type { Found, Moment, ValueChange } from './shared-values.ts';

/** An answer that this instance has. Times are wall-clock ms. */
export interface OwnAnswer {
  readonly value: unknown;
  readonly entities: readonly string[];
  readonly storedAt: number;
  readonly freshUntil: number;
  readonly staleUntil: number;
  readonly since?: Moment | undefined;
}

/** Who keeps cached answers here. */
export interface AnswerKeeper {
  /** It happened elsewhere; answers whose read began after that know of it. */
  removed(entity: string, at: Moment): void;
  expired(entity: string, at: Moment): void;
  /** The answer of what the mark stands for was forgotten elsewhere. */
  forgotten(mark: string, at: Moment): void;
  /**
   * The engine has lost what it knew: what others did meanwhile is not known, and only what was read since
   * is. At the start what was read without it stays.
   */
  eraBegins(era: string, isStart: boolean): void;
  /** What happened elsewhere until then is not known one by one. */
  allRemoved(until: Moment): void;
  allExpired(until: Moment): void;
}

/**
 * Between what one instance keeps and what all know. Nobody waits for what is told; what could not be told
 * is told when the engine is back.
 */
export interface Exchange {
  /**
   * Connects; nothing where there is nobody.
   *
   * @param warn told in words what is wrong
   */
  open(identity: Identity, warn: (message: string) => void): Promise<void> | undefined;
  keepsAnswers(keeper: AnswerKeeper): void;
  /** What a key is called when others forget its answer; nothing where there are none. */
  markOf(key: string): string | undefined;
  /** A read begins, in a moment of this process. */
  readBegins(began: number): void;
  /** What was known of all changes when it began. */
  sinceOf(began: number): Moment | undefined;
  /** An answer for others; with `again` it is the one that was offered before. */
  offer(key: string, answer: OwnAnswer, again: boolean): void;
  tell(change: ValueChange): void;
  /**
   * Resolves, within a second, when what cannot be told now outlasts this process: whoever is promised it
   * waits for that. Nothing where there is nothing to wait for.
   */
  kept(): Promise<void> | undefined;
  /**
   * What all know of a key, after whatever else they know has been heard. Bounded to 50 ms; nothing where
   * nobody else can know, or can be asked in time.
   */
  ask(key: string): Promise<Found | undefined> | undefined;
  close(): Promise<void> | undefined;
}

/** Of an instance whose values are its own: there is nobody to tell, nor to hear. */
export const alone: Exchange = {
  open: () => undefined,
  keepsAnswers() {},
  markOf: () => undefined,
  readBegins() {},
  sinceOf: () => undefined,
  offer() {},
  tell() {},
  kept: () => undefined,
  ask: () => undefined,
  close: () => undefined,
};
