/** What the middleware adds to Koa's context. */

import type { GraphitiClient } from '@graphiti-fallback/graphiti';
import type { FallbackHandle } from '@graphiti-fallback/http';

declare module 'koa' {
  // Not `DefaultContext`: an app with a context type of its own would not have it.
  interface ExtendableContext {
    /** Graphiti, through fallback: live when it can, stale when it must, queued when it has to be. */
    graphiti: GraphitiClient;
    /** What this request was served from, and whether fallback is active. */
    fallback: FallbackHandle;
  }
}
