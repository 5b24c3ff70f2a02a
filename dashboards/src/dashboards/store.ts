/** Store and cache: what is kept, how safely, and how well it serves. */

import { spanName } from '@graphiti-fallback/core/telemetry';
import type { Board } from '../board.ts';
import { clicked } from '../jaeger.ts';
import { stat, timeseries } from '../panel.ts';
import { Series } from '../series.ts';
import { scope } from '../variables.ts';

const s = new Series(scope);

const storeTraces = [
  {
    title: 'What the store was asked, in Jaeger',
    search: { operation: `${spanName.store} ${clicked('storeVerb')}` },
  },
];

const lookups = s.sum([], s.rate('cacheRequests'));
const found = s.sum([], s.rate('cacheRequests', { cacheResult: ['hit', 'stale'] }));

/** The dashboard. */
export const store: Board = {
  uid: 'graphiti-fallback-store',
  title: 'Graphiti fallback / Store and cache',
  description: 'The cache of answers, local entities, and the store below them.',
  rows: [
    {
      title: 'Store',
      panels: [
        stat({
          title: 'What is stored outlives the process',
          description:
            'The worst of all instances. no: everything is in memory, by choice, or the store takes nothing (the disk is full, gone or read-only): then mend it before the app is restarted, or queued writes are lost.',
          unit: 'none',
          width: 6,
          empty: 'no data',
          words: { '0': { text: 'no', color: 'red' }, '1': { text: 'yes', color: 'green' } },
          queries: [
            {
              expression: s.min(['storeName'], s.now('storeDurable')),
              legend: '{{graphiti_fallback_store_name}}',
            },
          ],
        }),
        stat({
          title: 'On disk',
          description:
            'Files of the stores, over all instances. It follows the queue and the cache; see below which files grow.',
          unit: 'bytes',
          width: 6,
          empty: 'no data',
          queries: [
            {
              expression: s.sum(['storeName'], s.now('storeSize')),
              legend: '{{graphiti_fallback_store_name}}',
            },
          ],
        }),
        stat({
          title: 'Asked in vain, in this time',
          description:
            'What stores could not do, in the time shown. Writes that could not be stored are refused; the traces `store …` in Jaeger have the error.',
          unit: 'short',
          decimals: 0,
          width: 12,
          bad: 1,
          empty: 'no data',
          traces: storeTraces,
          queries: [
            {
              expression: s.sum(
                ['storeName', 'storeVerb'],
                s.increase('storeOperations', { storeResult: ['failure'] }, '$__range'),
              ),
              legend: '{{graphiti_fallback_store_name}} {{graphiti_fallback_store_verb}}',
            },
          ],
        }),
        timeseries({
          title: 'How long commits take, 95th percentile',
          description:
            'Commits that a caller waits for: a receipt `queued` is given after one. Slow ones are a slow or busy disk; each queued write costs one sync.',
          unit: 's',
          width: 8,
          queries: [
            {
              expression: s.quantile(0.95, 'storeCommitDuration', ['storeName']),
              legend: '{{graphiti_fallback_store_name}}',
            },
          ],
        }),
        timeseries({
          title: 'What stores are asked',
          description:
            'commit: queued writes. cache, entities, state: what is kept within a second. open: recovery after a start; many of them mean that processes begin again and again.',
          unit: 'ops',
          width: 8,
          traces: storeTraces,
          queries: [
            {
              expression: s.sum(['storeName', 'storeVerb'], s.rate('storeOperations')),
              legend: '{{graphiti_fallback_store_name}} {{graphiti_fallback_store_verb}}',
            },
          ],
        }),
        timeseries({
          title: 'Files',
          description:
            'The journal grows until its next snapshot and is short afterwards. One that only grows is never folded into a snapshot: look for failures.',
          unit: 'bytes',
          width: 8,
          stacked: true,
          queries: [
            {
              expression: s.sum(['storeName', 'storeFile'], s.now('storeSize')),
              legend: '{{graphiti_fallback_store_name}} {{graphiti_fallback_store_file}}',
            },
          ],
        }),
      ],
    },
    {
      title: 'Cache',
      panels: [
        stat({
          title: 'Hit rate',
          description:
            'Share of lookups that found something. Low in an outage: much is asked that was never answered before; warm the cache, or raise `cache.maxEntries`.',
          unit: 'percentunit',
          decimals: 0,
          width: 8,
          empty: 'no lookups',
          queries: [{ expression: `${found} / (${lookups} > 0)`, legend: 'hit rate' }],
        }),
        stat({
          title: 'Answers',
          description:
            'Answers in the cache, over all instances. 10,000 an instance by default; at the limit the least used go, see below.',
          unit: 'short',
          decimals: 0,
          width: 8,
          empty: 'no data',
          queries: [{ expression: s.sum([], s.now('cacheEntries')), legend: 'answers' }],
        }),
        stat({
          title: 'Size of the answers',
          description:
            'Bytes of their JSON, over all instances. 64 MiB an instance by default; at the limit the least used go.',
          unit: 'bytes',
          width: 8,
          empty: 'no data',
          queries: [{ expression: s.sum([], s.now('cacheSize')), legend: 'size' }],
        }),
        timeseries({
          title: 'Lookups by result',
          description:
            'hit: fresh. stale: old, the upstream failed. miss: nothing was there; in an outage such a read fails, unless an entity answers it.',
          unit: 'reqps',
          width: 12,
          stacked: true,
          colors: { hit: 'green', stale: 'yellow', miss: 'red' },
          queries: [
            {
              expression: s.sum(['cacheResult'], s.rate('cacheRequests')),
              legend: '{{graphiti_fallback_cache_result}}',
            },
          ],
        }),
        timeseries({
          title: 'Answers that left the cache',
          description:
            'space: pushed out by others; with a low hit rate raise the bounds. expired: older than `staleIfError`. removed: what they concern is gone.',
          unit: 'ops',
          width: 12,
          queries: [
            {
              expression: s.sum(['cacheEvictionReason'], s.rate('cacheEvictions')),
              legend: '{{graphiti_fallback_cache_eviction_reason}}',
            },
          ],
        }),
      ],
    },
    {
      title: 'Local entities',
      panels: [
        stat({
          title: 'Entities',
          description:
            'Entities and relationships that the app keeps for fallback, over all instances. 10,000 an instance by default.',
          unit: 'short',
          decimals: 0,
          width: 6,
          empty: 'no data',
          queries: [{ expression: s.sum([], s.now('entityEntries')), legend: 'entities' }],
        }),
        stat({
          title: 'Size of the entities',
          description:
            'Bytes of their JSON, over all instances. 64 MiB an instance by default; at the limit the least used go.',
          unit: 'bytes',
          width: 6,
          empty: 'no data',
          queries: [{ expression: s.sum([], s.now('entitySize')), legend: 'size' }],
        }),
        stat({
          title: 'Entities that made room, in this time',
          description:
            'Pushed out by others, in the time shown: reads that rely on them fail in an outage. Raise `entities.maxEntries` or `entities.maxBytes`.',
          unit: 'short',
          decimals: 0,
          width: 12,
          warn: 1,
          empty: 'no data',
          queries: [
            {
              expression: s.sum(['name'], s.increase('entityEvictions', {}, '$__range')),
              legend: '{{graphiti_fallback_name}}',
            },
          ],
        }),
      ],
    },
  ],
};
