/**
 * What Grafana's dashboard linter (github.com/grafana/dashboard-linter, docs/rules) checks, and what it
 * leaves to Grafana: ids, reference ids, the grid. Not taken: that a dashboard must not be editable, since
 * whoever imports one may change it.
 */

import { metrics, prometheusNames } from '@graphiti-fallback/core/telemetry';

/** A dashboard, as far as it is looked at here. */
export interface Dashboard {
  title: string;
  uid: string;
  description: string;
  tags: string[];
  schemaVersion: number;
  panels: Panel[];
  templating: { list: Variable[] };
  annotations: { list: { datasource: { uid: string }; target: { expr: string } }[] };
}

/** A row, or a panel with queries. */
export interface Panel {
  id: number;
  type: string;
  title: string;
  description?: string;
  datasource?: { uid: string };
  gridPos: { x: number; y: number; w: number; h: number };
  targets?: Target[];
  fieldConfig?: { defaults: { unit?: string; noValue?: string } };
}

/** A query of a panel. */
export interface Target {
  refId: string;
  expr: string;
  legendFormat?: string;
  datasource?: { uid: string };
}

/** A variable of a dashboard. */
export interface Variable {
  name: string;
  type: string;
  label: string;
  query: string | { query: string };
  refresh?: number;
  multi?: boolean;
  includeAll?: boolean;
  allValue?: string;
  datasource?: { uid: string };
}

const scopes = ['job=~"$job"', 'instance=~"$instance"', 'graphiti_fallback_name=~"$fallback"'];
const counters = new Set(
  (Object.keys(metrics) as (keyof typeof metrics)[])
    .filter((key) => metrics[key].kind === 'counter')
    .map((key) => prometheusNames(key).exporter),
);

/** What is wrong with a dashboard, in words. */
export function lint(dashboard: Dashboard): string[] {
  const panels = dashboard.panels.filter(({ type }) => type !== 'row');
  return [
    ...ofDashboard(dashboard),
    ...ofVariables(dashboard.templating.list),
    ...duplicates(dashboard.panels.map(({ id }) => `id ${id}`)),
    ...duplicates(panels.map(({ title }) => `title '${title}'`)),
    ...ofGrid(dashboard.panels),
    ...panels.flatMap(ofPanel),
    ...dashboard.annotations.list.flatMap(({ datasource, target }) =>
      ofQuery(target.expr, datasource.uid).map((each) => `annotation: ${each}`),
    ),
  ];
}

function ofDashboard({ uid, description, tags, schemaVersion }: Dashboard): string[] {
  return [
    ...(/^[a-z-]{1,40}$/.test(uid) ? [] : ['no uid of small letters, 40 at most']),
    ...(description ? [] : ['no description']),
    ...(tags.includes('graphiti-fallback') ? [] : ['no tag']),
    ...(schemaVersion === 39 ? [] : ['not the schema of Grafana 11']),
  ];
}

function ofVariables(variables: readonly Variable[]): string[] {
  const named = (name: string) => variables.find((variable) => variable.name === name);
  const source = named('datasource');
  return [
    ...(source?.type === 'datasource' && source.query === 'prometheus' ? [] : ['no datasource']),
    ...(source?.label === 'Data source' ? [] : ["datasource is not labelled 'Data source'"]),
    ...['job', 'instance', 'fallback'].flatMap((name) => {
      const { multi, includeAll, allValue, refresh, datasource } = named(name) ?? {};
      return [
        ...(multi && includeAll && allValue === '.+' ? [] : [`${name} is not all, or several`]),
        ...(refresh === 2 ? [] : [`${name} is not asked for again when the time changes`]),
        ...(datasource?.uid === '${datasource}' ? [] : [`${name} has its own data source`]),
      ];
    }),
  ];
}

function duplicates(names: readonly string[]): string[] {
  return names
    .filter((name, index) => names.indexOf(name) !== index)
    .map((name) => `${name} is there twice`);
}

function ofGrid(panels: readonly Panel[]): string[] {
  return panels.flatMap((panel, index) => {
    const { x, y, w, h } = panel.gridPos;
    const over = panels.slice(0, index).find(({ gridPos: other }) => {
      const beside = other.x + other.w <= x || x + w <= other.x;
      return !beside && !(other.y + other.h <= y || y + h <= other.y);
    });
    return [
      ...(w > 0 && h > 0 && x >= 0 && x + w <= 24 ? [] : [`${panel.title} is out of the grid`]),
      ...(over ? [`${panel.title} lies on ${over.title}`] : []),
    ];
  });
}

function ofPanel({ type, title, description, datasource, targets = [], fieldConfig }: Panel) {
  const problems = [
    ...(title ? [] : ['no title']),
    ...(description && description.length > 40 ? [] : ['no description that helps']),
    ...(fieldConfig?.defaults.unit ? [] : ['no unit']),
    ...(fieldConfig?.defaults.noValue ? [] : ['nothing that stands for no value']),
    ...(datasource?.uid === '${datasource}' ? [] : ['a data source of its own']),
    ...(targets.length > 0 ? [] : ['no query']),
    ...duplicates(targets.map(({ refId }) => `query ${refId}`)),
    ...targets.flatMap((target) => ofTarget(target, type)),
  ];
  return problems.map((problem) => `'${title}': ${problem}`);
}

function ofTarget({ refId, expr, legendFormat, datasource }: Target, type: string): string[] {
  return [
    ...(/^[A-Z]$/.test(refId) ? [] : ['a query without an id']),
    ...(legendFormat || type === 'table' ? [] : ['no legend']),
    ...legendLabels(legendFormat).flatMap((label) =>
      expr.includes(label) ? [] : [`a legend by ${label}, which the query does not keep`],
    ),
    ...ofQuery(expr, datasource?.uid),
  ];
}

function legendLabels(legend = ''): string[] {
  return [...legend.matchAll(/\{\{(\w+)\}\}/g)].map(([, label = '']) => label);
}

function ofQuery(expr: string, source: string | undefined): string[] {
  const selectors = [...expr.matchAll(/graphiti_fallback_\w+\{([^}]*)\}/g)];
  const windows = [...expr.matchAll(/\[([^\]]+)\]/g)].map(([, window = '']) => window);
  const metricNames = [...expr.matchAll(/(\w+\()?(graphiti_fallback_\w+)\{/g)];
  return [
    ...(source === '${datasource}' ? [] : ['a query with a data source of its own']),
    ...(selectors.length > 0 ? [] : ['a query that selects nothing']),
    ...scopes
      .filter((scope) => !selectors.every(([, matchers]) => matchers?.includes(scope)))
      .map((scope) => `a query without ${scope}`),
    ...windows
      .filter((window) => !['$__rate_interval', '$__range'].includes(window))
      .map((window) => `a window of ${window}`),
    ...metricNames
      .filter(
        ([, call, name = '']) => counters.has(name) && !/^(rate|increase)\($/.test(call ?? ''),
      )
      .map(([, , name]) => `the counter ${name} as it is`),
    ...(/\bwithout\b/.test(expr) ? ['what is summed up is not named'] : []),
  ];
}
