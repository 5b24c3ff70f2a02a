/** The dashboards and rules as they are shipped. */

import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const root = new URL('.', import.meta.resolve('@graphiti-fallback/dashboards/package.json'));

/** A query of a dashboard. */
export interface ShippedQuery {
  readonly dashboard: string;
  /** Title of the panel; what else it is of. */
  readonly panel: string;
  readonly expression: string;
  readonly instant: boolean;
}

/** A variable that asks Prometheus. */
export interface ShippedVariable {
  readonly dashboard: string;
  readonly name: string;
  readonly query: string;
}

interface Target {
  readonly expr: string;
  readonly instant?: boolean;
}

interface Dashboard {
  readonly panels: readonly { readonly title: string; readonly targets?: readonly Target[] }[];
  readonly annotations: { readonly list: readonly { name: string; target: Target }[] };
  readonly templating: {
    readonly list: readonly { name: string; type: string; query: { query: string } }[];
  };
}

const dashboards = readdirSync(new URL('grafana', root)).map((file) => ({
  name: file.replace('.json', ''),
  json: JSON.parse(readFileSync(new URL(`grafana/${file}`, root), 'utf8')) as Dashboard,
}));

/** Queries of panels, and of annotations. */
export const shippedQueries: readonly ShippedQuery[] = dashboards.flatMap(({ name, json }) => [
  ...json.panels.flatMap(({ title, targets = [] }) => targets.map(queryOf(name, title))),
  ...json.annotations.list.map(({ name: title, target }) => queryOf(name, title)(target)),
]);

/** Queries of variables. */
export const shippedVariables: readonly ShippedVariable[] = dashboards.flatMap(({ name, json }) =>
  json.templating.list
    .filter(({ type }) => type === 'query')
    .map((variable) => ({ dashboard: name, name: variable.name, query: variable.query.query })),
);

/** Files with rules. */
export const shippedRules: readonly string[] = readdirSync(new URL('prometheus', root)).map(
  (file) => fileURLToPath(new URL(`prometheus/${file}`, root)),
);

function queryOf(dashboard: string, panel: string) {
  return ({ expr, instant = false }: Target): ShippedQuery => ({
    dashboard,
    panel,
    expression: expr,
    instant,
  });
}
