/** Queue and drain: what waits, how fast it goes, and what went wrong. */

import type { Board } from '../board.ts';
import { stat, timeseries } from '../panel.ts';
import { Series } from '../series.ts';
import { scope } from '../variables.ts';
import { deadLetterTraces, drainTraces, oldestWrite, pendingStates } from './shared.ts';

const s = new Series(scope);

const waiting = s.sum([], s.now('queueDepth', { queueState: pendingStates }));
const replayed = s.sum([], s.rate('queueOperations', { queueEvent: ['replayed'] }));

/** The dashboard. */
export const queue: Board = {
  uid: 'graphiti-fallback-queue',
  title: 'Graphiti fallback / Queue and drain',
  description: 'Queued writes: depth, age, replays, dead letters and refusals.',
  rows: [
    {
      title: 'Now',
      panels: [
        stat({
          title: 'Waiting',
          description:
            'Writes that were acknowledged and are not upstream yet. It falls by itself once the upstream is back; if it does not, look at the states below.',
          unit: 'short',
          decimals: 0,
          width: 4,
          warn: 1,
          bad: 10_000,
          empty: 'no data',
          queries: [{ expression: waiting, legend: 'waiting' }],
        }),
        stat({
          title: 'Oldest',
          description:
            'How long the oldest one has waited. After seven days (`queue.maxAge`) it is given up as expired.',
          unit: 's',
          width: 4,
          warn: 900,
          bad: 86_400,
          empty: 'no data',
          queries: [{ expression: `max(${s.now('queueOldestAge')})`, legend: 'oldest' }],
        }),
        stat({
          title: 'Empty in',
          description:
            'How long the drain needs at its present rate. Nothing while nothing is replayed: the breaker is open, the drain is paused, or all is done.',
          unit: 's',
          width: 4,
          empty: 'not draining',
          queries: [{ expression: `${waiting} / (${replayed} > 0)`, legend: 'empty' }],
        }),
        stat({
          title: 'Blocked lanes',
          description:
            'Lanes that wait for a person: wrong credentials (blocked) or an unknown outcome (parked). `manager.queue.list({ states: ["blocked", "parked"] })`, then decide.',
          unit: 'short',
          decimals: 0,
          width: 4,
          bad: 1,
          empty: 'no data',
          queries: [
            {
              expression: s.sum([], s.now('queueLanes', { queueState: ['blocked'] })),
              legend: 'lanes',
            },
          ],
        }),
        stat({
          title: 'Dead letters',
          description:
            'Writes that were given up and are kept for a person. The reason of each is in its span (click for Jaeger) and in `manager.queue.list({ states: ["dead"] })`: retry, or purge.',
          unit: 'short',
          decimals: 0,
          width: 4,
          bad: 1,
          empty: 'no data',
          traces: deadLetterTraces,
          queries: [
            {
              expression: s.sum(['queueName'], s.now('queueDepth', { queueState: ['dead'] })),
              legend: '{{graphiti_fallback_queue_name}}',
            },
          ],
        }),
        stat({
          title: 'Lost or refused in this time',
          description:
            'refused: the queue was full or could not be stored, the caller got an error. dropped: the oldest made room, by your choice. lost: kept in memory only when the process ended.',
          unit: 'short',
          decimals: 0,
          width: 4,
          bad: 1,
          empty: 'no data',
          queries: [
            {
              expression: s.sum(
                [],
                s.increase(
                  'queueOperations',
                  { queueEvent: ['refused', 'dropped', 'lost'] },
                  '$__range',
                ),
              ),
              legend: 'lost or refused',
            },
          ],
        }),
      ],
    },
    {
      title: 'Depth',
      panels: [
        timeseries({
          title: 'Operations by state',
          description:
            'ready and in_flight are on their way; blocked, parked, unhandled, dead need a person; local waits for a sync; accepted and unconfirmed are with the upstream, and not seen there yet.',
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
        timeseries({
          title: 'Lanes',
          description:
            'A lane runs one write at a time. Few lanes with many writes drain slowly, however high the limit: choose finer lanes.',
          unit: 'short',
          width: 8,
          queries: [
            {
              expression: s.sum(['queueState'], s.now('queueLanes')),
              legend: '{{graphiti_fallback_queue_state}}',
            },
          ],
        }),
        oldestWrite(s, 8),
      ],
    },
    {
      title: 'Drain',
      panels: [
        timeseries({
          title: 'In and out',
          description:
            'enqueued above replayed for long: the queue grows. retried: replays that failed and will be tried again.',
          unit: 'ops',
          width: 12,
          queries: [
            {
              expression: s.sum(
                ['queueEvent'],
                s.rate('queueOperations', {
                  queueEvent: ['enqueued', 'replayed', 'retried', 'coalesced'],
                }),
              ),
              legend: '{{graphiti_fallback_queue_event}}',
            },
          ],
        }),
        timeseries({
          title: 'Replays at once, at most',
          description:
            'The ramp: from 1 it grows by 1 with each success, and is halved by a 429 or an error. It stays low while the upstream struggles.',
          unit: 'short',
          width: 12,
          traces: drainTraces,
          queries: [
            {
              expression: s.sum(['queueName'], s.now('drainLimit')),
              legend: '{{graphiti_fallback_queue_name}}',
            },
          ],
        }),
        timeseries({
          title: 'How long writes had waited, 95th percentile',
          description:
            'By what their replay came to. After an outage about as long as the outage; for long, the drain is slower than what is written.',
          unit: 's',
          width: 12,
          queries: [
            {
              expression: s.quantile(0.95, 'queueWaitDuration', ['queueResult']),
              legend: '{{graphiti_fallback_queue_result}}',
            },
          ],
        }),
        timeseries({
          title: 'How long replays take, 95th percentile',
          description:
            'By what they came to. Slow ones hold their lane; near the deadline the upstream hangs.',
          unit: 's',
          width: 12,
          queries: [
            {
              expression: s.quantile(0.95, 'queueProcessDuration', ['queueResult']),
              legend: '{{graphiti_fallback_queue_result}}',
            },
          ],
        }),
      ],
    },
    {
      title: 'Confirmation',
      panels: [
        stat({
          title: 'Unconfirmed',
          description:
            'Writes that the upstream acknowledged and does not show, though others had time enough. Graphiti: its ingestion worker is most likely dead while /healthcheck is green; restart it. Then they are sent again where `confirm: { unconfirmed: "resend" }` says so, else by `manager.queue.decide(id, "retry")`.',
          unit: 'short',
          decimals: 0,
          width: 4,
          bad: 1,
          empty: 'no data',
          queries: [
            {
              expression: s.sum([], s.now('queueDepth', { queueState: ['unconfirmed'] })),
              legend: 'unconfirmed',
            },
          ],
        }),
        timeseries({
          title: 'Acknowledged, to be seen',
          description:
            'accepted grows while the upstream takes in faster than it works off: Graphiti needs seconds of LLM calls for each message. unconfirmed waited too long.',
          unit: 'short',
          width: 7,
          stacked: true,
          queries: [
            {
              expression: s.sum(
                ['queueState'],
                s.now('queueDepth', { queueState: ['accepted', 'unconfirmed'] }),
              ),
              legend: '{{graphiti_fallback_queue_state}}',
            },
          ],
        }),
        timeseries({
          title: 'Accepted and confirmed',
          description:
            'confirmed follows accepted. accepted alone: the upstream acknowledges and does nothing. resent: lost writes go once more, and each may then be there twice.',
          unit: 'ops',
          width: 7,
          queries: [
            {
              expression: s.sum(
                ['queueEvent'],
                s.rate('queueOperations', {
                  queueEvent: ['accepted', 'confirmed', 'unconfirmed', 'resent'],
                }),
              ),
              legend: '{{graphiti_fallback_queue_event}}',
            },
          ],
        }),
        timeseries({
          title: 'Until they are seen, 95th percentile',
          description:
            'How far the upstream is behind: from the acknowledgement of a write until it was seen there. Looks come at intervals, so it is no more exact than those (`confirm.interval`).',
          unit: 's',
          width: 6,
          queries: [
            {
              expression: s.quantile(0.95, 'queueConfirmDuration', ['queueName']),
              legend: '{{graphiti_fallback_queue_name}}',
            },
          ],
        }),
      ],
    },
    {
      title: 'What went wrong',
      panels: [
        timeseries({
          title: 'Given up, refused, dropped, lost, unprotected',
          description:
            'Each should be 0. dead_lettered: given up, kept for a person (click for Jaeger). refused: the caller got an error; raise `queue.maxEntries`, or mend the store. dropped, lost: gone. unprotected: sent without being kept until it is confirmed, since the queue was full or the store did not take it; what the upstream loses of these nobody finds out.',
          unit: 'short',
          width: 24,
          traces: deadLetterTraces,
          queries: [
            {
              expression: s.sum(
                ['queueName', 'queueEvent'],
                s.increase('queueOperations', {
                  queueEvent: ['dead_lettered', 'refused', 'dropped', 'lost', 'unprotected'],
                }),
              ),
              legend: '{{graphiti_fallback_queue_name}} {{graphiti_fallback_queue_event}}',
            },
          ],
        }),
      ],
    },
  ],
};
