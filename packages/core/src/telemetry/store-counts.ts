/** A journal whose calls are counted and timed, so that stores need know nothing of telemetry. */

import type { Clock } from '../clock.ts';
import type { Emitter, FallbackEvents } from '../events.ts';
import type { Bucket, Change, Journal, storeRoles, storeVerbs } from '../journal.ts';

/** What is needed to count a store. */
interface Surroundings {
  readonly store: (typeof storeRoles)[number];
  readonly clock: Clock;
  readonly events: Emitter<FallbackEvents>;
  /** Told how long a commit took that somebody waited for, in ms. */
  readonly onCommit: (durationMs: number) => void;
}

type Verb = (typeof storeVerbs)[number];

/** Wraps a journal. */
export function withStoreCounts(journal: Journal, around: Surroundings): Journal {
  const { store, clock, events, onCommit } = around;
  async function counted<T>(verb: Verb, step: () => Promise<T>): Promise<T> {
    try {
      const result = await step();
      events.emit('storeAsked', { store, verb, result: 'success' });
      return result;
    } catch (error) {
      events.emit('storeAsked', { store, verb, result: 'failure' });
      throw error;
    }
  }
  return {
    kind: journal.kind,
    open: (identity, role) => counted('open', () => journal.open(identity, role)),
    entries: (bucket) => journal.entries(bucket),
    commit(changes, options) {
      if (options?.lazy) return counted(lazyVerb(changes), () => journal.commit(changes, options));
      return counted('commit', async () => {
        const began = clock.elapsed();
        const durability = await journal.commit(changes, options);
        onCommit(clock.elapsed() - began);
        return durability;
      });
    },
    status: () => journal.status(),
    ...(journal.onAdopted && {
      onAdopted: (listener) => journal.onAdopted?.(listener) ?? (() => {}),
    }),
    close: () => counted('close', () => journal.close()),
  };
}

const lazyVerbs: Readonly<Record<Bucket, Verb>> = {
  queue: 'commit',
  cache: 'cache',
  entities: 'entities',
  state: 'state',
};

/** Nobody waits for these: what they are for tells more. */
function lazyVerb([first]: readonly Change[]): Verb {
  return lazyVerbs[first?.bucket ?? 'queue'];
}
