/** How Graphiti is, told by work that it does. */

import { classify, type HealthChecker, type HealthStatus } from '@graphiti-fallback/core';
import { isEpisodes, isHealth } from './answer.ts';
import type { LastGroup } from './group.ts';
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
      check: ({ signal }) => {
        const path = `/episodes/${encodeURIComponent(lastGroup.id ?? '')}?last_n=1`;
        return statusOf(transport({ method: 'GET', path, signal, accepts: isEpisodes }));
      },
    },
    {
      name: 'liveness',
      proves: false,
      check: ({ signal }) =>
        statusOf(transport({ method: 'GET', path: '/healthcheck', signal, accepts: isHealth })),
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
