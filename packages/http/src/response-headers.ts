/** What a response says about fallback, written when its head is sent. */

import type { ServerResponse } from 'node:http';
import type { RequestScope, Served } from '@graphiti-fallback/core';
import { serializeList, Token } from 'structured-headers';
import type { Passed } from './response.ts';

/** The cache's name in `Cache-Status` (RFC 9211). */
const cacheName = new Token('graphiti-fallback');

/** Adds the headers of a request's scope; what the app has set itself stays. */
export function addResponseHeaders(
  response: ServerResponse,
  scope: RequestScope,
  passed: readonly Passed[],
): void {
  const mode = modeOf(scope, passed);
  if (mode) set(response, 'X-Fallback-Mode', mode);
  const kept = response.statusCode === 202 ? keptOperation(scope, passed) : undefined;
  if (kept) set(response, 'Location', kept);
  const stale = oldestStale(scope);
  if (!stale) return;
  set(response, 'Age', String(Math.round(stale.ageMs / 1000)));
  const parameters = new Map<string, number | boolean | Token>([
    ['hit', true],
    ['ttl', -Math.round(stale.staleForMs / 1000)],
    ['detail', new Token(detailOf(stale))],
  ]);
  set(response, 'Cache-Status', serializeList([[cacheName, parameters]]));
}

/**
 * The mode that holds: the manager's, else that behind the breaker of what was served, or the configured
 * one where a single call fell back and nothing is active.
 */
function modeOf(scope: RequestScope, passed: readonly Passed[]): string | undefined {
  const active = passed.findLast(({ manager }) => manager.active)?.manager.mode;
  if (active && active !== 'none') return active;
  const behind = scope.served.findLast(({ mode }) => mode !== undefined)?.mode;
  if (behind) return behind;
  return scope.fallbackUsed ? passed.at(-1)?.manager.configuredMode : undefined;
}

/** Where the last operation that was kept tells what becomes of it. */
function keptOperation({ served }: RequestScope, passed: readonly Passed[]): string | undefined {
  const id = served.findLast(({ queued }) => queued !== undefined)?.queued;
  if (id === undefined) return undefined;
  const owner = passed.findLast(({ manager }) => manager.queue.get(id) !== undefined);
  return owner && `${owner.operations}${id}`;
}

/** Shed, or one of the two ways of RFC 5861. */
function detailOf({ reason }: Stale): string {
  if (reason === 'shed') return 'shed';
  return reason === 'soft_timeout' ? 'stale-while-revalidate' : 'stale-if-error';
}

interface Stale {
  readonly ageMs: number;
  readonly staleForMs: number;
  readonly reason: Served['reason'] | undefined;
}

/** Of several stale answers the oldest one tells how old the response is. */
function oldestStale({ served }: RequestScope): Stale | undefined {
  let oldest: Stale | undefined;
  for (const { outcome, ageMs = 0, staleForMs = 0, reason } of served)
    if (outcome === 'stale' && ageMs >= (oldest?.ageMs ?? 0))
      oldest = { ageMs, staleForMs, reason };
  return oldest;
}

function set(response: ServerResponse, name: string, value: string): void {
  if (!response.hasHeader(name)) response.setHeader(name, value);
}
