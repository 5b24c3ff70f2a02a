import { metrics, prometheusNames } from '@graphiti-fallback/core/telemetry';
import { describe, expect, test } from 'vitest';
import { artefacts } from '../scripts/artefacts.ts';
import { boards } from './boards.ts';
import {
  type Dashboard,
  lint,
  type Panel,
  type Target,
  type Variable,
} from './lint.test.support.ts';

const files = artefacts();

function dashboard(name: string): Dashboard {
  return JSON.parse(files.get(`grafana/${name}.json`) ?? '');
}

test.each(Object.keys(boards))('%s is as Grafana and its linter want it', (name) => {
  expect(lint(dashboard(name))).toEqual([]);
});

test('dashboards have uids and titles of their own', () => {
  const all = Object.keys(boards).map(dashboard);
  expect(new Set(all.map(({ uid }) => uid)).size).toBe(all.length);
  expect(new Set(all.map(({ title }) => title)).size).toBe(all.length);
});

describe('what is wrong is found:', () => {
  const panel = (dashboard: Dashboard) => dashboard.panels[1] as Panel;
  const target = (dashboard: Dashboard) => panel(dashboard).targets?.[0] as Target;
  const expr = (from: string, to: string) => (dashboard: Dashboard) => {
    const wrong = dashboard.panels.flatMap(({ targets = [] }) => targets);
    const found = wrong.find((each) => each.expr.includes(from)) as Target;
    found.expr = found.expr.replace(from, to);
  };
  const job = (dashboard: Dashboard) =>
    dashboard.templating.list.find(({ name }) => name === 'job') as Variable;

  test.each<[string, (dashboard: Dashboard) => void]>([
    ['id 2 is there twice', (all) => Object.assign(all.panels[2] as Panel, { id: 2 })],
    ['is out of the grid', (all) => Object.assign(panel(all).gridPos, { w: 25 })],
    ['lies on', (all) => Object.assign(panel(all).gridPos, { w: 5 })],
    ['no unit', (all) => Object.assign(panel(all).fieldConfig?.defaults ?? {}, { unit: '' })],
    ['no description that helps', (all) => Object.assign(panel(all), { description: '' })],
    ['a data source of its own', (all) => Object.assign(panel(all), { datasource: { uid: 'x' } })],
    ['a query without an id', (all) => Object.assign(target(all), { refId: '' })],
    ['no legend', (all) => Object.assign(target(all), { legendFormat: '' })],
    [
      'which the query does not keep',
      (all) => Object.assign(target(all), { legendFormat: '{{x}}' }),
    ],
    ['a window of 5m', expr('[$__rate_interval]', '[5m]')],
    ['a query without job=~"$job"', expr('job=~"$job"', 'job="shop"')],
    ['as it is', expr('rate(', '(')],
    ['job is not all, or several', (all) => Object.assign(job(all), { allValue: '' })],
    ['job is not asked for again', (all) => Object.assign(job(all), { refresh: 1 })],
  ])('%s', (complaint, breakIt) => {
    const broken = dashboard('overview');
    breakIt(broken);
    expect(lint(broken).join('\n')).toContain(complaint);
  });
});

test('every metric of the contract is on a dashboard', () => {
  const queries = [...files].filter(([path]) => /^grafana\/\w+\.json$/.test(path)).join('\n');
  const missing = (Object.keys(metrics) as (keyof typeof metrics)[]).filter(
    (key) => !new RegExp(`\\b${prometheusNames(key).exporter}(_bucket)?\\b`).test(queries),
  );
  expect(missing).toEqual([]);
});

test('what is shared asks for its data source, and names it nowhere else', () => {
  for (const name of Object.keys(boards)) {
    const text = files.get(`sharing/${name}.json`) ?? '';
    expect(JSON.parse(text)).toMatchObject({
      __inputs: [{ name: 'DS_PROMETHEUS', type: 'datasource', pluginId: 'prometheus' }],
    });
    expect(text).not.toContain('${datasource}');
    expect(text).not.toContain('"name": "datasource"');
  }
});
