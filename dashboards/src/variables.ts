/** Variables that every dashboard has. */

import {
  DatasourceVariableBuilder,
  QueryVariableBuilder,
  TextBoxVariableBuilder,
  VariableRefresh,
  VariableSort,
} from '@grafana/grafana-foundation-sdk/dashboard';
import { prometheusNames } from '@graphiti-fallback/core/telemetry';
import { labelOf, type Scope } from './series.ts';

/** The data source that a person chooses at the top. */
export const datasource = { type: 'prometheus', uid: '${datasource}' };

const info = prometheusNames('info').exporter;
const nameLabel = labelOf('name');

/** What the variables narrow every query to. */
export const scope: Scope = {
  matchers: ['job=~"$job"', 'instance=~"$instance"', `${nameLabel}=~"$fallback"`],
  window: '$__rate_interval',
};

/** The builders, in the order in which they are shown. */
export function variables() {
  return [
    new DatasourceVariableBuilder('datasource').label('Data source').type('prometheus'),
    labelValues('job', 'Job', `label_values(${info}, job)`),
    labelValues('instance', 'Instance', `label_values(${info}{job=~"$job"}, instance)`),
    labelValues(
      'fallback',
      'Fallback',
      `label_values(${info}{job=~"$job", instance=~"$instance"}, ${nameLabel})`,
    ),
    new TextBoxVariableBuilder('jaeger_url').label('Jaeger').defaultValue('http://localhost:16686'),
    new TextBoxVariableBuilder('jaeger_service').label('Service in Jaeger').defaultValue('my-app'),
  ];
}

function labelValues(name: string, label: string, query: string): QueryVariableBuilder {
  return new QueryVariableBuilder(name)
    .label(label)
    .datasource(datasource)
    .query({ query, refId: `variable-${name}`, qryType: 1 })
    .definition(query)
    .refresh(VariableRefresh.OnTimeRangeChanged)
    .sort(VariableSort.AlphabeticalAsc)
    .multi(true)
    .includeAll(true)
    .allValue('.+')
    .current({ text: 'All', value: '$__all' });
}
