/** A story of an alert, told to promtool. */

import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse } from 'yaml';
import type { AlertCase } from './alert-cases.ts';
import { shippedRules } from './shipped-dashboards.ts';

/** An alert as it is shipped. */
export interface ShippedAlert {
  readonly alert: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
}

/** All alerts of the rule files. */
export const shippedAlerts: readonly ShippedAlert[] = shippedRules
  .map((file) => parse(readFileSync(file, 'utf8')) as { groups: { rules: ShippedAlert[] }[] })
  .flatMap(({ groups }) => groups.flatMap(({ rules }) => rules))
  .filter(({ alert }) => alert !== undefined);

/** What promtool says about a story: `passed`, or what came instead. */
export function tellPromtool({ alert, series, at, fires, value }: AlertCase): string {
  const { labels = {}, annotations = {} } =
    shippedAlerts.find((shipped) => shipped.alert === alert) ?? {};
  const texts = Object.entries(annotations).map(([name, text]) => [
    name,
    text
      .replaceAll(/\{\{ \$labels\.(\w+) \}\}/g, (_, label) => fires?.[label] ?? '')
      .replaceAll(/\{\{ \$value[^}]*\}\}/g, value ?? 'no value'),
  ]);
  const expected = {
    exp_labels: { ...fires, ...labels },
    exp_annotations: Object.fromEntries(texts),
  };
  const test = {
    interval: '1m',
    input_series: Object.entries(series).map(([name, values]) => ({ series: name, values })),
    alert_rule_test: [{ eval_time: at, alertname: alert, exp_alerts: fires ? [expected] : [] }],
  };
  const folder = mkdtempSync(join(tmpdir(), 'promtool-'));
  const file = join(folder, 'test.yaml');
  // JSON is YAML.
  const all = { rule_files: shippedRules, evaluation_interval: '1m', tests: [test] };
  writeFileSync(file, JSON.stringify(all));
  try {
    const ran = spawnSync('promtool', ['test', 'rules', file], { encoding: 'utf8' });
    return ran.status === 0 ? 'passed' : `${ran.stdout}${ran.stderr}`;
  } finally {
    rmSync(folder, { recursive: true });
  }
}
