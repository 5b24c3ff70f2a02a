export {
  type AttributeContract,
  type AttributeKey,
  attribute,
  attributes,
  type InstrumentKind,
  type LogEventContract,
  type LogEventKey,
  logEvents,
  type MetricContract,
  type MetricKey,
  metrics,
  type SpanContract,
  type SpanKey,
  scope,
  spanName,
  spans,
} from './contract.ts';
export { type PrometheusNames, prometheusLabel, prometheusNames } from './prometheus.ts';
