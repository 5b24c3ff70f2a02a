/** Counts as plain integers: status, metrics and the app read the same numbers. */

import { type BreakerStateKind, breakerStates } from '../breaker/breaker-state.ts';
import {
  cacheResults,
  type Emitter,
  evictionReasons,
  type FallbackEvents,
  queueEvents,
} from '../events.ts';
import { healthStatuses } from '../health/checker.ts';
import { storeResults, type storeRoles, storeVerbs } from '../journal.ts';
import type { FallbackMode } from '../mode.ts';
import { attemptResults, fallbackReasons, outcomesOf } from '../outcome.ts';
import { activations } from './activations.ts';
import { ByValues } from './by-values.ts';
import type { MetricKey } from './contract.ts';

/** One series of a counter: the values of its attributes in the contract's order, and its count. */
export interface Series {
  readonly values: readonly string[];
  count: number;
}

/** Counts what the events tell. Every series with bounded values is there at 0 from the start. */
export class Counters {
  readonly #series = new Map<MetricKey, ByValues<Series>>();
  readonly #mode: FallbackMode;

  constructor(name: string, mode: FallbackMode, events: Emitter<FallbackEvents>) {
    this.#mode = mode;
    for (const event of queueEvents) this.#add('queueOperations', [name, event], 0);
    for (const result of cacheResults) this.#add('cacheRequests', [name, result], 0);
    for (const reason of evictionReasons) this.#add('cacheEvictions', [name, reason], 0);
    this.#add('entityEvictions', [], 0);
    events.on('operation', ({ operation, outcome, reason }) => {
      this.#add('operations', [operation, outcome]);
      if (reason) this.#add('fallbacks', [operation, reason]);
      if (reason === 'shed') this.#add('shed', [operation]);
    });
    events.on('attempt', ({ operation, result }) => this.#add('attempts', [operation, result]));
    events.on('cacheLookup', ({ result }) => this.#add('cacheRequests', [name, result]));
    events.on('cacheEvicted', ({ reason }) => this.#add('cacheEvictions', [name, reason]));
    events.on('entityEvicted', () => this.#add('entityEvictions', []));
    events.on('queue', ({ event }) => this.#add('queueOperations', [name, event]));
    events.on('activated', ({ breaker, mode, trigger }) =>
      // Another mode than the configured one is a person's doing, also where the outage was there before.
      this.#add('activations', [breaker, mode, mode === this.#mode ? trigger : 'manual']),
    );
    events.on('stateChange', ({ breaker, from, to }) =>
      this.#add('breakerTransitions', [breaker, from, to]),
    );
    events.on('storeAsked', ({ store, verb, result }) =>
      this.#add('storeOperations', [store, verb, result]),
    );
    events.on('healthChecked', ({ component, status }) =>
      this.#add('healthChecks', [component, status]),
    );
  }

  /** An operation exists: its series begin at 0. */
  declareOperation(operation: string, kind: 'read' | 'write'): void {
    for (const outcome of outcomesOf[kind]) this.#add('operations', [operation, outcome], 0);
    for (const reason of fallbackReasons) this.#add('fallbacks', [operation, reason], 0);
    for (const result of attemptResults) this.#add('attempts', [operation, result], 0);
    if (kind === 'read') this.#add('shed', [operation], 0);
  }

  /** A breaker exists. */
  declareBreaker(breaker: string): void {
    for (const [mode, trigger] of activations(this.#mode))
      this.#add('activations', [breaker, mode, trigger], 0);
    for (const [from, to] of transitions) this.#add('breakerTransitions', [breaker, from, to], 0);
  }

  /** A store exists. */
  declareStore(store: (typeof storeRoles)[number]): void {
    for (const verb of storeVerbs)
      for (const result of storeResults) this.#add('storeOperations', [store, verb, result], 0);
  }

  /** A component that is checked exists. */
  declareComponent(component: string): void {
    for (const status of healthStatuses) this.#add('healthChecks', [component, status], 0);
  }

  series(metric: MetricKey): Iterable<Series> {
    return this.#series.get(metric)?.all ?? [];
  }

  /** The sum over a counter's series, or over those whose attribute number `index` has a value. */
  total(metric: MetricKey, index?: number, value?: string): number {
    let sum = 0;
    for (const { values, count } of this.series(metric))
      if (index === undefined || values[index] === value) sum += count;
    return sum;
  }

  #add(metric: MetricKey, values: readonly string[], by = 1): void {
    let table = this.#series.get(metric);
    if (!table) {
      table = new ByValues((values) => ({ values, count: 0 }));
      this.#series.set(metric, table);
    }
    table.at(values).count += by;
  }
}

const transitions: readonly (readonly [BreakerStateKind, BreakerStateKind])[] =
  breakerStates.flatMap((from) =>
    breakerStates.filter((to) => to !== from).map((to) => [from, to] as const),
  );
