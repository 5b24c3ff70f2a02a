/** Where things are kept, and what that survives. */

import { html } from '../element.ts';
import { count, moment, percent, size } from '../figures.ts';
import { facts, panel, pill } from '../panel.ts';
import type { Instance } from '../view.ts';

const durabilities: Readonly<Record<string, string>> = {
  disk: 'A write is on disk before its receipt: it survives a crash and a power cut.',
  replica: 'A write is on more than one machine before its receipt: it survives the loss of one.',
  memory: 'Writes are kept in memory: they end with the process.',
};

/** The panel. */
export function storePanel({ status, now }: Instance): HTMLElement {
  const { store, cache } = status;
  const lookups = cache.hits + cache.stale + cache.misses;
  const { checkpoint, commits } = store;
  const damage = store.quarantined + store.missing;
  return panel(
    'store',
    'Store',
    {
      aside: store.writable
        ? pill(
            store.durability === 'memory' ? 'half_open' : 'closed',
            store.durability === 'memory' ? 'not durable' : 'durable',
          )
        : pill('open', `takes nothing${store.problem ? `: ${store.problem}` : ''}`),
    },
    html('p', { class: 'note' }, durabilities[store.durability]),
    facts(
      ['kind', store.kind],
      store.valuesProblem === undefined
        ? undefined
        : ['cached answers', `not shared or kept: ${store.valuesProblem}`],
      store.bytes === undefined ? undefined : ['on disk', size(store.bytes)],
      commits && commits.count > 0
        ? [
            'a commit takes',
            `${commits.p50Ms.toFixed(1)} ms, 1 % over ${commits.p99Ms.toFixed(1)} ms`,
          ]
        : undefined,
      checkpoint
        ? [
            'last snapshot',
            `${moment(checkpoint.at, now)}${checkpoint.problem ? `, failed: ${checkpoint.problem}` : ''}`,
          ]
        : undefined,
      damage > 0
        ? [
            'damage',
            `${count(store.quarantined)} files set aside, ${count(store.missing)} changes gone`,
          ]
        : undefined,
      store.warnings > 0 ? ['warnings at the start', count(store.warnings)] : undefined,
      ['cached answers', `${count(cache.entries)}, ${size(cache.bytes)}`],
      [
        'found in the cache',
        lookups === 0 ? 'not asked yet' : `${percent(cache.hitRate)} of ${count(lookups)}`,
      ],
    ),
  );
}
