/** What the middleware adds to Express' request. */

import type { GraphitiClient } from '@graphiti-fallback/graphiti';
import type { FallbackHandle } from '@graphiti-fallback/http';

declare global {
  namespace Express {
    interface Request {
      /** Graphiti, through fallback: live when it can, stale when it must, queued when it has to be. */
      graphiti: GraphitiClient;
      /** What this request was served from, and whether fallback is active. */
      fallback: FallbackHandle;
    }
  }
}
