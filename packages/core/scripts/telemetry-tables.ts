/** The contract as tables for people. */

import {
  type AttributeContract,
  attribute,
  attributes,
  type LogEventContract,
  logEvents,
  type MetricContract,
  metrics,
  type SpanContract,
  spans,
} from '../src/telemetry/contract.ts';

/** Markdown: spans, metrics, log events and attributes, a table each. */
export function telemetryTables(): string {
  return [
    `Every metric carries \`${attribute.name}\` besides its own attributes. Times are in seconds. All names are in development until 1.0: the release notes say what changed.`,
    '### Spans',
    table(
      ['span', 'kind', 'when', 'attributes', 'status is an error when'],
      Object.values(spans).map(spanRow),
    ),
    '### Metrics',
    table(
      ['metric', 'instrument', 'unit', 'what', 'attributes'],
      Object.values(metrics).map(metricRow),
    ),
    '### Log events',
    table(
      ['log event', 'severity', 'what', 'attributes'],
      Object.values(logEvents).map(logEventRow),
    ),
    '### Attributes',
    table(['attribute', 'type', 'what', 'values'], Object.values(attributes).map(attributeRow)),
  ].join('\n\n');
}

function spanRow({ name, kind, description, required, optional, links, error }: SpanContract) {
  const maybe = optional.length > 0 ? `; where known: ${codes(optional)}` : '';
  return [
    code(name),
    kind.toUpperCase(),
    links ? `${description} Linked to ${links}.` : description,
    `${codes(required)}${maybe}`,
    error ?? 'never',
  ];
}

function metricRow({ name, kind, unit, description, attributes }: MetricContract) {
  return [code(name), instruments[kind], code(unit), description, codes(attributes)];
}

function logEventRow({ eventName, severity, description, attributes }: LogEventContract) {
  return [code(eventName), severity, description, codes(attributes)];
}

function attributeRow({ key, type, description, cardinality, values, unit }: AttributeContract) {
  const open = { values: '', names: 'names of the app', codes: 'codes', ids: 'ids', measured: '' };
  return [
    code(key),
    type,
    description,
    values ? codes(values) : unit ? `in ${code(unit)}` : open[cardinality],
  ];
}

const instruments = {
  counter: 'counter',
  upDownCounter: 'up-down counter',
  gauge: 'gauge',
  histogram: 'histogram',
} as const;

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}

function code(text: string): string {
  return `\`${text}\``;
}

function codes(texts: readonly string[]): string {
  return texts.map((text) => code(text.replace(/^graphiti_fallback\./, '…'))).join(', ');
}
