/** Links to searches in Jaeger, filled in by Grafana: with the dashboards' variables, and with labels. */

import type { AttributeKey } from '@graphiti-fallback/core/telemetry';
import { labelOf } from './series.ts';

/** What is looked for, in the dashboard's time range. */
export interface JaegerSearch {
  /** Name of a span. */
  readonly operation?: string;
  readonly tags?: Readonly<Record<string, string>>;
}

/** A label of the series that was clicked on, as a part of a search. */
export function clicked(key: AttributeKey): string {
  return `\${__field.labels.${labelOf(key)}}`;
}

/** The address of a search. */
export function jaegerSearch({ operation, tags }: JaegerSearch): string {
  const parts = [
    'service=${jaeger_service}',
    'start=${__from}000',
    'end=${__to}000',
    'lookback=custom',
    'limit=50',
    ...(operation ? [`operation=${encoded(operation)}`] : []),
    ...(tags ? [`tags=${encoded(JSON.stringify(tags))}`] : []),
  ];
  return `\${jaeger_url}/search?${parts.join('&')}`;
}

/** What Grafana has to fill in stays as it is. */
function encoded(text: string): string {
  return encodeURIComponent(text).replace(/%24%7B([\w.]+)%7D/g, '${$1}');
}
