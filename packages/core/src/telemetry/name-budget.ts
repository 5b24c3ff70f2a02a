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
