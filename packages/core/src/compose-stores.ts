/** One store of several: for people whose queue and whose cache want servers of different kinds. */

import type { Bucket, Change, Durability, Journal, OpenReport } from './journal.ts';
import { checkOptions, withMethods } from './option-check.ts';

/** Which store is used for what. */
export interface StoreParts {
  /** Queued writes, local entities, and what this instance knows of its outages. */
  readonly queue: Journal;
  /** Cached answers. @default that of the queue */
  readonly values?: Journal;
  /** What instances find out together about their upstream. @default that of the queue */
  readonly fleet?: Journal;
}

const journal = withMethods('a store', 'open', 'entries', 'commit', 'status', 'close');
const valueBuckets: readonly Bucket[] = ['cache'];
/** The weakest first. */
const durabilities: readonly Durability[] = ['memory', 'disk', 'replica'];

/**
 * Makes one store of several: `values` keeps cached answers, `queue` all else; of `fleet` only the view is
 * used that instances share. Each shares with other instances what it can share.
 *
 * @throws {TypeError} when a part is no store
 */
export function composeStores(given: StoreParts): Journal {
  checkOptions('composeStores', given, { queue: journal, values: journal, fleet: journal });
  const { queue, values = queue, fleet = queue } = given;
  if (queue === undefined) throw new TypeError('Expected a `queue` for composeStores, got nothing');
  const all = [...new Set([queue, values])];
  const parts = [...new Set([...all, fleet])];
  const ownerOf = (bucket: Bucket) => (valueBuckets.includes(bucket) ? values : queue);
  return {
    kind: queue.kind,
    parts,
    ...(queue.shared && { shared: queue.shared }),
    ...(queue.spills !== undefined && { spills: queue.spills }),
    ...(values.values && { values: values.values }),
    ...(fleet.fleet && { fleet: fleet.fleet }),
    async open(identity, role) {
      const roleOf = (store: Journal) => (store === queue ? role : 'cache');
      const opening = all.map((store) => store.open(identity, roleOf(store)));
      return together(await Promise.all(opening));
    },
    entries: (bucket) => ownerOf(bucket).entries(bucket),
    async commit(changes, options) {
      const kept: Durability[] = [];
      for (const store of all) {
        const own = changes.filter(({ bucket }: Change) => ownerOf(bucket) === store);
        if (own.length > 0) kept.push(await store.commit(own, options));
      }
      return durabilities.find((each) => kept.includes(each)) ?? 'memory';
    },
    status() {
      const status = queue.status();
      if (values === queue) return status;
      const { valuesProblem: _queues, ...rest } = status;
      const { problem, valuesProblem } = values.status();
      // Where they are shared, the store itself says which of its problems matters to them.
      const why = values.values ? valuesProblem : problem;
      return { ...rest, ...(why !== undefined && { valuesProblem: why }) };
    },
    onAdopted(listener) {
      const undo = all.map((store) => store.onAdopted?.(listener));
      return () => {
        for (const stop of undo) stop?.();
      };
    },
    async close() {
      const closing = parts.map((store) => store.close());
      const closed = await Promise.allSettled(closing);
      const failed = closed.find((each) => each.status === 'rejected');
      if (failed) throw failed.reason;
    },
  };
}

function together(reports: readonly OpenReport[]): OpenReport {
  const [first, second] = reports as readonly [OpenReport, OpenReport?];
  if (!second) return first;
  return {
    ...first,
    records: first.records + second.records,
    quarantined: [...first.quarantined, ...second.quarantined],
    warnings: [...first.warnings, ...second.warnings],
    torn: (first.torn ?? 0) + (second.torn ?? 0),
    missing: (first.missing ?? 0) + (second.missing ?? 0),
  };
}
