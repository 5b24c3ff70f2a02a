/** What holds for every query of the dashboards, in whichever Prometheus and by whichever names. */

import { expect, test } from 'vitest';
import type { Played } from './outage-of-shop.ts';
import { metricsOf } from './promql.ts';
import type { PrometheusApi, Series } from './query.ts';
import { type ShippedQuery, shippedQueries, shippedVariables } from './shipped-dashboards.ts';

interface Watched {
  readonly api: PrometheusApi;
  readonly played: Played;
  /** What Prometheus calls the shop. */
  readonly job: string;
}

/** Panels that may show nothing but zeros, and why. */
const zeros: Readonly<Record<string, string>> = {
  'Asked in vain, in this time': 'the disk of the test works',
};

/** What panels have to show at some time, by title. */
const shows: Readonly<Record<string, (series: readonly Series[]) => void>> = {
  Availability: (series) => expect(lowest(series)).toBeLessThan(1),
  Fallback: (series) => expect(valuesOf(series)).toEqual([0, 1]),
  'Instances in fallback': (series) => expect(valuesOf(series)).toEqual([0, 1]),
  'For how long': (series) => expect(highest(series)).toBeGreaterThan(3),
  'Writes that wait': (series) => expect(highest(series)).toBeGreaterThan(30),
  'State of the breakers': (series) =>
    expect(valuesOf(series)).toEqual(expect.arrayContaining([0, 2, 3])),
  'Age of the oldest write': (series) => expect(highest(series)).toBeGreaterThan(3),
  Components: (series) => expect(valuesOf(series)).toEqual(expect.arrayContaining([0, 2])),
  'Dead letters': (series) => expect(highest(series)).toBe(1),
  'Hit rate': (series) => expect(highest(series)).toBeLessThanOrEqual(1),
  'What is stored outlives the process': (series) => expect(valuesOf(series)).toEqual([1]),
  Outages: (series) =>
    expect(labelsOf(series, 'graphiti_fallback_outage_trigger')).toContain('manual'),
};

/** Registers the tests; `watched` is asked when they run. */
export function testDashboards(watched: () => Watched): void {
  test.each(shippedQueries)('$dashboard: $panel', async (query) => {
    const { api, played, job } = watched();
    const expression = filledIn(query.expression, job);
    const { type, series } = await api.over(expression, played.from, played.to);
    expect(type).toBe('matrix');
    if (query.instant) expect((await api.now(expression)).type).toBe('vector');
    const moved = series.filter(({ values }) =>
      values.some((value) => value !== 0 && Number.isFinite(value)),
    );
    // Past the console, of which Vitest tells whose each line is.
    process.stdout.write(`${line(query, series.length, moved.length)}\n`);
    // A quantile of nothing is not a number, and Grafana draws it so.
    if (!expression.startsWith('histogram_quantile('))
      expect(series.filter(({ values }) => !values.every(Number.isFinite))).toEqual([]);
    expect(query.panel in zeros ? series.length : moved.length).toBeGreaterThan(0);
    shows[query.panel]?.(series);
  });

  test('queries name only metrics and labels that are there', async () => {
    const { api, job } = watched();
    const known = new Map<string, Promise<string[]>>();
    const labelsOfMetric = (metric: string) => {
      const labels = known.get(metric) ?? api.labels(`${metric}{job="${job}"}`);
      known.set(metric, labels);
      return labels;
    };
    for (const { panel, expression } of shippedQueries) {
      const named = metricsOf(filledIn(expression, job));
      const present = [];
      for (const each of named) {
        const labels = await labelsOfMetric(each.metric);
        if (labels.length === 0) continue; // the other one of two names
        present.push(each.metric);
        expect({
          panel,
          unknown: [...each.labels].filter((label) => !labels.includes(label)),
        }).toEqual({ panel, unknown: [] });
      }
      expect({ panel, present }).not.toEqual({ panel, present: [] });
    }
  });

  test.each(shippedVariables)('$dashboard: variable $name', async ({ name, query }) => {
    const { api, job } = watched();
    const [, selector = '', label = ''] = /^label_values\((.*), (\w+)\)$/.exec(query) ?? [];
    const values = await api.labelValues(label, filledIn(selector, job));
    expect(values).toContain({ job, fallback: 'shop' }[name] ?? values[0]);
    expect(values).not.toEqual([]);
  });
}

/** As Grafana fills in its variables: one job, all else. */
function filledIn(expression: string, job: string): string {
  return expression
    .replaceAll('$__rate_interval', '10s')
    .replaceAll('$__range', '5m')
    .replaceAll('$job', job)
    .replaceAll(/\$(instance|fallback)/g, '.+');
}

function line({ dashboard, panel }: ShippedQuery, series: number, moved: number): string {
  const count = `${String(series).padStart(3)} series, ${String(moved).padStart(2)} of them not always 0`;
  const why = moved === 0 ? ` (${zeros[panel] ?? 'which is wrong'})` : '';
  return `${dashboard.padEnd(9)} ${panel.padEnd(44)} ${count}${why}`;
}

function valuesOf(series: readonly Series[]): number[] {
  return [...new Set(series.flatMap(({ values }) => values))].sort((one, two) => one - two);
}

function lowest(series: readonly Series[]): number {
  return Math.min(...series.flatMap(({ values }) => values));
}

function highest(series: readonly Series[]): number {
  return Math.max(...series.flatMap(({ values }) => values));
}

function labelsOf(series: readonly Series[], label: string): (string | undefined)[] {
  return series.map(({ labels }) => labels[label]);
}
