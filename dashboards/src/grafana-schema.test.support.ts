/** A dashboard's JSON as Grafana's own schema has it, with what the plugins add that it leaves open. */

import type {
  AnnotationQuery,
  Dashboard,
  DataQuery,
  Panel,
  RowPanel,
  VariableModel,
} from '@grafana/schema';
import type * as stat from '@grafana/schema/dist/esm/raw/composable/stat/panelcfg/x/StatPanelCfg_types.gen';
import type * as timeline from '@grafana/schema/dist/esm/raw/composable/statetimeline/panelcfg/x/StateTimelinePanelCfg_types.gen';
import type * as table from '@grafana/schema/dist/esm/raw/composable/table/panelcfg/x/TablePanelCfg_types.gen';
import type * as timeseries from '@grafana/schema/dist/esm/raw/composable/timeseries/panelcfg/x/TimeSeriesPanelCfg_types.gen';

/** The Prometheus plugin's query; its types are in no package of Grafana's. */
interface PrometheusQuery extends DataQuery {
  readonly expr: string;
  readonly legendFormat?: string;
  readonly instant?: boolean;
  readonly range?: boolean;
  readonly format?: 'time_series' | 'table';
}

/** Its annotations take their texts from beside the query. */
interface PrometheusAnnotation extends AnnotationQuery<PrometheusQuery> {
  readonly step: string;
  readonly titleFormat: string;
  readonly textFormat: string;
}

/** Its query once more as a text, as Grafana's page writes and lists it. */
type PrometheusVariable = VariableModel & { readonly definition?: string };

type Of<Type extends string, Options, Field> = Omit<
  Panel<Options, Field>,
  'type' | 'options' | 'targets'
> & {
  readonly type: Type;
  readonly options: Options;
  readonly targets: readonly PrometheusQuery[];
};

type AnyPanel =
  | RowPanel
  | Of<'stat', stat.Options, Record<string, never>>
  | Of<'timeseries', timeseries.Options, timeseries.FieldConfig>
  | Of<'state-timeline', timeline.Options, timeline.FieldConfig>
  | Of<'table', Partial<table.Options>, table.FieldConfig>;

/** What JSON cannot name, the members of enums, by their values. */
type Plain<T> = T extends string
  ? `${T}`
  : T extends object
    ? { [Key in keyof T]: Plain<T[Key]> }
    : T;

/** A generated file. */
export type DashboardJson = Plain<
  Omit<Dashboard, 'panels' | 'annotations' | 'templating'> & {
    readonly panels: readonly AnyPanel[];
    readonly templating: { readonly list: readonly PrometheusVariable[] };
    readonly annotations: { readonly list: readonly PrometheusAnnotation[] };
  }
>;
