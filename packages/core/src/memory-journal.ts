/** A journal that lasts as long as its process. */

import type { Bucket, Journal } from './journal.ts';
import type { Json } from './json.ts';

/** Creates a journal in memory; receipts of what it holds say `durability: 'memory'`. */
export function memoryJournal(): Journal {
  /** As texts, as a file would have them: a later mutation of the caller's object must not show here. */
  const buckets = new Map<Bucket, Map<string, string>>();
  const bucket = (name: Bucket) => {
    const found = buckets.get(name) ?? new Map<string, string>();
    buckets.set(name, found);
    return found;
  };

  return {
    kind: 'memory',
    open: async () => ({
      records: [...buckets.values()].reduce((sum, { size }) => sum + size, 0),
      quarantined: [],
      warnings: [],
    }),
    *entries(name) {
      for (const [key, text] of bucket(name)) yield [key, JSON.parse(text) as Json];
    },
    async commit(changes) {
      const texts = changes.map((change) => 'put' in change && JSON.stringify(change.put));
      for (const [index, { bucket: name, key }] of changes.entries()) {
        const text = texts[index];
        if (typeof text === 'string') bucket(name).set(key, text);
        else bucket(name).delete(key);
      }
      return 'memory';
    },
    status: () => ({ kind: 'memory', durability: 'memory', writable: true }),
    close: async () => {},
  };
}
