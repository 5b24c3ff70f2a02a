/** Metrics against the contract, over all collections. */

import {
  attribute,
  attributes as contractAttributes,
  type MetricContract,
  type MetricKey,
  metrics,
} from '@graphiti-fallback/core/telemetry';
import { attributeProblem } from './attribute-check.ts';
import type { CollectedMetric, CollectedMetrics, DataPoint } from './sdk-shapes.ts';

/** The SDK folds what is beyond 2,000 sets, and counts wrongly from there. */
const mostSets = 1_500;

const byName = new Map(
  (Object.keys(metrics) as MetricKey[]).map((key) => [metrics[key].name, key]),
);
const valued = new Set(
  Object.values(contractAttributes)
    .filter(({ cardinality }) => cardinality === 'values')
    .map(({ key }) => key),
);
const dataPointTypes = { histogram: 0, gauge: 2, sum: 3 } as const;

/** Remembers which sets were there: one that disappears, or that is born above 0, is a fault. */
export class MetricCheck {
  readonly #problems = new Set<string>();
  readonly #seen = new Set<MetricKey>();
  readonly #sets = new Map<string, Set<string>>();
  /** Sets without the attributes that have listed values: what an operation, a breaker, … has in all. */
  readonly #families = new Set<string>();

  get problems(): readonly string[] {
    return [...this.#problems];
  }

  get seen(): readonly MetricKey[] {
    return [...this.#seen];
  }

  /** Takes in one collection of a cumulative reader. */
  take({ scopeMetrics }: CollectedMetrics, scope: string): void {
    const ours = scopeMetrics.filter((each) => each.scope.name === scope);
    for (const metric of ours.flatMap((each) => each.metrics)) {
      const key = byName.get(metric.descriptor.name);
      if (!key) this.#problems.add(`the metric '${metric.descriptor.name}' is not in the contract`);
      else this.#takeMetric(key, metric);
    }
  }

  #takeMetric(key: MetricKey, metric: CollectedMetric): void {
    const told = metrics[key];
    const { name } = told;
    for (const problem of descriptorProblems(metric, told))
      this.#problems.add(`metric '${name}': ${problem}`);
    if (metric.dataPoints.length > 0) this.#seen.add(key);
    const before = this.#sets.get(name);
    const now = new Set<string>();
    for (const point of metric.dataPoints) {
      for (const problem of pointProblems(point, told))
        this.#problems.add(`metric '${name}': ${problem}`);
      const set = setOf(point);
      const family = `${name} ${setOf(point, valued)}`;
      const born = before && !before.has(set) && this.#families.has(family);
      if (born && told.kind === 'counter' && Number(point.value) > 0)
        this.#problems.add(`metric '${name}': a series is born above 0: ${set}`);
      if (now.has(set)) this.#problems.add(`metric '${name}': observed twice: ${set}`);
      now.add(set);
    }
    for (const set of before ?? [])
      if (!now.has(set)) this.#problems.add(`metric '${name}': a series disappeared: ${set}`);
    for (const point of metric.dataPoints) this.#families.add(`${name} ${setOf(point, valued)}`);
    if (now.size > mostSets)
      this.#problems.add(
        `metric '${name}': ${now.size} series, at most ${mostSets} are counted rightly`,
      );
    this.#sets.set(name, now);
  }
}

function* descriptorProblems(
  { descriptor, dataPointType, isMonotonic, dataPoints }: CollectedMetric,
  { kind, unit, description, buckets }: MetricContract,
): Generator<string> {
  if (descriptor.unit !== unit)
    yield `its unit is '${descriptor.unit}', the contract says '${unit}'`;
  if (descriptor.description !== description) yield 'its description is not that of the contract';
  const type = kind === 'histogram' || kind === 'gauge' ? dataPointTypes[kind] : dataPointTypes.sum;
  if (dataPointType !== type) yield `it is no ${kind}`;
  if (type === dataPointTypes.sum && isMonotonic !== (kind === 'counter')) yield `it is no ${kind}`;
  if (!buckets) return;
  for (const { value } of dataPoints) {
    const { buckets: { boundaries = [] } = {} } = value as {
      readonly buckets?: { readonly boundaries?: readonly number[] };
    };
    if (String(boundaries) !== String(buckets)) yield `its buckets end at ${boundaries}`;
  }
}

function* pointProblems(
  { attributes, value }: DataPoint,
  { attributes: told, kind }: MetricContract,
): Generator<string> {
  const expected = [attribute.name, ...told];
  for (const key of expected) if (!(key in attributes)) yield `a series misses '${key}'`;
  for (const [key, given] of Object.entries(attributes)) {
    const problem = expected.includes(key)
      ? attributeProblem(key, given)
      : `a series must not have '${key}'`;
    if (problem) yield problem;
  }
  if (kind !== 'histogram' && !(Number(value) >= 0)) yield `a series is ${String(value)}`;
}

/** A set of attributes as text, perhaps without some. */
function setOf({ attributes }: DataPoint, without: ReadonlySet<string> = new Set()): string {
  const entries = Object.entries(attributes).filter(([key]) => !without.has(key));
  return JSON.stringify(entries.sort(([one], [other]) => (one < other ? -1 : 1)));
}
