/** Requests that several calls make. */

import { isEpisodes, isFacts, isHealth } from './answer.ts';
import type { Episode, Facts, Health, SearchQuery } from './model.ts';
import type { Sent, Transport } from './transport.ts';

/** The newest messages of a group. */
export interface EpisodesQuery {
  readonly group_id: string;
  readonly last_n: number;
}

/** Asks whether the server lives. */
export function requestHealth(transport: Transport, signal: AbortSignal): Promise<Health> {
  return transport({ method: 'GET', path: '/healthcheck', signal, accepts: isHealth });
}

/** Asks for the newest messages of a group. */
export function requestEpisodes(
  transport: Transport,
  { group_id, last_n }: EpisodesQuery,
  { signal, headers, kept }: Sent,
): Promise<readonly Episode[]> {
  const path = `/episodes/${encodeURIComponent(group_id)}?last_n=${last_n}`;
  return transport({ method: 'GET', path, signal, headers, kept, accepts: isEpisodes });
}

/** Asks for facts. */
export function requestFacts(
  transport: Transport,
  body: Required<SearchQuery>,
  { signal, headers, kept }: Sent,
): Promise<Facts> {
  const request = { method: 'POST', path: '/search', body, signal, headers, kept } as const;
  return transport({ ...request, accepts: isFacts });
}

/** Searches a group, or all, for one fact, whichever it is: what is asked is to be embedded. */
export function requestProbe(
  transport: Transport,
  group: string | undefined,
  signal: AbortSignal,
): Promise<Facts> {
  const group_ids = group === undefined ? null : [group];
  return requestFacts(transport, { query: 'probe', group_ids, max_facts: 1 }, { signal });
}
