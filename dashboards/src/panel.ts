/** Panels: what every panel of ours has, whatever it shows. */

import type { Builder, Dataquery } from '@grafana/grafana-foundation-sdk/cog';
import {
  BigValueColorMode,
  BigValueGraphMode,
  GraphDrawStyle,
  LegendDisplayMode,
  LegendPlacement,
  ReduceDataOptionsBuilder,
  SortOrder,
  StackingConfigBuilder,
  StackingMode,
  TableCellDisplayMode,
  TooltipDisplayMode,
  VizLegendOptionsBuilder,
  VizTooltipOptionsBuilder,
} from '@grafana/grafana-foundation-sdk/common';
import {
  type DashboardLink,
  FieldColorBuilder,
  FieldColorModeId,
  type Panel,
  SpecialValueMatch,
  type Threshold,
  ThresholdsConfigBuilder,
  ThresholdsMode,
  type ValueMapping,
} from '@grafana/grafana-foundation-sdk/dashboard';
import {
  DataqueryBuilder as PrometheusQuery,
  PromQueryFormat,
} from '@grafana/grafana-foundation-sdk/prometheus';
import { PanelBuilder as StatBuilder } from '@grafana/grafana-foundation-sdk/stat';
import { PanelBuilder as TimelineBuilder } from '@grafana/grafana-foundation-sdk/statetimeline';
import { PanelBuilder as TableBuilder } from '@grafana/grafana-foundation-sdk/table';
import { PanelBuilder as TimeseriesBuilder } from '@grafana/grafana-foundation-sdk/timeseries';
import { type JaegerSearch, jaegerSearch } from './jaeger.ts';
import { datasource } from './variables.ts';

/** One query of a panel. */
interface Query {
  readonly expression: string;
  /** Legend, with labels in double braces. */
  readonly legend: string;
}

/** What every panel says. */
export interface PanelText {
  readonly title: string;
  /** What it shows, and what to do when it is bad. */
  readonly description: string;
  /** A unit of Grafana: `reqps`, `s`, `bytes`, `percentunit`, `short`, … */
  readonly unit: string;
  readonly queries: readonly Query[];
  /** Of 24 columns. */
  readonly width: number;
  /** Searches in Jaeger that a click on a series leads to. */
  readonly traces?: readonly TraceLink[];
}

/** A search in Jaeger; its parts may name the labels of a series. */
export interface TraceLink {
  readonly title: string;
  readonly search: JaegerSearch;
}

/** From which value on it is yellow, and from which red; where high is good, below which. */
interface Limits {
  readonly warn?: number;
  readonly bad?: number;
  /** @default false */
  readonly highIsGood?: boolean;
}

interface StatOptions extends PanelText, Limits {
  readonly decimals?: number;
  /** Texts for values. */
  readonly words?: Readonly<Record<string, { readonly text: string; readonly color: string }>>;
  /** What it says where there is nothing. @default 0 */
  readonly empty?: string;
}

/** One number, now. */
export function stat(options: StatOptions): Builder<Panel> {
  const panel = described(new StatBuilder(), options)
    .thresholds(thresholds(options))
    .mappings(mappings(options))
    .graphMode(BigValueGraphMode.None)
    .colorMode(colored(options) ? BigValueColorMode.Background : BigValueColorMode.None)
    .reduceOptions(new ReduceDataOptionsBuilder().calcs(['lastNotNull']).values(false))
    .height(4);
  if (options.decimals !== undefined) panel.decimals(options.decimals);
  return queried(panel, options, 'instant');
}

interface TimeseriesOptions extends PanelText {
  readonly stacked?: boolean;
  /** Colours by name of series. */
  readonly colors?: Readonly<Record<string, string>>;
}

/** Lines over time. */
export function timeseries(options: TimeseriesOptions): Builder<Panel> {
  const panel = described(new TimeseriesBuilder(), options)
    .height(8)
    .min(0)
    .drawStyle(GraphDrawStyle.Line)
    .lineWidth(1)
    .fillOpacity(options.stacked ? 40 : 10)
    .legend(
      new VizLegendOptionsBuilder()
        .displayMode(LegendDisplayMode.List)
        .placement(LegendPlacement.Bottom)
        .showLegend(true),
    )
    .tooltip(
      new VizTooltipOptionsBuilder().mode(TooltipDisplayMode.Multi).sort(SortOrder.Descending),
    );
  if (options.stacked)
    panel.stacking(new StackingConfigBuilder().mode(StackingMode.Normal).group('A'));
  for (const [name, color] of Object.entries(options.colors ?? {}))
    panel.overrideByName(name, [{ id: 'color', value: { mode: 'fixed', fixedColor: color } }]);
  return queried(panel, options, 'range');
}

