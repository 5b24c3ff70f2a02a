/** How Graphiti is, told by work that it does. */

import { classify, type HealthChecker, type HealthStatus } from '@graphiti-fallback/core';
import type { LastGroup } from './group.ts';
import { requestEpisodes, requestHealth } from './requests.ts';
import type { Transport } from './transport.ts';

/**
 * Two checks: `episodes` reads one episode of the group used last, which proves that the server and its
 * database work; `liveness` asks /healthcheck, a constant that may only fail.
 */
export function graphitiCheckers(
  transport: Transport,
  lastGroup: LastGroup,
): readonly HealthChecker[] {
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
