/** How Graphiti is, told by work that it does. */

import { classify, type HealthChecker, type HealthStatus } from '@graphiti-fallback/core';
import { searchBreaker } from './capability.ts';
import type { LastGroup } from './group.ts';
import type { LastSearch } from './last-search.ts';
import { requestEpisodes, requestHealth, requestProbe } from './requests.ts';
import type { Transport } from './transport.ts';

/** What the checks need. */
interface Checked {
  readonly transport: Transport;
  readonly lastGroup: LastGroup;
  readonly lastSearch: LastSearch;
  /** Whether messages are acknowledged and none of them is seen; not known before there is a manager. */
  readonly isStalled: () => boolean | undefined;
  /** Whether the breaker of searches lets nothing through. */
  readonly isSearchOff: () => boolean;
}

/**
 * Four checks: `episodes` reads one episode of the group used last, which proves that the server and its
 * database work; `liveness` asks /healthcheck, a constant that may only fail; `search` searches that
 * group for one fact, which proves that the embedder works, and is paid for there: only when no search
 * has worked for a while, or their breaker wants to know; `ingestion` asks nobody: degraded while messages are acknowledged and not seen.
 * None of them makes a group.
 */
export function graphitiCheckers({
  transport,
  lastGroup,
  lastSearch,
  isStalled,
  isSearchOff,
}: Checked): readonly HealthChecker[] {
  return [
    {
      name: 'episodes',
      applies: () => lastGroup.id !== undefined,
      check: ({ signal }) =>
        statusOf(
          requestEpisodes(transport, { group_id: lastGroup.id ?? '', last_n: 1 }, { signal }),
        ),
    },
    {
      name: 'liveness',
      proves: false,
      check: ({ signal }) => statusOf(requestHealth(transport, signal)),
    },
    {
      name: 'search',
      breaker: searchBreaker,
      applies: () => lastGroup.id !== undefined && (lastSearch.doubtful || isSearchOff()),
      check: ({ signal }) => statusOf(lastSearch.of(requestProbe(transport, lastGroup.id, signal))),
    },
    {
      name: 'ingestion',
      proves: false,
      critical: false,
      applies: () => isStalled() !== undefined,
      check: () => (isStalled() ? 'degraded' : 'healthy'),
    },
  ];
}

/** Graphiti that refuses credentials or asks for patience is there: that must not trip the breaker. */
async function statusOf(answer: Promise<unknown>): Promise<HealthStatus> {
  try {
    await answer;
    return 'healthy';
  } catch (error) {
    return classify(error).fault === 'upstream' ? 'unhealthy' : 'degraded';
  }
}
