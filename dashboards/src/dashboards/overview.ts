/** What an on-call engineer opens first: are users hurt, since when, by what, and what waits. */

import { spanName } from '@graphiti-fallback/core/telemetry';
import type { Board } from '../board.ts';
import { stat, table, timeline, timeseries } from '../panel.ts';
import { settings } from '../rules/settings.ts';
import { labelOf, Series } from '../series.ts';
import { scope } from '../variables.ts';
import {
  breakerTimeline,
  countedOutcomes,
  oldestWrite,
  outcomeColors,
  pendingStates,
} from './shared.ts';

const s = new Series(scope);

const calls = s.sum([], s.rate('operations', { outcome: countedOutcomes }));
const failures = s.sum([], s.rate('operations', { outcome: ['failure'] }));
const answers = s.sum([], s.rate('operations', { outcome: ['live', 'cache', 'stale', 'entity'] }));
const staleAnswers = s.sum([], s.rate('operations', { outcome: ['stale', 'entity'] }));
const instances = `count(${s.max(['job', 'instance'], s.now('info'))} > 0)`;

/** The overview. */
export const overview: Board = {
  uid: 'graphiti-fallback-overview',
  title: 'Graphiti fallback / Overview',
  description:
    'Whether users are hurt, whether fallback is active, since when and why, and what waits to be replayed.',
  rows: [
    {
      title: 'Are users hurt?',
      panels: [
        stat({
          title: 'Availability',
          description:
            'Share of calls that were answered, live or by fallback; what callers did wrong does not count. Below 100 % users see errors: look at the outcome "failure" below, and by operation in "Breakers and policies". Without traffic there is nothing to say.',
          unit: 'percentunit',
          decimals: 2,
          width: 4,
          highIsGood: true,
          warn: (1 + settings.objective) / 2,
          bad: settings.objective,
          empty: 'no calls',
          queries: [{ expression: `1 - (${failures} / (${calls} > 0))`, legend: 'availability' }],
        }),
        stat({
          title: 'Answers served stale',
          description:
            'Share of answers that did not come from the upstream, but from the cache or a local entity after it failed. High: users see old data; the age is below.',
          unit: 'percentunit',
          decimals: 1,
          width: 4,
          warn: 0.05,
          bad: 0.5,
          empty: 'no reads',
          queries: [{ expression: `${staleAnswers} / (${answers} > 0)`, legend: 'stale' }],
        }),
        stat({
          title: 'Fallback',
          description:
            'Whether fallback is active anywhere. Active: the upstream is down or somebody set it apart by hand; see the reason beside it, and the trace of the outage in Jaeger (a click on the breaker below leads there).',
          unit: 'none',
          width: 4,
          warn: 1,
          empty: 'no data',
          words: {
            '0': { text: 'live', color: 'green' },
            '1': { text: 'active', color: 'orange' },
          },
          queries: [{ expression: `max(${s.now('active')})`, legend: 'fallback' }],
        }),
        stat({
          title: 'Instances in fallback',
          description:
            'Share of the instances whose fallback is active. All: the upstream is down. Some: look at their network, and at the table below.',
          unit: 'percentunit',
          decimals: 0,
          width: 4,
          warn: 0.01,
          bad: 0.5,
          empty: 'no data',
          queries: [
            {
              expression: `sum(${s.max(['job', 'instance'], s.now('active'))}) / ${instances}`,
              legend: 'instances',
            },
          ],
        }),
        stat({
          title: 'For how long',
          description:
            'How long the oldest outage that still runs has lasted. 0 when live. Long: the upstream needs a person; the kit goes on serving stale answers for as long as `staleIfError` allows (a day by default).',
          unit: 's',
          width: 4,
          warn: 60,
          bad: 900,
          empty: 'no data',
          queries: [{ expression: `max(${s.now('outageAge')})`, legend: 'outage' }],
        }),
        stat({
          title: 'Writes that wait',
          description:
            'Writes that were acknowledged and are not upstream yet. Growing while live: they arrive faster than they are replayed, or a lane is blocked; see "Queue and drain".',
          unit: 'short',
          decimals: 0,
          width: 4,
          warn: 1,
          bad: 10_000,
          empty: 'no data',
          queries: [
            {
              expression: s.sum([], s.now('queueDepth', { queueState: pendingStates })),
              legend: 'waiting',
            },
          ],
        }),
      ],
    },
    {
      title: 'What callers get',
      panels: [
        timeseries({
          title: 'Calls by outcome',
          description:
            'live, cache, applied: as if there were no fallback. stale, entity, queued, stored: fallback did it. failure: nobody could. rejected: the caller was at fault.',
          unit: 'reqps',
          width: 12,
          stacked: true,
          colors: outcomeColors,
          queries: [
            {
              expression: s.sum(['outcome'], s.rate('operations')),
              legend: '{{graphiti_fallback_outcome}}',
            },
          ],
        }),
        timeseries({
          title: 'Why calls were not answered live',
          description:
            'open, half_open, isolated: the breaker let nothing through. unavailable, unknown, throttled: the upstream failed this very call. lane_busy: writes before it wait. bulkhead_full: too many calls at once; the upstream is slow.',
          unit: 'reqps',
          width: 12,
          stacked: true,
          queries: [
            {
              expression: `${s.sum(['fallbackReason'], s.rate('fallbacks'))} > 0`,
              legend: '{{graphiti_fallback_fallback_reason}}',
            },
          ],
        }),
        timeseries({
          title: 'Latency by outcome, 95th percentile',
          description:
            'What 95 of 100 calls were faster than. Slow live calls come before an outage: consider `softTimeout` for reads, and a shorter deadline.',
          unit: 's',
          width: 12,
          colors: outcomeColors,
          queries: [
            {
              expression: s.quantile(0.95, 'operationDuration', ['outcome']),
              legend: '{{graphiti_fallback_outcome}}',
            },
          ],
        }),
        timeseries({
          title: 'Age of what is served stale',
          description:
            'How old stale answers are. Nothing while none is served. Near the limit of `staleIfError` they are about to end: then these reads fail.',
          unit: 's',
          width: 12,
          queries: [
            { expression: s.quantile(0.5, 'cacheServedAge', []), legend: 'half are younger' },
            { expression: s.quantile(0.95, 'cacheServedAge', []), legend: '95 of 100 are younger' },
          ],
        }),
      ],
    },
    {
      title: 'The outage',
      panels: [
        breakerTimeline(s, 12),
        table({
          title: 'Where fallback is active',
          description:
            'Every breaker that is not closed, with its mode and what began it: calls, health checks, a person (manual) or writes left by an earlier run (restart).',
          unit: 'none',
          width: 12,
          columns: {
            job: 'job',
            instance: 'instance',
            [labelOf('breakerName')]: 'breaker',
            [labelOf('mode')]: 'mode',
            [labelOf('outageTrigger')]: 'begun by',
          },
          traces: [
            {
              title: 'Outages of this breaker, in Jaeger',
              search: { operation: `${spanName.activate} \${__data.fields.breaker}` },
            },
          ],
          queries: [
            {
              expression: `${s.sum(['job', 'instance', 'breakerName', 'mode', 'outageTrigger'], s.now('active'))} > 0`,
              legend: '',
            },
          ],
        }),
      ],
    },
    {
      title: 'The queue',
      panels: [
        timeline({
          title: 'Is the queue well?',
          description:
            'blocked: the upstream refuses the credentials. parked: a person has to look whether it was applied. unhandled: no process declares the operation. dead: given up. Each needs a person: `manager.queue.list()`.',
          unit: 'none',
          width: 8,
          bad: 1,
          words: { '0': { text: 'none', color: 'green' } },
          queries: [
            {
              expression: s.sum(
                ['queueState'],
                s.now('queueDepth', { queueState: ['blocked', 'parked', 'unhandled', 'dead'] }),
              ),
              legend: '{{graphiti_fallback_queue_state}}',
            },
          ],
        }),
        timeseries({
          title: 'Writes in the queue',
          description:
            'By state. It should rise in an outage and fall to 0 afterwards; a rest that stays is blocked, parked or unhandled.',
          unit: 'short',
          width: 8,
          stacked: true,
          queries: [
            {
              expression: s.sum(['queueState'], s.now('queueDepth')),
              legend: '{{graphiti_fallback_queue_state}}',
            },
          ],
        }),
        oldestWrite(s, 8),
      ],
    },
  ],
};
