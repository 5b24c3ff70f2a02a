/** Whether every promise was kept, by the upstream's own records. */

import type { UpstreamRecords } from './control.ts';
import type { Accepted } from './tally.ts';

/** What was found in one group. */
export interface GroupVerdict {
  readonly group: string;
  readonly accepted: number;
  readonly stored: number;
  /** Accepted with a queued receipt. */
  readonly queued: number;
  /** Of those, how many are upstream. */
  readonly replayed: number;
  /** Accepted, and not upstream. */
  readonly lost: readonly string[];
  /** Upstream more often than accepted; once for each copy too many. */
  readonly duplicates: readonly string[];
  /** Upstream behind a message that was accepted later. */
  readonly outOfOrder: readonly string[];
  /** Upstream although no answer said so: an answer was lost on its way to the user. */
  readonly unanswered: readonly string[];
}

/** What the app promised, and what the upstream has. */
export interface Evidence {
  /** In the order of acceptance. */
  readonly accepted: readonly Pick<Accepted, 'group' | 'content' | 'queued'>[];
  /** Messages whose answer was lost, once for each time. */
  readonly uncertain: readonly string[];
  readonly upstream: UpstreamRecords;
}

/** Compares promise and records, group by group. */
export function verdictOf({ accepted, uncertain, upstream }: Evidence): readonly GroupVerdict[] {
  const groups = new Set([...upstream.stored.keys(), ...accepted.map(({ group }) => group)]);
  return [...groups].map((group) => {
    const promised = accepted.filter((message) => message.group === group);
    const stored = upstream.stored.get(group) ?? [];
    const arrived = upstream.arrived.get(group) ?? [];
    const order = promised.map(({ content }) => content);
    const here = new Set(stored);
    const late = new Set([...lateOnes(order, arrived), ...lateOnes(order, stored)]);
    const queued = promised.filter((message) => message.queued);
    return {
      group,
      accepted: promised.length,
      stored: stored.length,
      queued: queued.length,
      replayed: queued.filter(({ content }) => here.has(content)).length,
      lost: order.filter((content) => !here.has(content)),
      ...superfluous(order, stored, uncertain),
      outOfOrder: [...late],
    };
  });
}

/** Stored copies beyond the accepted one: duplicates, unless a lost answer made the user repeat it. */
function superfluous(
  order: readonly string[],
  stored: readonly string[],
  uncertain: readonly string[],
): Pick<GroupVerdict, 'duplicates' | 'unanswered'> {
  const duplicates: string[] = [];
  const unanswered: string[] = [];
  const promised = count(order);
  const doubtful = count(uncertain);
  for (const [content, copies] of count(stored)) {
    const extra = Math.max(0, copies - (promised.get(content) ?? 0));
    const explained = Math.min(extra, doubtful.get(content) ?? 0);
    unanswered.push(...Array<string>(explained).fill(content));
    duplicates.push(...Array<string>(extra - explained).fill(content));
  }
  return { duplicates, unanswered };
}

/** Those that come, for the first time, behind one that was accepted later. */
function lateOnes(order: readonly string[], seen: readonly string[]): string[] {
  const places = new Map(order.map((content, place) => [content, place]));
  let furthest = -1;
  return [...new Set(seen)].filter((content) => {
    const place = places.get(content) ?? furthest;
    const late = place < furthest;
    furthest = Math.max(furthest, place);
    return late;
  });
}

function count(contents: readonly string[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const content of contents) counts.set(content, (counts.get(content) ?? 0) + 1);
  return counts;
}
