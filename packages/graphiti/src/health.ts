/** How Graphiti is, told by work that it does. */

import type { HealthChecker, HealthStatus } from '@graphiti-fallback/core';
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
      async check({ signal }): Promise<HealthStatus> {
        const path = `/episodes/${encodeURIComponent(lastGroup.id ?? '')}?last_n=1`;
        await transport({ method: 'GET', path, signal, accepts: isEpisodes });
        return 'healthy';
      },
    },
    {
      name: 'liveness',
      proves: false,
      async check({ signal }): Promise<HealthStatus> {
        await transport({ method: 'GET', path: '/healthcheck', signal, accepts: isHealth });
        return 'healthy';
      },
    },
  ];
}
