/** A journal that lasts as long as its process. */

import type { Bucket, Change, Journal } from './journal.ts';
import type { Json } from './json.ts';

/** Creates a journal in memory; receipts of what it holds say `durability: 'memory'`. */
export function memoryJournal(): Journal {
  const buckets = new Map<Bucket, Map<string, Json>>();
  const bucket = (name: Bucket) => {
    const found = buckets.get(name) ?? new Map<string, Json>();
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
    entries: (name) => bucket(name).entries(),
    async commit(changes) {
      const copies = changes.map(copied);
      for (const change of copies) {
        if ('put' in change) bucket(change.bucket).set(change.key, change.put);
        else bucket(change.bucket).delete(change.key);
      }
      return 'memory';
    },
    status: () => ({ kind: 'memory', durability: 'memory', writable: true }),
    close: async () => {},
  };
}

/** Through JSON, as a file would: a later mutation of the caller's object must not show here. */
function copied(change: Change): Change {
  return 'put' in change ? { ...change, put: JSON.parse(JSON.stringify(change.put)) } : change;
}