interface TimelineOptions extends PanelText, Limits {
  readonly words: Readonly<Record<string, { readonly text: string; readonly color: string }>>;
}

/** States over time. */
export function timeline(options: TimelineOptions): Builder<Panel> {
  const panel = described(new TimelineBuilder(), options)
    .height(8)
    .mappings(mappings(options))
    .thresholds(thresholds(options))
    .colorScheme(new FieldColorBuilder().mode(FieldColorModeId.Thresholds))
    .fillOpacity(70);
  return queried(panel, options, 'range');
}

/** A row for each series, now. */
export function table(
  options: PanelText & {
    /** Columns that are shown, by label, with their heads. */
    readonly columns: Readonly<Record<string, string>>;
  },
): Builder<Panel> {
  const { columns } = options;
  const panel = described(new TableBuilder(), { ...options, empty: 'nowhere' })
    .height(8)
    .cellOptions({ type: TableCellDisplayMode.Auto })
    .withTransformation({
      id: 'organize',
      options: {
        excludeByName: { Time: true, Value: true },
        indexByName: Object.fromEntries(Object.keys(columns).map((label, index) => [label, index])),
        renameByName: columns,
      },
    });
  queried(panel, options, 'table');
  return { build: () => withoutFooter(panel.build()) };
}

/** The builder gives tables what Grafana has not known any more since 12. */
function withoutFooter(panel: Panel): Panel {
  const { footer: _footer, ...options } = panel.options as Record<string, unknown>;
  return { ...panel, options };
}

/** What the builders of all kinds of panels have in common. */
interface Describable<P> extends Builder<Panel> {
  title(title: string): P;
  description(description: string): P;
  unit(unit: string): P;
  span(width: number): P;
  noValue(text: string): P;
  datasource(ref: { type: string; uid: string }): P;
  dataLinks(links: Builder<DashboardLink>[]): P;
  withTarget(target: Builder<Dataquery>): P;
}

function described<P extends Describable<P>>(panel: P, text: PanelText & { empty?: string }): P {
  return panel
    .dataLinks((text.traces ?? []).map(traceLink))
    .title(text.title)
    .description(text.description)
    .unit(text.unit)
    .span(text.width)
    .noValue(text.empty ?? '0')
    .datasource(datasource);
}

/** Of a link on a series Grafana reads no more than this. */
function traceLink({ title, search }: TraceLink): Builder<DashboardLink> {
  const link = { title, url: jaegerSearch(search), targetBlank: true };
  return { build: () => link as DashboardLink };
}

function queried<P extends Describable<P>>(
  panel: P,
  { queries }: PanelText,
  how: 'instant' | 'range' | 'table',
): P {
  for (const [index, { expression, legend }] of queries.entries()) {
    const query = new PrometheusQuery()
      .refId(String.fromCharCode(65 + index))
      .expr(expression)
      .legendFormat(legend)
      .datasource(datasource);
    if (how === 'range') query.range();
    else query.instant();
    if (how === 'table') query.format(PromQueryFormat.Table);
    panel.withTarget(query);
  }
  return panel;
}

function colored({ warn, bad, words }: StatOptions): boolean {
  return warn !== undefined || bad !== undefined || words !== undefined;
}

function thresholds({ warn, bad, highIsGood = false }: Limits): ThresholdsConfigBuilder {
  const limits = highIsGood
    ? {
        from: 'red',
        limits: [
          [bad, 'yellow'],
          [warn, 'green'],
        ] as const,
      }
    : {
        from: 'green',
        limits: [
          [warn, 'yellow'],
          [bad, 'red'],
        ] as const,
      };
  const steps: Threshold[] = [{ value: null, color: limits.from }];
  for (const [value, color] of limits.limits) if (value !== undefined) steps.push({ value, color });
  return new ThresholdsConfigBuilder().mode(ThresholdsMode.Absolute).steps(steps);
}

function mappings({ words }: Pick<StatOptions, 'words'>): ValueMapping[] {
  if (!words) return [];
  const options = Object.fromEntries(
    Object.entries(words).map(([value, { text, color }], index) => [value, { text, color, index }]),
  );
  return [
    { type: 'value', options },
    {
      type: 'special',
      options: { match: SpecialValueMatch.Null, result: { text: 'no data', color: 'text' } },
    },
  ] as ValueMapping[];
}
