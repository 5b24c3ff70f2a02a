/** What a response says about fallback, written when its head is sent. */

import type { ServerResponse } from 'node:http';
import type { FallbackManager, RequestScope } from '@graphiti-fallback/core';
import { serializeList, Token } from 'structured-headers';

/** The cache's name in `Cache-Status` (RFC 9211). */
const cacheName = new Token('graphiti-fallback');

/** Adds the headers of a request's scope; what the app has set itself stays. */
export function addResponseHeaders(
  response: ServerResponse,
  manager: FallbackManager,
  scope: RequestScope,
): void {
  if (manager.active || scope.fallbackUsed) {
    const { mode, configuredMode } = manager;
    set(response, 'X-Fallback-Mode', mode === 'none' ? configuredMode : mode);
  }
  const stale = oldestStale(scope);
  if (!stale) return;
  set(response, 'Age', String(Math.round(stale.ageMs / 1000)));
  const parameters = new Map<string, number | boolean | Token>([
    ['hit', true],
    ['ttl', -Math.round(stale.staleForMs / 1000)],
    ['detail', new Token('stale-if-error')],
  ]);
  set(response, 'Cache-Status', serializeList([[cacheName, parameters]]));
}

/** Of several stale answers the oldest one tells how old the response is. */
function oldestStale({ served }: RequestScope): { ageMs: number; staleForMs: number } | undefined {
  let oldest: { ageMs: number; staleForMs: number } | undefined;
  for (const { outcome, ageMs = 0, staleForMs = 0 } of served)
    if (outcome === 'stale' && ageMs >= (oldest?.ageMs ?? 0)) oldest = { ageMs, staleForMs };
  return oldest;
}

function set(response: ServerResponse, name: string, value: string): void {
  if (!response.hasHeader(name)) response.setHeader(name, value);
}
