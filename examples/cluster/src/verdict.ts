/** What became of the accepted messages, by the upstream's own records. */

import type { Accepted } from './load.ts';

/** What was found. */
export interface Verdict {
  readonly accepted: number;
  readonly queued: number;
  /** Queued by the worker that was killed. */
  readonly orphaned: number;
  readonly lost: number;
  /** Copies too many. */
  readonly duplicates: number;
  /** Behind one of its group that the same worker accepted later. */
  readonly outOfOrder: number;
}

/** Compares; `arrived` are the texts of each group in the order in which they came. */
export function verdictOf(
  accepted: readonly Accepted[],
  arrived: ReadonlyMap<string, readonly string[]>,
  killed: number,
): Verdict {
  let lost = 0;
  let outOfOrder = 0;
  for (const sent of byGroupAndWorker(accepted)) {
    const texts = arrived.get(sent[0]?.group ?? '') ?? [];
    const places = sent.map(({ text }) => texts.indexOf(text));
    lost += places.filter((place) => place < 0).length;
    const found = places.filter((place) => place >= 0);
    outOfOrder += found.filter((place, index) => place < (found[index - 1] ?? -1)).length;
  }
  const all = [...arrived.values()].flat();
  return {
    accepted: accepted.length,
    queued: accepted.filter(({ queued }) => queued).length,
    orphaned: accepted.filter(({ queued, worker }) => queued && worker === killed).length,
    lost,
    duplicates: all.length - new Set(all).size,
    outOfOrder,
  };
}

function byGroupAndWorker(accepted: readonly Accepted[]): Iterable<readonly Accepted[]> {
  const sent = new Map<string, Accepted[]>();
  for (const each of accepted) {
    const key = `${each.group} ${each.worker}`;
    const known = sent.get(key) ?? [];
    sent.set(key, known);
    known.push(each);
  }
  return sent.values();
}
