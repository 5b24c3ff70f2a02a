/** What an engine promises where many instances find out together how their upstream is. */

import type { Outage } from '../breaker/breaker-state.ts';
import type { Identity } from '../journal.ts';
import type { TraceCarrier } from '../queue/operation-record.ts';

/** An outage that several instances have, with the trace that it is told in. */
export interface SharedOutage extends Outage {
  readonly trace?: TraceCarrier;
}

/**
 * How one instance's breaker is: `up` while it is closed, `down` while it waits, `due` when it would try the
 * upstream, `wanted` when it also has calls to try with, `trying` while it does, `idle` while it waits for a
 * call to do so: such a one makes way for who has one.
 */
export interface Attendance {
  readonly breaker: string;
  readonly state: 'up' | 'down' | 'due' | 'wanted' | 'trying' | 'idle';
  /** How long it waits until it would try, in ms. */
  readonly retryInMs: number;
}

/** What all instances say of one breaker together. */
export interface BreakerView {
  /** The outage, once enough of them have found it. */
  readonly outage?: SharedOutage;
  /** Whether this instance is the one that tries the upstream. */
  readonly probes: boolean;
  /** Outages that an instance has ended for all, the last ones. One that is not told of any more is not over. */
  readonly ended: readonly string[];
  /** How often the upstream has asked for patience, and how long that lasts yet, in ms. */
  readonly throttles: number;
  readonly pausedForMs: number;
}

/** What an instance hears when it attends. */
export interface FleetView {
  /** Instances that attended lately, this one included. */
  readonly instances: number;
  /** In the order of the attendances. */
  readonly breakers: readonly BreakerView[];
}

/**
 * The view that instances share. An outage is everybody's when two have found it, or all of fewer. Every
 * call is over in bounded time, and rejects with {@link SharedQueueUnavailable} where the engine cannot be
 * reached.
 */
export interface SharedFleet {
  /** Connects. Never rejects: what is wrong shows in the store's status, and is told in words. */
  open(identity: Identity, warn: (message: string) => void): Promise<void>;
  /** False while it is known that nothing can be asked. */
  readonly available: boolean;
  /** Says that this instance is there and how its breakers are, and hears how the others are. */
  attend(breakers: readonly Attendance[]): Promise<FleetView>;
  /**
   * This instance has found an outage, or has it still where the engine does not know of it. Resolves to the
   * one that is told of: that of whoever was first.
   */
  report(breaker: string, outage: SharedOutage): Promise<SharedOutage>;
  /** An outage is over for all; false when it was already, or there is another. All are told which one it was. */
  end(breaker: string, outage: string): Promise<boolean>;
  /** The upstream asked for patience, for so long. Resolves to how often it has by now. */
  throttled(breaker: string, pauseMs: number): Promise<number>;
  /** Says goodbye and lets go. Safe to repeat. */
  close(): Promise<void>;
}
