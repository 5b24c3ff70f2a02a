/** One response, from its request's scope to the headers that tell of it. */

import type { ServerResponse } from 'node:http';
import { type FallbackManager, RequestScope } from '@graphiti-fallback/core';
import onHeaders from 'on-headers';
import { addResponseHeaders } from './response-headers.ts';

/** A manager whose middleware a request has passed. */
export interface Passed {
  readonly manager: FallbackManager;
  /** Path of its operations, as the client sees it, with a slash at the end. */
  readonly operations: string;
}

const begun = new WeakMap<ServerResponse, { scope: RequestScope; passed: Passed[] }>();

/**
 * Opens a response's scope, or takes part in it: an app may have middleware of several managers, and
 * what a handler calls is recorded in the innermost scope only.
 */
export function beginResponse(response: ServerResponse, passed: Passed): RequestScope {
  const before = begun.get(response);
  if (before) {
    before.passed.push(passed);
    return before.scope;
  }
  const own = { scope: new RequestScope(), passed: [passed] };
  begun.set(response, own);
  // When the head is sent and not before: Koa drops what was set when a handler throws.
  onHeaders(response, () => {
    // Whatever fails here, the app's answer goes out.
    try {
      addResponseHeaders(response, own.scope, own.passed);
    } catch {}
  });
  return own.scope;
}
