/** A dashboard, whole: rows of panels on a grid of 24 columns, with what Grafana's builders leave open. */

import type { Builder } from '@grafana/grafana-foundation-sdk/cog';
import {
  type AnnotationQuery,
  type Dashboard,
  DashboardBuilder,
  DashboardCursorSync,
  DashboardLinkBuilder,
  DashboardLinkType,
  type Panel,
  RowBuilder,
  type RowPanel,
  type VariableModel,
} from '@grafana/grafana-foundation-sdk/dashboard';
import { attribute } from '@graphiti-fallback/core/telemetry';
import { jaegerSearch } from './jaeger.ts';
import { labelOf, Series } from './series.ts';
import { datasource, scope, variables } from './variables.ts';

/** A row with its title; panels fill lines of 24 columns. */
interface Row {
  readonly title: string;
  readonly panels: readonly Builder<Panel>[];
}

/** What one dashboard is made of. */
export interface Board {
  readonly uid: string;
  readonly title: string;
  readonly description: string;
  readonly rows: readonly Row[];
}

/** The tag that all of ours have, and by which they link to each other. */
const tag = 'graphiti-fallback';
/** Of the schema that Grafana 11 reads; later ones migrate it. */
const schemaVersion = 39;
const columns = 24;

const series = new Series(scope);

/** Builds it. @throws {Error} when a line of panels is not 24 columns wide */
export function build({ uid, title, description, rows }: Board): Dashboard {
  const builder = new DashboardBuilder(title)
    .uid(uid)
    .description(description)
    .tags([tag])
    .timezone('browser')
    .time({ from: 'now-1h', to: 'now' })
    .refresh('30s')
    .tooltip(DashboardCursorSync.Crosshair)
    .editable()
    .variables(variables())
    .links(links());
  const dashboard = builder.build();
  return {
    ...dashboard,
    id: null as never,
    annotations: { list: [outages() as AnnotationQuery] },
    templating: { list: (dashboard.templating?.list ?? []).map(withoutAuto) },
    schemaVersion,
    version: 1,
    panels: laidOut(rows),
  };
}

/** The builders give every variable what only those of intervals have. */
function withoutAuto(variable: VariableModel): VariableModel {
  const { auto: _auto, auto_min: _min, auto_count: _count, ...rest } = variable;
  return rest as VariableModel;
}

function laidOut(rows: readonly Row[]): (Panel | RowPanel)[] {
  const panels: (Panel | RowPanel)[] = [];
  let y = 0;
  for (const { title, panels: builders } of rows) {
    const row = new RowBuilder(title).build();
    panels.push({ ...row, id: panels.length + 1, gridPos: { x: 0, y, w: columns, h: 1 } });
    y += 1;
    let x = 0;
    let tallest = 0;
    for (const panel of builders.map((builder) => builder.build())) {
      const { w = 0, h = 0 } = panel.gridPos ?? {};
      if (x + w > columns)
        throw new Error(`'${panel.title}' ends at column ${x + w} of ${columns}`);
      panels.push({ ...panel, id: panels.length + 1, gridPos: { x, y, w, h } });
      x += w;
      tallest = Math.max(tallest, h);
      if (x < columns) continue;
      x = 0;
      y += tallest;
      tallest = 0;
    }
    if (x > 0) throw new Error(`The last line of '${title}' is ${x} columns wide, not ${columns}`);
  }
  return panels;
}

/** Outages, as regions over all panels. */
function outages(): object {
  const active = series.sum(['breakerName', 'mode', 'outageTrigger'], series.now('active'));
  return {
    name: 'Outages',
    datasource,
    enable: true,
    iconColor: 'red',
    target: { refId: 'Outages', expr: `${active} > 0` },
    step: '30s',
    titleFormat: `Fallback of {{${labelOf('breakerName')}}}`,
    textFormat: `{{${labelOf('mode')}}}, by {{${labelOf('outageTrigger')}}}`,
  };
}

function links(): DashboardLinkBuilder[] {
  const others = new DashboardLinkBuilder('Fallback dashboards')
    .type(DashboardLinkType.Dashboards)
    .tags([tag])
    .asDropdown(true)
    .includeVars(true)
    .keepTime(true)
    .icon('external link');
  const served = new DashboardLinkBuilder('Calls served by fallback, in Jaeger')
    .type(DashboardLinkType.Link)
    .url(jaegerSearch({ tags: { [attribute.fallbackUsed]: 'true' } }))
    .targetBlank(true)
    .icon('external link')
    .tooltip('Set the address of Jaeger and the name of the service at the top');
  return [others, served];
}
