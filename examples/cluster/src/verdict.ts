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
  /** Behind one of its group that was accepted later, by the same worker where each has a queue. */
  readonly outOfOrder: number;
}

/** What to judge by. */
export interface Judging {
  /** The process that was killed. */
  readonly killed: number;
  /** All share a queue: order holds over all of them, not only within one. */
  readonly oneQueue?: boolean;
}

/** Compares; `arrived` are the texts of each group in the order in which they came. */
export function verdictOf(
  accepted: readonly Accepted[],
  arrived: ReadonlyMap<string, readonly string[]>,
  { killed, oneQueue = false }: Judging,
): Verdict {
  let lost = 0;
  let outOfOrder = 0;
  for (const sent of inOrder(accepted, oneQueue)) {
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

/** Writes among which there is an order. */
function inOrder(accepted: readonly Accepted[], oneQueue: boolean): Iterable<readonly Accepted[]> {
  const sent = new Map<string, Accepted[]>();
  for (const each of accepted) {
    const key = oneQueue ? each.group : `${each.group} ${each.worker}`;
    const known = sent.get(key) ?? [];
    sent.set(key, known);
    known.push(each);
  }
  return sent.values();
}
