/** What can happen, as a typed map; metrics, logs and the app listen, features only say. */

import type { BreakerStateKind, Trigger } from './breaker/breaker-state.ts';
import type { FailureLabel } from './failure.ts';
import type { HealthStatus } from './health/checker.ts';
import type { storeResults, storeRoles, storeVerbs } from './journal.ts';
import type { FallbackMode } from './mode.ts';
import type { OperatorAct } from './operator-act.ts';
import type { FallbackReason, Outcome } from './outcome.ts';
import type { TraceCarrier } from './queue/operation-record.ts';

/** Every event with what it tells. Times are wall-clock milliseconds. */
export interface FallbackEvents {
  /** A breaker changed its state. */
  stateChange: {
    readonly breaker: string;
    readonly from: BreakerStateKind;
    readonly to: BreakerStateKind;
    readonly reason: string;
    readonly at: number;
  };
  /** A breaker left closed: an outage began. */
  activated: OutageEvent;
  /** A breaker closed again: its outage is over. */
  deactivated: OutageEvent & { readonly lastedMs: number };
  /** An operation ended, whatever became of it. */
  operation: {
    readonly operation: string;
    readonly kind: 'read' | 'write';
    /** The breaker that it stands behind. */
    readonly breaker: string;
    readonly outcome: Outcome;
    readonly reason?: FallbackReason | undefined;
    readonly durationMs: number;
  };
  /** The upstream was tried once. */
  attempt: { readonly operation: string; readonly result: 'success' | FailureLabel };
  /** The cache was asked. */
  cacheLookup: {
    readonly result: (typeof cacheResults)[number];
    readonly ageMs?: number;
    /** Whether this was asked because the upstream did not answer. */
    readonly fallback: boolean;
  };
  /** A value left the cache before its time. */
  cacheEvicted: { readonly reason: (typeof evictionReasons)[number] };
  /** A local entity or relationship had to go, to make room for others. */
  entityEvicted: object;
  /** The queue took, gave or refused an operation. */
  queue: {
    readonly event: QueueEvent;
    readonly operation: string;
    readonly id: string;
    /** A code for what was retried, refused, dropped or given up. */
    readonly reason?: string;
    /** How many operations its lane holds now, where it was queued. */
    readonly laneDepth?: number;
    /** How long after it was acknowledged it was seen upstream, in ms. */
    readonly acceptedForMs?: number;
    /** Code of the failure that made it a dead letter. */
    readonly error?: string;
    /** Trace context of the request that wrote it. */
    readonly trace?: TraceCarrier;
  };
  /** A queued operation was tried, and how long it had waited. */
  processed: {
    readonly operation: string;
    readonly result: (typeof replayResults)[number];
    readonly waitedMs: number;
    readonly durationMs: number;
  };
  /** A component was checked. */
  healthChecked: {
    readonly component: string;
    readonly status: HealthStatus;
    readonly durationMs: number;
  };
  /** How all components together are has changed: those of the upstream, or those and the kit's own. */
  healthChanged: {
    readonly of: 'upstream' | 'system';
    readonly from: HealthStatus;
    readonly to: HealthStatus;
    readonly at: number;
  };
  /** A component was unhealthy too often in a row (`raised`), or is so no more; told once each. */
  healthAlert: {
    readonly component: string;
    readonly critical: boolean;
    readonly raised: boolean;
    /** Since when it is as it is now. */
    readonly since: number;
    readonly at: number;
  };
  /** A store was asked something, and did it or could not. */
  storeAsked: {
    readonly store: (typeof storeRoles)[number];
    readonly verb: (typeof storeVerbs)[number];
    readonly result: (typeof storeResults)[number];
  };
  /** The store did not do what it was asked. */
  storeFailed: {
    readonly store: string;
    readonly verb: (typeof storeVerbs)[number];
    readonly error: unknown;
  };
  /** An operator did something, from outside of this process. */
  operatorActed: OperatorAct & { readonly at: number };
  /** Somebody wanted to do something and was not let. */
  operatorDenied: { readonly at: number };
  /** Something that a person should know, said once. */
  warning: { readonly message: string };
}

