/** The few lines that a person sees with nothing set up: when fallback begins, when it ends, and what is wrong. */

import type { Isolation } from './breaker/breaker-state.ts';
import type { Emitter, FallbackEvents } from './events.ts';
import type { FallbackMode } from './mode.ts';
import type { Logger } from './options.ts';
import type { TraceCarrier } from './queue/operation-record.ts';
import { activeCarrier, contextOf } from './telemetry/trace-context.ts';

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
  /** How a breaker is set apart, while it is. */
  readonly isolation: (breaker: string) => Isolation | undefined;
  readonly now: () => number;
  /** The trace of a breaker's outage. */
  readonly outageTrace: (breaker: string) => TraceCarrier | undefined;
}

/** How often the same store failure is said, in ms. */
const quietFor = 60_000;

/** Writes a line for each beginning and end of an outage, and for each warning. */
export function createNotices({ name, upstream, logger, events, ...ask }: Notices): void {
  const say = (level: 'warn' | 'info', line: string, trace = activeCarrier()) =>
    logger[level](`[graphiti-fallback] ${line}${traceIds(trace)}`);
  const where = upstream ? ` (${withoutCredentials(upstream)})` : '';
  const why = (breaker: string) => {
    const isolation = ask.isolation(breaker);
    return isolation && isolation.reason !== 'by hand' ? ` (${isolation.reason})` : '';
  };
  const subject = (breaker: string) =>
    breaker === name ? `${name}${where}` : `'${breaker}' of ${name}${where}`;
  // An outage that is older than this manager is one that goes on.
  const started = ask.now();
  let unconfirmedAt = Number.NEGATIVE_INFINITY;
  let unprotectedAt = Number.NEGATIVE_INFINITY;
  let storeFailedAt = Number.NEGATIVE_INFINITY;

  // Those that are set apart with the manager as a whole are told of by its own.
  const alongside = new Set<string>();

  events.on('activated', ({ breaker, mode, reason, trigger, since }) => {
    if (breaker !== name && ask.isolation(breaker)?.all) {
      alongside.add(breaker);
      return;
    }
    const trace = ask.outageTrace(breaker);
    const path = ask.statusPath();
    const status = path ? `, status at ${path}` : '';
    const meanwhile = `Fallback is active: ${mode}, ${whatHappens(mode, ask.location())}${status}`;
    if (trigger === 'manual' || ask.isolation(breaker))
      say('warn', `${subject(breaker)} is set apart by hand${why(breaker)}. ${meanwhile}`, trace);
    else if (trigger === 'restart' || since < started)
      say(
        'info',
        `${subject(breaker)}: ${writes(ask.pending())} of an earlier run to be replayed${status}`,
        trace,
      );
    else say('warn', `${subject(breaker)} is down (${trigger}: ${reason}). ${meanwhile}`, trace);
  });
  events.on('stateChange', ({ breaker, from, to }) => {
    if (alongside.has(breaker)) return;
    if (to === 'isolated' && from !== 'closed')
      say('warn', `${subject(breaker)} is set apart by hand${why(breaker)}`);
    if (from === 'isolated') say('info', `${subject(breaker)} is let go: it is tried again`);
  });
  events.on('deactivated', ({ breaker, lastedMs }) => {
    if (alongside.delete(breaker)) return;
    const pending = ask.pending();
    const rest = pending > 0 ? `; ${writes(pending)} left to replay` : '';
    say(
      'info',
      `${breaker === name ? name : `'${breaker}' of ${name}`} works again after ${(lastedMs / 1000).toFixed(1)} s. Fallback is over${rest}`,
      ask.outageTrace(breaker),
    );
  });
  events.on('queue', ({ event, operation, reason, trace }) => {
    if (event === 'dead_lettered')
      say(
        'warn',
        `A queued '${operation}' was given up: ${reason ?? 'unknown'}. It stays in the queue as a dead letter`,
        activeCarrier() ?? trace,
      );
  });
  events.on('queue', ({ event, operation }) => {
    if (event !== 'unconfirmed' || performance.now() - unconfirmedAt < quietFor) return;
    unconfirmedAt = performance.now();
    say(
      'warn',
      `${subject(name)} acknowledged '${operation}' and has not done it in time. It stays in the queue as unconfirmed`,
    );
  });
  events.on('queue', ({ event, operation, reason }) => {
    if (event !== 'unprotected' || performance.now() - unprotectedAt < quietFor) return;
    unprotectedAt = performance.now();
    say(
      'warn',
      `${reason === 'full' ? 'The queue is full' : 'The store does not take it'}: '${operation}' is sent without being kept until it is confirmed. If ${subject(name)} loses it, nobody finds out`,
    );
  });
  // What a critical component shows is told by the outage.
  events.on('healthAlert', ({ component, critical, raised }) => {
    if (critical) return;
    if (raised) say('warn', `${name}: the health check '${component}' fails again and again`);
    else say('info', `${name}: '${component}' is well again`);
  });
  events.on('operatorActed', ({ action, target, result, by }) =>
    say(
      'info',
      `${name}: ${action}${target === name ? '' : ` ${target}`}${result === 'done' ? '' : result === 'failed' ? ' (failed)' : ' (not possible)'}, by ${by ?? 'an operator'}`,
    ),
  );
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

/** What a mode means, in the words of the line. */
function whatHappens(mode: FallbackMode, location: string): string {
  const meanings: Readonly<Record<FallbackMode, string>> = {
    disabled: 'errors pass',
    read_only: 'stale reads, writes refused',
    memory_only: 'stale reads, writes kept in memory',
    local_storage: `stale reads, writes stored in ${location} until you sync`,
    queue_writes: `stale reads, writes kept in ${location}`,
  };
  return meanings[mode];
}

function writes(count: number): string {
  return `${count} queued ${count === 1 ? 'write' : 'writes'}`;
}

/** So that a line in a log leads to its trace. */
function traceIds(carrier: TraceCarrier | undefined): string {
  const context = contextOf(carrier);
  return context ? ` trace_id=${context.traceId} span_id=${context.spanId}` : '';
}

function withoutCredentials(address: string): string {
  const url = new URL(address);
  return `${url.protocol}//${url.host}${url.pathname === '/' ? '' : url.pathname}`;
}
