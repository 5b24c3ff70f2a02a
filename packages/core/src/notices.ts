/** The few lines that a person sees with nothing set up: when fallback begins, when it ends, and what is wrong. */

import type { Emitter, FallbackEvents } from './events.ts';
import type { Logger } from './options.ts';

interface Notices {
  readonly name: string;
  readonly upstream: string | undefined;
  readonly logger: Logger;
  readonly events: Emitter<FallbackEvents>;
  /** Where queued writes are, for people. */
  readonly location: () => string;
  /** Where the status is served, once it is. */
  readonly statusPath: () => string | undefined;
  readonly pending: () => number;
  readonly now: () => number;
}

/** How often the same store failure is said, in ms. */
const quietFor = 60_000;

/** Writes a line for each beginning and end of an outage, and for each warning. */
export function createNotices({ name, upstream, logger, events, ...ask }: Notices): void {
  const say = (level: 'warn' | 'info', line: string) =>
    logger[level](`[graphiti-fallback] ${line}`);
  // An outage that is older than this manager is one that goes on.
  const started = ask.now();
  let storeFailedAt = Number.NEGATIVE_INFINITY;

  events.on('activated', ({ mode, reason, trigger, since }) => {
    const path = ask.statusPath();
    const status = path ? `, status at ${path}` : '';
    const where = upstream ? ` (${withoutCredentials(upstream)})` : '';
    if (trigger === 'restart' || since < started)
      say(
        'info',
        `${name}${where}: ${writes(ask.pending())} of an earlier run wait to be replayed${status}`,
      );
    else
      say(
        'warn',
        `${name}${where} is down: ${trigger}, ${reason}. Fallback is active: ${mode}, stale reads, writes kept in ${ask.location()}${status}`,
      );
  });
  events.on('deactivated', ({ lastedMs }) => {
    const pending = ask.pending();
    const rest = pending > 0 ? `; ${writes(pending)} left to replay` : '';
    say(
      'info',
      `${name} works again after ${(lastedMs / 1000).toFixed(1)} s. Fallback is over${rest}`,
    );
  });
  events.on('queue', ({ event, operation, reason }) => {
    if (event === 'dead_lettered')
      say(
        'warn',
        `A queued '${operation}' was given up: ${reason ?? 'unknown'}. It stays in the queue as a dead letter`,
      );
  });
  events.on('warning', ({ message }) => say('warn', message));
  events.on('storeFailed', ({ store, verb, error }) => {
    if (performance.now() - storeFailedAt < quietFor) return;
    storeFailedAt = performance.now();
    say(
      'warn',
      `The ${store} store failed (${verb}): ${error instanceof Error ? error.message : String(error)}`,
    );
  });
}

function writes(count: number): string {
  return `${count} queued ${count === 1 ? 'write' : 'writes'}`;
}

function withoutCredentials(address: string): string {
  const url = new URL(address);
  return `${url.protocol}//${url.host}${url.pathname === '/' ? '' : url.pathname}`;
}
