/** Series for which each alert fires, and such for which it stays quiet, in the notation of promtool. */

import {
  type AttributeKey,
  attribute,
  type MetricKey,
  prometheusLabel,
  prometheusNames,
} from '@graphiti-fallback/core/telemetry';

/** One story of one alert. */
export interface AlertCase {
  readonly alert: string;
  readonly story: string;
  /** A value a minute. */
  readonly series: Readonly<Record<string, string>>;
  /** When it is looked at. */
  readonly at: string;
  /** Labels of the alert that fires; none where it is quiet. */
  readonly fires?: Readonly<Record<string, string>>;
  /** What its texts say in place of a value. */
  readonly value?: string;
}

type Labels = Partial<Record<AttributeKey, string>>;

function labelled(labels: Labels): Record<string, string> {
  const named = Object.entries(labels).map(([key, value]) => [
    prometheusLabel(attribute[key as AttributeKey]),
    value,
  ]);
  return { job: 'shop', ...Object.fromEntries(named) };
}

function series(metric: MetricKey, labels: Labels, by: 'exporter' | 'otlp' = 'exporter'): string {
  const matchers = Object.entries(labelled({ name: 'shop', ...labels }));
  const text = matchers.map(([label, value]) => `${label}="${value}"`).join(', ');
  return `${prometheusNames(metric)[by]}{${text}, instance="a"}`;
}

function calls(live: string, failure: string): Record<string, string> {
  const operation = { operationName: 'item.get' };
  return {
    [series('operations', { ...operation, outcome: 'live' })]: live,
    [series('operations', { ...operation, outcome: 'failure' })]: failure,
  };
}

const shop = { name: 'shop' };
const outage = { breakerName: 'shop', mode: 'queue_writes', outageTrigger: 'calls' };
const breaker = { breakerName: 'shop' };
const queue = { queueName: 'shop' };

const burnsFast = { alert: 'GraphitiFallbackErrorBudgetBurnsFast', at: '70m' };
const burnsSlowly = { alert: 'GraphitiFallbackErrorBudgetBurnsSlowly', at: '400m' };
const active = { alert: 'GraphitiFallbackActiveForLong' };
const old = { alert: 'GraphitiFallbackQueueOld', at: '70m' };
const durable = { alert: 'GraphitiFallbackStoreNotDurable', at: '8m' };
const grows = { alert: 'GraphitiFallbackQueueGrows', at: '40m' };
const dead = { alert: 'GraphitiFallbackDeadLetters', at: '8m' };
const unconfirmed = { alert: 'GraphitiFallbackIngestionUnconfirmed', at: '8m' };
const blocked = { alert: 'GraphitiFallbackLaneBlocked', at: '8m' };

