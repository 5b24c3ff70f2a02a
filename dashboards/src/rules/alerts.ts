/** Alert rules. States are told by gauges, which survive restarts; burns of the error budget by rates. */

import { pendingStates } from '../dashboards/shared.ts';
import { labelOf, Series } from '../series.ts';
import { errorRate, errorRatio, windows } from './recordings.ts';
import { settings } from './settings.ts';

/** An alert as Prometheus reads it. */
export interface AlertRule {
  readonly alert: string;
  readonly expr: string;
  readonly for: string;
  readonly labels: { readonly severity: 'page' | 'ticket' };
  readonly annotations: { readonly summary: string; readonly description: string };
}

const s = new Series({ matchers: [], window: '5m' });
const name = `{{ $labels.${labelOf('name')} }}`;
const queue = `{{ $labels.${labelOf('queueName')} }}`;
const budget = Number((1 - settings.objective).toFixed(6));
const outage = ['job', 'name', 'breakerName'] as const;
const outageLabels = ['job', labelOf('name'), labelOf('breakerName')].join(', ');

const manager = ['job', 'instance', 'name'] as const;
const managerLabels = ['job', 'instance', labelOf('name')].join(', ');
const waiting = { queueState: pendingStates };

function burns(factor: number, short: '5m' | '30m', long: '1h' | '6h'): string {
  return [
    `${errorRatio(long)} > ${factor} * ${budget}`,
    `${errorRatio(short)} > ${factor} * ${budget}`,
    `${errorRate(long)} * ${windows[long]} > ${settings.fewestFailures}`,
  ].join(' and ');
}

function perQueue(expression: string): string {
  return s.sum(['job', 'queueName'], expression);
}

/** Every alert. */
export const alerts: readonly AlertRule[] = [
  {
    alert: 'GraphitiFallbackErrorBudgetBurnsFast',
    expr: burns(14.4, '5m', '1h'),
    for: '2m',
    labels: { severity: 'page' },
    annotations: {
      summary: `Users of ${name} get errors: two per cent of a month's error budget an hour`,
      description:
        'Calls fail although fallback should answer them. Open "Graphiti fallback / Overview": which outcome, which operation? Reads that were never answered before cannot be served (warm the cache); writes fail where the mode keeps none, or the store cannot be written.',
    },
  },
  {
    alert: 'GraphitiFallbackErrorBudgetBurnsSlowly',
    expr: burns(6, '30m', '6h'),
    for: '15m',
    labels: { severity: 'ticket' },
    annotations: {
      summary: `Users of ${name} get more errors than the objective allows`,
      description:
        'Over hours more calls fail than the objective allows. Open "Graphiti fallback / Breakers and policies" and look at failures by operation.',
    },
  },
  {
    alert: 'GraphitiFallbackActiveForLong',
    // The age outlives a restart of the app; what `for` has counted would be lost with each.
    expr: `${s.max([...outage, 'mode', 'outageTrigger'], s.now('active'))} > 0 and on (${outageLabels}) ${s.max(outage, s.now('outageAge'))} > ${settings.activeFor}`,
    for: '1m',
    labels: { severity: 'page' },
    annotations: {
      summary: `Fallback of ${name} has been active for more than ${settings.activeFor / 60} minutes: mode {{ $labels.${labelOf('mode')} }}, begun by {{ $labels.${labelOf('outageTrigger')} }}`,
      description:
        'Answers are stale, writes wait. Look at the upstream; the trace `activate {breaker}` in Jaeger leads to the call that began it. Begun by `manual`: somebody set it apart by hand, and `manager.deactivate()` ends it.',
    },
  },
  {
    alert: 'GraphitiFallbackQueueOld',
    expr: `${s.max(['job', 'queueName'], s.now('queueOldestAge'))} > ${settings.oldestWrite}`,
    for: '5m',
    labels: { severity: 'ticket' },
    annotations: {
      summary: `A write of ${queue} has waited for {{ $value | humanizeDuration }}`,
      description:
        'Open "Graphiti fallback / Queue and drain". With the upstream up: is a lane blocked or parked, the operation unhandled, the drain paused, or one lane so long that one write at a time is too slow?',
    },
  },
  {
    alert: 'GraphitiFallbackQueueGrows',
    expr: `${perQueue(s.now('queueDepth', waiting))} > ${settings.manyWrites} and ${perQueue(s.slope('queueDepth', waiting, '15m'))} > 0`,
    for: '15m',
    labels: { severity: 'ticket' },
    annotations: {
      summary: `{{ $value }} writes of ${queue} wait, and more come than go`,
      description:
        'In an outage that is as it should be until the queue is full (100,000 by default): then writes are refused. Without one the upstream or its lanes are slower than what is written.',
    },
  },
  {
    alert: 'GraphitiFallbackDeadLetters',
    expr: `${perQueue(s.now('queueDepth', { queueState: ['dead'] }))} > 0`,
    for: '1m',
    labels: { severity: 'ticket' },
    annotations: {
      summary: `{{ $value }} writes of ${queue} were given up`,
      description:
        'They are kept. `manager.queue.list({ states: ["dead"] })` says why: `retry` what can be applied now, `purge` what cannot. Each has a span `dead_letter` with its reason, linked to the request that wrote it.',
    },
  },
  {
    alert: 'GraphitiFallbackIngestionUnconfirmed',
    expr: `${perQueue(s.now('queueDepth', { queueState: ['unconfirmed'] }))} > 0`,
    for: '1m',
    labels: { severity: 'page' },
    annotations: {
      summary: `{{ $value }} writes of ${queue} were acknowledged and are not there`,
      description:
        'Graphiti answers 202 and stores nothing: its ingestion worker is most likely dead, though /healthcheck is green. Restart Graphiti; it forgets what it had in memory, and the writes are still here. With `unconfirmed: "resend"` they go once more by themselves, else `retry` does it.',
    },
  },
  {
    alert: 'GraphitiFallbackStoreNotDurable',
    // Not of those that keep everything in memory by choice, nor of managers that were closed.
    expr: `${s.min([...manager], s.now('storeDurable', { storeName: ['queue'] }))} == 0 and on (${managerLabels}) ${s.max([...manager], s.now('info', { storeKind: { not: 'memory' } }))} > 0`,
    for: '5m',
    labels: { severity: 'page' },
    annotations: {
      summary: `The store of ${name} at {{ $labels.instance }} takes nothing: queued writes would not outlive the process`,
      description:
        'The disk is full, gone or read-only, or another process holds the folder. The status page and the health component `fallback.store` say which; do not restart the app before it is mended.',
    },
  },
  {
    alert: 'GraphitiFallbackLaneBlocked',
    expr: `${perQueue(s.now('queueLanes', { queueState: ['blocked'] }))} > 0`,
    for: '5m',
    labels: { severity: 'page' },
    annotations: {
      summary: `{{ $value }} lanes of ${queue} wait for a person`,
      description:
        'The upstream refused the credentials (blocked: mend the `headers()` hook, then `retry`), or it is not known whether a write was applied (parked: look, then `retry` or `ack`). What is behind it waits, too.',
    },
  },
];
