/** What the contract's names become in Prometheus. */

import { type MetricContract, type MetricKey, metrics } from './contract.ts';

/** A metric's names in Prometheus. They differ for times and bytes only: OTLP appends the unit. */
export interface PrometheusNames {
  /** Through OpenTelemetry's Prometheus exporter for JavaScript. */
  readonly exporter: string;
  /** Through OTLP, in Prometheus itself or in a collector. */
  readonly otlp: string;
}

const unitSuffixes: Readonly<Record<string, string>> = { s: '_seconds', By: '_bytes' };

/** The names of a metric; of a histogram, without `_bucket`, `_sum` and `_count`. */
export function prometheusNames(key: MetricKey): PrometheusNames {
  const { name, kind, unit }: MetricContract = metrics[key];
  const base = name.replaceAll('.', '_');
  const total = kind === 'counter' ? '_total' : '';
  return { exporter: `${base}${total}`, otlp: `${base}${unitSuffixes[unit] ?? ''}${total}` };
}

/** The label that an attribute becomes. */
export function prometheusLabel(attribute: string): string {
  return attribute.replaceAll(/[^A-Za-z0-9_]/g, '_');
}
