/** PromQL over the telemetry contract: no metric, label or value is written down here that the kit does not emit. */

import {
  type AttributeKey,
  attribute,
  attributes,
  type MetricKey,
  metrics,
  prometheusLabel,
  prometheusNames,
} from '@graphiti-fallback/core/telemetry';

/** Which series are meant: by value, or by a text of the query language, such as a dashboard's variable. */
export type Where = Partial<Record<AttributeKey, Value>>;

type Value = string | readonly string[] | Not;

/** All values but one. */
interface Not {
  readonly not: string;
}

/** A label of the contract, or of the scrape. */
type By = AttributeKey | 'job' | 'instance';

/** What all series of a query have to match besides: a dashboard's variables; nothing in a rule. */
export interface Scope {
  readonly matchers: readonly string[];
  /** The window of rates. */
  readonly window: string;
}

/** Series of one metric in a scope. */
export class Series {
  readonly #scope: Scope;

  constructor(scope: Scope) {
    this.#scope = scope;
  }

  /** The latest values. */
  now(metric: MetricKey, where: Where = {}): string {
    return this.#either(metric, '', (name) => `${name}${this.#selector(metric, where)}`);
  }

  /** How much a second, over the scope's window. */
  rate(metric: MetricKey, where: Where = {}, window = this.#scope.window): string {
    return this.#either(
      metric,
      '',
      (name) => `rate(${name}${this.#selector(metric, where)}[${window}])`,
    );
  }

  /** How much over a window. */
  increase(metric: MetricKey, where: Where = {}, window = this.#scope.window): string {
    return this.#either(
      metric,
      '',
      (name) => `increase(${name}${this.#selector(metric, where)}[${window}])`,
    );
  }

  /** How fast a gauge changes, a second, over a window. */
  slope(metric: MetricKey, where: Where, window: string): string {
    return this.#either(
      metric,
      '',
      (name) => `deriv(${name}${this.#selector(metric, where)}[${window}])`,
    );
  }

  /** A quantile of a histogram, by labels. */
  quantile(
    share: number,
    metric: MetricKey,
    by: readonly AttributeKey[],
    where: Where = {},
  ): string {
    const buckets = this.#either(
      metric,
      '_bucket',
      (name) => `rate(${name}${this.#selector(metric, where)}[${this.#scope.window}])`,
    );
    return `histogram_quantile(${share}, sum by (${['le', ...labelsOf(metric, by)].join(', ')}) (${buckets}))`;
  }

  /** Sums by labels of the contract, and of the scrape. */
  sum(by: readonly By[], expression: string): string {
    return aggregate('sum', by, expression);
  }

  /** The same for the highest. */
  max(by: readonly By[], expression: string): string {
    return aggregate('max', by, expression);
  }

  /** The same for the lowest. */
  min(by: readonly By[], expression: string): string {
    return aggregate('min', by, expression);
  }

  /** Times and bytes have another name through OTLP: whichever is there is taken. */
  #either(metric: MetricKey, suffix: string, query: (name: string) => string): string {
    const { exporter, otlp } = prometheusNames(metric);
    if (exporter === otlp) return query(`${exporter}${suffix}`);
    return `(${query(`${otlp}${suffix}`)} or ${query(`${exporter}${suffix}`)})`;
  }

  #selector(metric: MetricKey, where: Where): string {
    const own = Object.entries(where).map(([key, values]) =>
      matcher(metric, key as AttributeKey, values),
    );
    const all = [...this.#scope.matchers, ...own];
    return all.length === 0 ? '' : `{${all.join(', ')}}`;
  }
}

function aggregate(how: 'sum' | 'max' | 'min', by: readonly By[], expression: string): string {
  const labels = by.map((key) => (key === 'job' || key === 'instance' ? key : labelOf(key)));
  return labels.length === 0
    ? `${how}(${expression})`
    : `${how} by (${labels.join(', ')}) (${expression})`;
}

/** The label of an attribute. */
export function labelOf(key: AttributeKey): string {
  return prometheusLabel(attribute[key]);
}

function labelsOf(metric: MetricKey, keys: readonly AttributeKey[]): readonly string[] {
  for (const key of keys) assertAttribute(metric, key);
  return keys.map(labelOf);
}

function matcher(metric: MetricKey, key: AttributeKey, values: Value): string {
  assertAttribute(metric, key);
  const label = labelOf(key);
  if (isNot(values)) return `${label}!="${values.not}"`;
  if (typeof values === 'string') return `${label}=~"${values}"`;
  const allowed = attributes[key].values;
  for (const value of values)
    if (allowed && !allowed.includes(value))
      throw new TypeError(
        `Expected a value of '${attribute[key]}', one of ${allowed}, got '${value}'`,
      );
  const [only, ...more] = values;
  return more.length === 0 ? `${label}="${only}"` : `${label}=~"${values.join('|')}"`;
}

function isNot(values: Value): values is Not {
  return typeof values === 'object' && 'not' in values;
}

function assertAttribute(metric: MetricKey, key: AttributeKey): void {
  if (key === 'name' || metrics[metric].attributes.includes(attribute[key])) return;
  throw new TypeError(
    `Expected an attribute of '${metrics[metric].name}', got '${attribute[key]}'`,
  );
}
