/** What a breaker can be, and what it says of itself. Times are wall-clock ms. */

import type { FallbackMode } from '../mode.ts';

/** What began an outage: failed calls, health checks, a person, or operations that an earlier process left. */
export type Trigger = 'calls' | 'health' | 'manual' | 'restart';

/** All triggers. */
export const triggers: readonly Trigger[] = ['calls', 'health', 'manual', 'restart'];

/** The states a breaker can be in. */
export const breakerStates = ['closed', 'open', 'half_open', 'isolated'] as const;

/** How a breaker counts a call. */
export const callResults = ['success', 'failure', 'refused'] as const;

/** A breaker's state by name. */
export type BreakerStateKind = (typeof breakerStates)[number];

/** Set apart by hand, until a person ends it. */
export interface Isolation {
  readonly since: number;
  /** What happens to operations meanwhile. */
  readonly mode: FallbackMode;
  /** Why, in the person's words. */
  readonly reason: string;
  /** Together with all breakers of its manager, and ended with them. */
  readonly all?: true;
}

/** A breaker's state. */
export type BreakerState =
  | { readonly kind: 'closed'; readonly since: number }
  | { readonly kind: 'open'; readonly since: number }
  | { readonly kind: 'half_open'; readonly since: number }
  | ({ readonly kind: 'isolated' } & Isolation);

/** The time from a breaker's leaving closed until it closes again. */
export interface Outage {
  readonly id: string;
  readonly since: number;
  readonly trigger: Trigger;
  /** A code, never upstream text. */
  readonly reason: string;
}

/** What a breaker says of itself. */
export interface BreakerStatus {
  readonly state: BreakerStateKind;
  readonly since: number;
  readonly timeInStateMs: number;
  /** How long until it would let a call through, in ms; 0 unless open. */
  readonly retryInMs: number;
  /** Half-open, with nobody there to try. */
  readonly waitingForCall: boolean;
  readonly calls: Readonly<Record<(typeof callResults)[number], number>>;
  /** Share of the calls in its window that failed; 0 without calls. */
  readonly failureRate: number;
  /** Share of the calls in its window that were slow; present where slow calls are counted. */
  readonly slowRate?: number;
  readonly outage: Outage | undefined;
  /** Present while it is isolated. */
  readonly isolation?: Isolation;
}
