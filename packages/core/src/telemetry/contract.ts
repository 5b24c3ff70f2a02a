/**
 * Every name that telemetry uses, once: dashboards, alerts and people's queries depend on them. Instruments
 * and spans, the reference in the README, the dashboards' metric names and the live check come from here.
 */

export {
  type AttributeContract,
  type AttributeKey,
  attribute,
  attributes,
} from './contract/attributes.ts';
export { type LogEventContract, type LogEventKey, logEvents } from './contract/log-events.ts';
export {
  type InstrumentKind,
  type MetricContract,
  type MetricKey,
  metrics,
} from './contract/metrics.ts';
export { scope } from './contract/scope.ts';
export { type SpanContract, type SpanKey, spanName, spans } from './contract/spans.ts';
