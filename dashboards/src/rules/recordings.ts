/** Recording rules: rates and shares of failed calls over the windows that the error budget's alerts look at. */

import { countedOutcomes } from '../dashboards/shared.ts';
import { Series } from '../series.ts';

/** The windows, short and long ones of both alerts, in s. */
export const windows = { '5m': 300, '30m': 1_800, '1h': 3_600, '6h': 21_600 } as const;

/** A window by its name. */
export type Window = keyof typeof windows;

/** A recording rule as Prometheus reads it. */
export interface RecordingRule {
  readonly record: string;
  readonly expr: string;
}

const s = new Series({ matchers: [], window: '5m' });

/** The name of the recorded rate of calls over a window. What callers did wrong does not count. */
function callRate(window: Window): string {
  return `job_fallback:graphiti_fallback_calls:rate${window}`;
}

/** The name of the recorded rate of failed calls over a window. */
export function errorRate(window: Window): string {
  return `job_fallback:graphiti_fallback_errors:rate${window}`;
}

/** The name of the recorded share of failed calls over a window. */
export function errorRatio(window: Window): string {
  return `job_fallback:graphiti_fallback_errors:ratio_rate${window}`;
}

/** Every recording rule; a group's rules are evaluated in their order. */
export const recordings: readonly RecordingRule[] = (Object.keys(windows) as Window[]).flatMap(
  (window) => [
    { record: callRate(window), expr: rateOf(countedOutcomes, window) },
    { record: errorRate(window), expr: rateOf(['failure'], window) },
    { record: errorRatio(window), expr: `${errorRate(window)} / (${callRate(window)} > 0)` },
  ],
);

function rateOf(outcome: readonly string[], window: Window): string {
  return s.sum(['job', 'name'], s.rate('operations', { outcome }, window));
}
