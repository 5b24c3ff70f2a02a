/** What several dashboards show alike. */

import { attributes, spanName } from '@graphiti-fallback/core/telemetry';
import { clicked } from '../jaeger.ts';
import { type TraceLink, timeline, timeseries } from '../panel.ts';
import type { Series } from '../series.ts';

/** States of operations that are still to be applied. */
export const pendingStates = ['ready', 'in_flight', 'blocked', 'parked', 'unhandled'] as const;

/** Outcomes that availability counts: what callers did wrong says nothing about it. */
export const countedOutcomes: readonly string[] = (attributes.outcome.values ?? []).filter(
  (outcome) => outcome !== 'rejected',
);

/** From a series with a breaker's name to the traces of its outages. */
export const outageTraces: readonly TraceLink[] = [
  {
    title: 'Outages of this breaker, in Jaeger',
    search: { operation: `${spanName.activate} ${clicked('breakerName')}` },
  },
];

/** From a series with a queue's name to each write that was given up, with its reason. */
export const deadLetterTraces: readonly TraceLink[] = [
  {
    title: 'Dead letters of this queue and their reasons, in Jaeger',
    search: { operation: `${spanName.deadLetter} ${clicked('queueName')}` },
  },
];

/** From a series with a queue's name to its replays. */
export const drainTraces: readonly TraceLink[] = [
  {
    title: 'Replays of this queue, in Jaeger',
    search: { operation: `${spanName.drain} ${clicked('queueName')}` },
  },
];

/** Green is live, yellow to orange is fallback, red is an error. */
export const outcomeColors = {
  live: 'green',
  applied: 'semi-dark-green',
  accepted: 'super-light-green',
  cache: 'light-green',
  stale: 'yellow',
  entity: 'light-yellow',
  queued: 'orange',
  stored: 'light-orange',
  rejected: 'gray',
  failure: 'red',
} as const;

/** Each breaker's state over time. */
export function breakerTimeline(s: Series, width: number) {
  const state = (name: string) =>
    s.max(['breakerName'], s.now('breakerState', { breakerState: [name] }));
  return timeline({
    title: 'State of the breakers',
    description:
      'open: no call goes to the upstream. half open: one at a time tries it. isolated: a person set it apart, and only a person ends that (`manager.deactivate()`). The worst of all instances.',
    unit: 'none',
    width,
    traces: outageTraces,
    words: {
      '0': { text: 'closed', color: 'green' },
      '1': { text: 'half open', color: 'yellow' },
      '2': { text: 'open', color: 'red' },
      '3': { text: 'isolated', color: 'purple' },
    },
    queries: [
      {
        expression: `clamp_max(3 * ${state('isolated')} + 2 * ${state('open')} + ${state('half_open')}, 3)`,
        legend: '{{graphiti_fallback_breaker_name}}',
      },
    ],
  });
}

/** How long the oldest write of each queue has waited. */
export function oldestWrite(s: Series, width: number) {
  return timeseries({
    title: 'Age of the oldest write',
    description:
      'How long the oldest write that is still to be applied has waited. It rises in an outage and falls while the queue drains; one that goes on rising waits for a person. After `queue.maxAge` (seven days) it is given up.',
    unit: 's',
    width,
    queries: [
      {
        expression: s.max(['queueName'], s.now('queueOldestAge')),
        legend: '{{graphiti_fallback_queue_name}}',
      },
    ],
  });
}
