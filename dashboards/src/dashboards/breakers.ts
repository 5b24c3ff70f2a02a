/** Breakers and policies: what each breaker and each operation goes through. */

import type { Board } from '../board.ts';
import { stat, timeline, timeseries } from '../panel.ts';
import { Series } from '../series.ts';
import { scope } from '../variables.ts';
import { breakerTimeline, outageTraces, outcomeColors } from './shared.ts';

const s = new Series(scope);

/** The dashboard. */
export const breakers: Board = {
  uid: 'graphiti-fallback-breakers',
  title: 'Graphiti fallback / Breakers and policies',
  description: 'Breakers, retries, health checks and single operations.',
  rows: [
    {
      title: 'Breakers',
      panels: [
        breakerTimeline(s, 16),
        stat({
          title: 'Tries again in',
          description:
            'How long until an open breaker lets a call through, and 0 otherwise. At 0 and still not closed it waits for a call, a health check or a queued write.',
          unit: 's',
          width: 4,
          empty: 'no data',
          queries: [
            {
              expression: s.max(['breakerName'], s.now('breakerRetryDelay')),
              legend: '{{graphiti_fallback_breaker_name}}',
            },
          ],
        }),
        stat({
          title: 'Outages in this time',
          description:
            'How often a breaker left closed, in the time shown. Many short ones: the upstream is at its limit, or the threshold is too low.',
          unit: 'short',
          decimals: 0,
          width: 4,
          warn: 1,
          bad: 10,
          empty: 'no data',
          traces: outageTraces,
          queries: [
            {
              expression: s.sum(['breakerName'], s.increase('activations', {}, '$__range')),
              legend: '{{graphiti_fallback_breaker_name}}',
            },
          ],
        }),
        timeseries({
          title: 'Calls as the breakers count them',
          description:
            'success and failure are of the upstream; refused never reached it. Failures without refusals: below the threshold, still closed.',
          unit: 'reqps',
          width: 12,
          stacked: true,
          colors: { success: 'green', failure: 'red', refused: 'orange' },
          queries: [
            {
              expression: s.sum(['callResult'], s.rate('breakerCalls')),
              legend: '{{graphiti_fallback_call_result}}',
            },
          ],
        }),
        timeseries({
          title: 'What began outages',
          description:
            'calls: failures in a row. health: three unhealthy checks in a row. manual: a person. restart: writes that an earlier run left.',
          unit: 'short',
          width: 12,
          traces: outageTraces,
          queries: [
            {
              expression: s.sum(['breakerName', 'outageTrigger'], s.increase('activations')),
              legend: '{{graphiti_fallback_breaker_name}} {{graphiti_fallback_outage_trigger}}',
            },
          ],
        }),
        timeseries({
          title: 'Changes of state',
          description:
            'half_open to open, again and again: the upstream answers, but fails at once. Many closed to open: it is at its limit.',
          unit: 'short',
          width: 24,
          traces: outageTraces,
          queries: [
            {
              expression: `${s.sum(['breakerName', 'breakerPreviousState', 'breakerState'], s.increase('breakerTransitions'))} > 0`,
              legend:
                '{{graphiti_fallback_breaker_name}} {{graphiti_fallback_breaker_previous_state}} to {{graphiti_fallback_breaker_state}}',
            },
          ],
        }),
      ],
    },
    {
      title: 'Tries of the upstream',
      panels: [
        timeseries({
          title: 'Tries by result',
          description:
            'Each try, retries included. unknown: it may have been applied. throttled: the upstream asks for patience. unauthorized: the credentials are wrong; mend the `headers()` hook.',
          unit: 'reqps',
          width: 12,
          stacked: true,
          colors: { success: 'green' },
          queries: [
            {
              expression: s.sum(['attemptResult'], s.rate('attempts')),
              legend: '{{graphiti_fallback_attempt_result}}',
            },
          ],
        }),
        timeseries({
          title: 'Tries for each call, by operation',
          description:
            'Above 1 calls are tried again: the upstream is shaky. The retry budget holds it near 1.1 at most. Below 1 calls are answered without the upstream.',
          unit: 'short',
          width: 12,
          queries: [
            {
              expression: `${s.sum(['operationName'], s.rate('attempts'))} / (${s.sum(['operationName'], s.rate('operations'))} > 0)`,
              legend: '{{graphiti_fallback_operation_name}}',
            },
          ],
        }),
      ],
    },
    {
      title: 'Operations',
      panels: [
        timeseries({
          title: 'Calls by operation',
          description:
            'How often each operation is called. One that rises by itself may be a caller that tries again and again.',
          unit: 'reqps',
          width: 8,
          queries: [
            {
              expression: s.sum(['operationName'], s.rate('operations')),
              legend: '{{graphiti_fallback_operation_name}}',
            },
          ],
        }),
        timeseries({
          title: 'Failures by operation',
          description:
            'Calls that got an error which is not theirs. A read that fails in an outage was never answered before: warm the cache for what matters.',
          unit: 'reqps',
          width: 8,
          queries: [
            {
              expression: s.sum(['operationName'], s.rate('operations', { outcome: ['failure'] })),
              legend: '{{graphiti_fallback_operation_name}}',
            },
          ],
        }),
        timeseries({
          title: 'Latency by operation, 95th percentile',
          description: 'Of all outcomes together. Near the deadline: the upstream hangs.',
          unit: 's',
          width: 8,
          queries: [
            {
              expression: s.quantile(0.95, 'operationDuration', ['operationName']),
              legend: '{{graphiti_fallback_operation_name}}',
            },
          ],
        }),
        timeseries({
          title: 'Outcome by operation',
          description:
            'What became of the calls of each operation. One that only fails: never answered before, or the mode keeps none of its writes.',
          unit: 'reqps',
          width: 24,
          colors: outcomeColors,
          queries: [
            {
              expression: `${s.sum(['operationName', 'outcome'], s.rate('operations'))} > 0`,
              legend: '{{graphiti_fallback_operation_name}} {{graphiti_fallback_outcome}}',
            },
          ],
        }),
      ],
    },
    {
      title: 'Health',
      panels: [
        timeline({
          title: 'Components',
          description:
            'What is checked. Three unhealthy answers in a row open the breaker; degraded alone never does. Nothing where no check is configured.',
          unit: 'none',
          width: 12,
          words: {
            '0': { text: 'healthy', color: 'green' },
            '1': { text: 'unknown', color: 'gray' },
            '2': { text: 'degraded', color: 'yellow' },
            '3': { text: 'unhealthy', color: 'red' },
          },
          queries: [
            {
              expression: `clamp_max(3 * ${healthOf('unhealthy')} + 2 * ${healthOf('degraded')} + ${healthOf('unknown')}, 3)`,
              legend: '{{graphiti_fallback_health_component}}',
            },
          ],
        }),
        timeseries({
          title: 'Checks by result',
          description:
            'How often components are checked, by what came of it. None at all: `health.interval` is 0, or the breaker is open (then calls are not checked, only tried).',
          unit: 'ops',
          width: 12,
          queries: [
            {
              expression: s.sum(['healthComponent', 'healthStatus'], s.rate('healthChecks')),
              legend: '{{graphiti_fallback_health_component}} {{graphiti_fallback_health_status}}',
            },
          ],
        }),
        timeseries({
          title: 'Reads shed',
          description:
            'Reads that were answered from the cache to spare a degraded upstream, or while reads go live little by little after an outage.',
          unit: 'reqps',
          width: 24,
          queries: [
            {
              expression: s.sum(['operationName'], s.rate('shed')),
              legend: '{{graphiti_fallback_operation_name}}',
            },
          ],
        }),
      ],
    },
  ],
};

function healthOf(status: string): string {
  return s.max(['healthComponent'], s.now('healthStatus', { healthStatus: [status] }));
}
