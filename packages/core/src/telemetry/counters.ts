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
import {
  attemptResults,
  type FallbackReason,
  fallbackReasons,
  type Outcome,
  outcomesOf,
} from '../outcome.ts';
import { activations } from './activations.ts';
import { ByValues } from './by-values.ts';
import type { MetricKey } from './contract.ts';

/** One series of a counter: the values of its attributes in the contract's order, and its count. */
export interface Series {
  readonly values: readonly string[];
  count: number;
}

/** Series by the value that tells them apart: counted at every call, they are looked up once. */
export type Tally<Value extends string> = Readonly<Record<Value, Series>>;

/** What is counted of one operation. */
export interface OperationCounts {
  readonly outcomes: Tally<Outcome>;
  readonly fallbacks: Tally<FallbackReason>;
  readonly attempts: Tally<(typeof attemptResults)[number]>;
  /** Absent for writes, which are not shed. */
  readonly shed?: Series;
}

/** Counts what the events tell. Every series with bounded values is there at 0 from the start. */
export class Counters {
  /** What lookups in the cache found. */
  readonly cacheRequests: Tally<(typeof cacheResults)[number]>;
  readonly #series = new Map<MetricKey, ByValues<Series>>();
  readonly #mode: FallbackMode;

  constructor(name: string, mode: FallbackMode, events: Emitter<FallbackEvents>) {
    this.#mode = mode;
    for (const event of queueEvents) this.#add('queueOperations', [name, event], 0);
    this.cacheRequests = this.#each('cacheRequests', cacheResults, (result) => [name, result]);
    for (const reason of evictionReasons) this.#add('cacheEvictions', [name, reason], 0);
    this.#add('entityEvictions', [], 0);
    events.on('cacheEvicted', ({ reason }) => this.#add('cacheEvictions', [name, reason]));
    events.on('entityEvicted', () => this.#add('entityEvictions', []));
    events.on('queue', ({ event }) => this.#add('queueOperations', [name, event]));
    events.on('activated', ({ breaker, mode, trigger, joined }) => {
      // Another mode than the configured one is a person's doing, also where the outage was there before.
      const by = mode === this.#mode ? trigger : 'manual';
      // Of one outage of many instances one tells: they are summed up.
      if (!joined) this.#add('activations', [breaker, mode, by]);
    });
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
  operation(operation: string, kind: 'read' | 'write'): OperationCounts {
    const of = (value: string) => [operation, value];
    return {
      outcomes: this.#each('operations', outcomesOf[kind], of),
      fallbacks: this.#each('fallbacks', fallbackReasons, of),
      attempts: this.#each('attempts', attemptResults, of),
      ...(kind === 'read' && { shed: this.#at('shed', [operation]) }),
    };
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
    this.#at(metric, values).count += by;
  }

  #at(metric: MetricKey, values: readonly string[]): Series {
    let table = this.#series.get(metric);
    if (!table) {
      table = new ByValues((values) => ({ values, count: 0 }));
      this.#series.set(metric, table);
    }
    return table.at(values);
  }

  #each<Value extends string>(
    metric: MetricKey,
    all: readonly Value[],
    valuesOf: (value: Value) => readonly string[],
  ): Tally<Value> {
    const series = all.map((value) => [value, this.#at(metric, valuesOf(value))]);
    return Object.fromEntries(series) as Tally<Value>;
  }
}

const transitions: readonly (readonly [BreakerStateKind, BreakerStateKind])[] =
  breakerStates.flatMap((from) =>
    breakerStates.filter((to) => to !== from).map((to) => [from, to] as const),
  );