/** The names of all events. */
export const eventNames: readonly string[] = Object.keys({
  stateChange: true,
  activated: true,
  deactivated: true,
  operation: true,
  attempt: true,
  cacheLookup: true,
  cacheEvicted: true,
  entityEvicted: true,
  queue: true,
  processed: true,
  healthChecked: true,
  healthChanged: true,
  healthAlert: true,
  storeFailed: true,
  storeAsked: true,
  operatorActed: true,
  operatorDenied: true,
  warning: true,
} satisfies Record<keyof FallbackEvents, true>);

/** What can happen to a queued operation, in the order of its life. */
export const queueEvents = [
  'enqueued',
  'replayed',
  'retried',
  'coalesced',
  'refused',
  'dropped',
  'accepted',
  'confirmed',
  'unconfirmed',
  'resent',
  'unprotected',
  'dead_lettered',
  'lost',
] as const;

/** What happened to a queued operation. */
export type QueueEvent = (typeof queueEvents)[number];

/** What a lookup in the cache can find. */
export const cacheResults = ['hit', 'stale', 'miss'] as const;

/** Why an answer can leave the cache before its time. */
export const evictionReasons = ['space', 'removed', 'expired'] as const;

/** What a replay can come to. */
export const replayResults = ['done', 'retry', 'dead', 'stopped', 'released'] as const;

/** What is told about an outage. */
export interface OutageEvent {
  readonly breaker: string;
  readonly mode: FallbackMode;
  readonly trigger: Trigger;
  /** A code, never upstream text. */
  readonly reason: string;
  readonly outage: string;
  readonly since: number;
  /** Another instance has begun it, and this one takes part. */
  readonly joined?: true;
}

/** Takes back a subscription; safe to repeat. */
export type Undo = () => void;

type Listener = (event: never) => unknown;

/** Listeners by event name. One that throws hurts neither the others nor the one who emits. */
export class Emitter<Events extends object> {
  /** Replaced, never changed: whoever is emitting goes on with those that were there. */
  readonly #listeners = new Map<keyof Events, readonly Listener[]>();

  /** Listens, and returns how to stop. */
  on<Name extends keyof Events>(name: Name, listener: (event: Events[Name]) => void): Undo {
    // A wrapper of its own, so that the same function may listen twice and stop once.
    const entry = (event: Events[Name]): unknown => listener(event);
    this.#listeners.set(name, [...(this.#listeners.get(name) ?? []), entry]);
    return () => {
      const others = this.#listeners.get(name)?.filter((each) => each !== entry);
      this.#listeners.set(name, others ?? []);
    };
  }

  /** Whether anybody listens: what happens at every call need not be described to nobody. */
  hears(name: keyof Events): boolean {
    const listeners = this.#listeners.get(name);
    return listeners !== undefined && listeners.length > 0;
  }

  emit<Name extends keyof Events>(name: Name, event: Events[Name]): void {
    const listeners = this.#listeners.get(name);
    if (!listeners) return;
    for (const listener of listeners) {
      try {
        const result = (listener as (event: Events[Name]) => unknown)(event);
        if (isThenable(result))
          Promise.resolve(result).catch((error: unknown) => complain(name, error));
      } catch (error) {
        complain(name, error);
      }
    }
  }
}

/** Also a promise of another realm, as test runners have them. */
function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && 'then' in value;
}

function complain(name: PropertyKey, error: unknown): void {
  process.emitWarning(`A listener of '${String(name)}' threw: ${told(error)}`, 'FallbackWarning');
}

/** Anything may be thrown, also what has no text. */
function told(error: unknown): string {
  try {
    return String(error);
  } catch {
    return typeof error;
  }
}
