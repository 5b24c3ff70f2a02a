/** What this instance and others decide about its breakers. */

import type { Breaker } from '../breaker/breaker.ts';
import type { Outage } from '../breaker/breaker-state.ts';
import type { Identity } from '../journal.ts';
import type { SharedOutage } from './shared-fleet.ts';

/** What is known of all instances, for the status. */
export interface FleetStatus {
  /** False while the others cannot be asked: each instance is on its own then. */
  readonly connected: boolean;
  /** How many there were when they were last heard of. */
  readonly instances: number;
  /** Whether this instance tells the metrics of the shared queue. */
  readonly leader: boolean;
  /** Breakers whose outage all instances have, by name, and whether this instance is the one that tries. */
  readonly outages: Readonly<Record<string, { readonly id: string; readonly prober: boolean }>>;
  /** How often the upstream has asked any of them for patience, and how long all pause yet, in ms. */
  readonly pace: { readonly throttles: number; readonly pausedForMs: number };
}

/** A breaker's part in it. */
export interface Counsel {
  /**
   * Whose outage it is that a breaker has found, within a second; nothing where it is its own, there is nobody
   * to ask, or no answer.
   */
  named(breaker: string, outage: Outage): Promise<SharedOutage | undefined> | undefined;
  /** Whether it is this instance that tries the upstream. */
  mayTry(breaker: string): boolean;
}

/** All breakers' part in it. */
export interface Council extends Counsel {
  /** Connects; nothing where there is nobody. */
  open(identity: Identity, warn: (message: string) => void): Promise<void> | undefined;
  /** A breaker is there from now on; answers how to take it out. */
  join(breaker: Breaker): () => void;
  /** The upstream has asked for patience. */
  throttled(breaker: string, pauseMs: number): void;
  status(leader: boolean): FleetStatus | undefined;
  close(): Promise<void> | undefined;
}

/** Of an instance that is alone: it decides. */
export const lone: Council = {
  named: () => undefined,
  mayTry: () => true,
  open: () => undefined,
  join: () => () => {},
  throttled() {},
  status: () => undefined,
  close: () => undefined,
};
