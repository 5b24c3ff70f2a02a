/** How many names the metrics of a process may carry: an SDK counts wrongly beyond 2,000 series a metric. */

import { attribute, attributes } from './contract.ts';

/** Stands for every name beyond the first ones. */
const other = '_other';
/** Names of each kind: managers, operations, breakers, … */
const mostNames = 50;

const bounded: ReadonlyMap<string, string> = new Map(
  Object.values(attributes)
    .filter(({ cardinality }) => cardinality === 'names')
    .map(({ key }) => [key, key.replace(/^graphiti_fallback\.|\.name$/g, '')]),
);

/** Gives names out in the order in which they come, and warns once of each kind that has too many. */
export class NameBudget {
  readonly #names = new Map<string, Set<string>>();

  /** The value as metrics carry it. */
  of(key: string, value: string): string {
    const kind = bounded.get(key);
    if (kind === undefined) return value;
    const names = this.#names.get(key) ?? new Set();
    this.#names.set(key, names);
    if (names.has(value)) return value;
    if (names.size < mostNames) {
      names.add(value);
      return value;
    }
    if (names.has(other)) return other;
    names.add(other);
    const what = key === attribute.name ? 'manager' : kind;
    process.emitWarning(
      `There are more than ${mostNames} names of the kind '${what}' in the metrics: the others are counted together, as '${other}'`,
      'FallbackWarning',
    );
    return other;
  }
}

/** Series of one metric, over all managers: beyond 2,000 an SDK counts wrongly. */
const mostSeries = 1_500;

/** Bounds the series of each metric: those that come later are counted together, and it is said once. */
export class SeriesBudget {
  readonly #series = new Map<string, Set<string>>();
  #warned = false;

  /** The values as the metric may carry them: with every name as `_other` where it has too many series. */
  of(metric: string, keys: readonly string[], values: readonly string[]): readonly string[] {
    const known = this.#series.get(metric) ?? new Set();
    this.#series.set(metric, known);
    const id = values.join('\u0000');
    if (known.has(id)) return values;
    if (known.size < mostSeries) {
      known.add(id);
      return values;
    }
    if (!this.#warned)
      process.emitWarning(
        `There are more than ${mostSeries} series of the metric '${metric}': the others are counted together, as '${other}'`,
        'FallbackWarning',
      );
    this.#warned = true;
    return values.map((value, index) => (bounded.has(keys[index] ?? '') ? other : value));
  }
}