/** All of them. */
export const alertCases: readonly AlertCase[] = [
  {
    ...burnsFast,
    story: '2 of 100 calls fail for an hour',
    series: calls('0+98x90', '0+2x90'),
    fires: labelled(shop),
  },
  { ...burnsFast, story: '1 of 100 calls fails', series: calls('0+99x90', '0+1x90') },
  {
    ...burnsFast,
    story: 'five calls in an hour, and all fail',
    series: calls('0x90', '0+1x5 5x84'),
  },
  {
    ...burnsFast,
    story: 'many failed, but half an hour ago',
    series: calls('0+98x90', '0+2x40 80x50'),
  },
  {
    ...burnsSlowly,
    story: '8 of 1,000 calls fail for six hours',
    series: calls('0+992x420', '0+8x420'),
    fires: labelled(shop),
  },
  { ...burnsSlowly, story: '4 of 1,000 calls fail', series: calls('0+996x420', '0+4x420') },
  ...(['exporter', 'otlp'] as const).flatMap((by): AlertCase[] => [
    {
      ...active,
      story: `twenty minutes, by names of the ${by}`,
      at: '20m',
      series: {
        [series('active', outage)]: '1x30',
        [series('outageAge', breaker, by)]: '0+60x30',
      },
      fires: labelled({ ...shop, ...outage }),
    },
    {
      ...active,
      story: `ten minutes, by names of the ${by}`,
      at: '10m',
      series: {
        [series('active', outage)]: '1x30',
        [series('outageAge', breaker, by)]: '0+60x30',
      },
    },
    {
      ...old,
      story: `a write that has waited for more than an hour, by names of the ${by}`,
      series: { [series('queueOldestAge', queue, by)]: '0+60x80' },
      fires: labelled(queue),
      value: '1h 10m 0s',
    },
    {
      ...old,
      story: `writes that never wait for longer than ten minutes, by names of the ${by}`,
      series: { [series('queueOldestAge', queue, by)]: '600x80' },
    },
  ]),
  {
    ...active,
    story: 'the app was away for a while, in the middle of a long outage',
    at: '23m',
    series: {
      [series('active', outage)]: '1x10 _x10 1x10',
      [series('outageAge', breaker)]: '0+60x10 _x10 1260+60x10',
    },
    fires: labelled({ ...shop, ...outage }),
  },
  {
    ...active,
    story: 'it is over',
    at: '25m',
    series: {
      [series('active', outage)]: '1x20 0x10',
      [series('outageAge', breaker)]: '0+60x20 0x10',
    },
  },
  {
    ...durable,
    story: 'the disk is full',
    series: {
      [series('info', { storeKind: 'lowdb', mode: 'queue_writes' })]: '1x10',
      [series('storeDurable', { storeName: 'queue' })]: '1 0x9',
    },
    fires: { ...labelled(shop), instance: 'a' },
  },
  {
    ...durable,
    story: 'the store takes what comes',
    series: {
      [series('info', { storeKind: 'lowdb', mode: 'queue_writes' })]: '1x10',
      [series('storeDurable', { storeName: 'queue' })]: '1x10',
    },
  },
  {
    ...durable,
    story: 'everything is in memory, by choice',
    series: {
      [series('info', { storeKind: 'memory', mode: 'queue_writes' })]: '1x10',
      [series('storeDurable', { storeName: 'queue' })]: '0x10',
    },
  },
  {
    ...durable,
    story: 'the manager was closed',
    series: {
      [series('info', { storeKind: 'lowdb', mode: 'queue_writes' })]: '1 0x9',
      [series('storeDurable', { storeName: 'queue' })]: '1 0x9',
    },
  },
  {
    ...grows,
    story: 'a hundred more each minute',
    series: { [series('queueDepth', { ...queue, queueState: 'ready' })]: '0+100x60' },
    fires: labelled(queue),
    value: '4000',
  },
  {
    ...grows,
    story: 'many, but fewer each minute',
    series: { [series('queueDepth', { ...queue, queueState: 'ready' })]: '9000-100x60' },
  },
  {
    ...grows,
    story: 'a few more each minute',
    series: { [series('queueDepth', { ...queue, queueState: 'ready' })]: '0+10x60' },
  },
  {
    ...dead,
    story: 'two writes were given up',
    series: { [series('queueDepth', { ...queue, queueState: 'dead' })]: '0x3 2x10' },
    fires: labelled(queue),
    value: '2',
  },
  {
    ...dead,
    story: 'writes wait, none was given up',
    series: {
      [series('queueDepth', { ...queue, queueState: 'ready' })]: '7x10',
      [series('queueDepth', { ...queue, queueState: 'dead' })]: '0x10',
    },
  },
  {
    ...unconfirmed,
    story: 'three writes were acknowledged and are not there',
    series: { [series('queueDepth', { ...queue, queueState: 'unconfirmed' })]: '0x3 3x10' },
    fires: labelled(queue),
    value: '3',
  },
  {
    ...unconfirmed,
    story: 'writes were acknowledged and have time yet',
    series: {
      [series('queueDepth', { ...queue, queueState: 'accepted' })]: '7x10',
      [series('queueDepth', { ...queue, queueState: 'unconfirmed' })]: '0x10',
    },
  },
  {
    ...blocked,
    story: 'a lane waits for a person',
    series: { [series('queueLanes', { ...queue, queueState: 'blocked' })]: '0 1x10' },
    fires: labelled(queue),
    value: '1',
  },
  {
    ...blocked,
    story: 'lanes are ready',
    series: {
      [series('queueLanes', { ...queue, queueState: 'ready' })]: '3x10',
      [series('queueLanes', { ...queue, queueState: 'blocked' })]: '0x10',
    },
  },
];
