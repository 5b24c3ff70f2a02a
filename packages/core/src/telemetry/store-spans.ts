/** A journal whose steps are spans, so that stores need know nothing of telemetry. */

import type { Journal, storeVerbs } from '../journal.ts';
import { attribute, spanName } from './contract.ts';
import { isTraced } from './sdk.ts';
import type { Tracer } from './tracer.ts';

/** Wraps a journal. Lazy commits are told by the metrics only. */
export function withStoreSpans(journal: Journal, tracer: Tracer): Journal {
  const told = async <T>(
    verb: Exclude<(typeof storeVerbs)[number], 'cache' | 'entities' | 'state'>,
    step: () => Promise<T>,
  ): Promise<T> => {
    if (!isTraced()) return step();
    const attributes = { [attribute.storeKind]: journal.kind, [attribute.storeVerb]: verb };
    const span = tracer.start(`${spanName.store} ${verb}`, { attributes });
    try {
      const result = await step();
      tracer.finish(span);
      return result;
    } catch (error) {
      tracer.finish(span, { error: true });
      throw error;
    }
  };
  return {
    kind: journal.kind,
    open: (identity, role) => told('open', () => journal.open(identity, role)),
    entries: (bucket) => journal.entries(bucket),
    commit: (changes, options) =>
      options?.lazy
        ? journal.commit(changes, options)
        : told('commit', () => journal.commit(changes, options)),
    status: () => journal.status(),
    ...(journal.onAdopted && {
      onAdopted: (listener) => journal.onAdopted?.(listener) ?? (() => {}),
    }),
    close: () => told('close', () => journal.close()),
  };
}
