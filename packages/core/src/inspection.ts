/** A manager's status as a person reads it: short, aligned, and without anything secret. */

import type { BreakerStatus } from './breaker/breaker-state.ts';
import type { FleetStatus } from './council/council.ts';
import type { ComponentHealth } from './health/component.ts';
import type { FallbackStatus } from './status.ts';

/** The lines of a status; payloads, keys, entities and addresses are in none of them. */
export function inspectStatus(status: FallbackStatus): string {
  const rows: readonly (readonly [label: string, text: string])[] = [
    [status.name, headline(status)],
    ...Object.entries(status.breakers).map(
      ([name, breaker]) => [`breaker ${name}`, ofBreaker(breaker)] as const,
    ),
    ['reads', counted(status.operations, 'live', 'cache', 'stale', 'entity')],
    ['writes', counted(status.operations, 'applied', 'accepted', 'queued', 'stored')],
    ['in vain', counted(status.operations, 'rejected', 'failure')],
    ['queue', ofQueue(status)],
    ['cache', ofCache(status)],
    ['health', `${status.health.status}, the upstream ${status.health.upstream}`],
    ...status.health.components.map(
      (component) => [`  ${component.name}`, ofComponent(component, status.at)] as const,
    ),
    ['store', ofStore(status)],
    ...(status.fleet ? ([['fleet', ofFleet(status.fleet)]] as const) : []),
    ['telemetry', `traces: ${status.telemetry.traces}, metrics: ${status.telemetry.metrics}`],
  ];
  const width = Math.max(...rows.map(([label]) => label.length));
  return rows.map(([label, text]) => `${label.padEnd(width)}  ${text}`).join('\n');
}

function headline({ active, at, since, mode, trigger, reason, closed }: FallbackStatus): string {
  if (closed) return 'closed';
  if (!active) return `live (${mode.configured} when it is not)`;
  const why = reason === trigger ? reason : [trigger, reason].filter(Boolean).join(', ');
  return `fallback is active: ${mode.current}, for ${lasting(at - (since ?? at))} (${why})`;
}

function ofBreaker(breaker: BreakerStatus): string {
  const { state, timeInStateMs, retryInMs, waitingForCall, calls, isolation } = breaker;
  const next = [
    state === 'open' && `tries again in ${lasting(retryInMs)}`,
    waitingForCall && 'waits for a call',
    isolation && `by hand: ${isolation.reason}`,
  ];
  const past = `${calls.success} succeeded, ${calls.failure} failed, ${calls.refused} refused`;
  return [`${state} for ${lasting(timeInStateMs)}`, ...next, past].filter(Boolean).join('; ');
}

function ofQueue({ queue }: FallbackStatus): string {
  const states = Object.entries(queue.states).filter(([, count]) => count > 0);
  if (states.length === 0) return queue.paused ? 'empty; paused' : 'empty';
  const parts = [
    states.map(([state, count]) => `${count} ${state}`).join(', '),
    `lanes: ${queue.lanes.ready} ready, ${queue.lanes.blocked} blocked`,
    queue.size > 0 && `the oldest for ${lasting(queue.oldestAgeMs)}`,
    queue.volatile > 0 && `${queue.volatile} in memory only`,
    queue.unprotected > 0 && `${queue.unprotected} sent unprotected`,
    queue.stalled && 'the upstream acknowledges writes and does not do them',
    queue.paused && 'paused',
  ];
  return parts.filter(Boolean).join('; ');
}

function ofCache({ cache }: FallbackStatus): string {
  const lookups = cache.hits + cache.stale + cache.misses;
  const rate = lookups === 0 ? 'not asked yet' : `${Math.round(cache.hitRate * 100)} % found`;
  return `${cache.entries} kept, ${size(cache.bytes)}; ${rate}`;
}

function ofComponent(component: ComponentHealth, at: number): string {
  const { status, since, streak, checkedAt, tookMs, alerting } = component;
  if (checkedAt === undefined) return 'not checked yet';
  const last = `last ${lasting(at - checkedAt)} ago, took ${lasting(tookMs ?? 0)}`;
  const alert = alerting ? '; alerting' : '';
  return `${status} for ${lasting(at - since)}, ${streak} in a row; ${last}${alert}`;
}

function ofStore({ store }: FallbackStatus): string {
  const problem = store.problem === undefined ? '' : ` (${store.problem})`;
  const told = store.report?.warnings.length ?? 0;
  const warnings =
    told === 0
      ? ''
      : `; ${told} ${told === 1 ? 'warning' : 'warnings'} at its start: status().store.report`;
  return `${store.kind}, ${store.durability}, ${store.writable ? 'writable' : `not writable${problem}`}${warnings}`;
}

function ofFleet({ connected, instances, leader, outages }: FleetStatus): string {
  if (!connected) return 'the others cannot be asked: this instance is on its own';
  const shared = Object.entries(outages).map(
    ([breaker, { prober }]) =>
      `the outage of ${breaker} is everybody's${prober ? ', this instance tries' : ''}`,
  );
  const count = `${instances} ${instances === 1 ? 'instance' : 'instances'}`;
  const tells = leader && 'this one tells of the queue';
  return [count, tells, ...shared].filter(Boolean).join('; ');
}

function counted<Key extends string>(counts: Readonly<Record<Key, number>>, ...keys: Key[]) {
  return keys.map((key) => `${counts[key]} ${key}`).join(', ');
}

const units = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['min', 60_000],
  ['s', 1_000],
] as const;

/** A duration in the greatest unit that it fills. */
function lasting(ms: number): string {
  const [unit, length] = units.find((each) => ms >= each[1]) ?? ['ms', 1];
  const value = Math.max(0, ms) / length;
  return `${unit === 'ms' ? Math.round(value) : value.toFixed(1)} ${unit}`;
}

function size(bytes: number): string {
  if (bytes < 1_024) return `${bytes} B`;
  return bytes < 1_048_576
    ? `${(bytes / 1_024).toFixed(1)} KiB`
    : `${(bytes / 1_048_576).toFixed(1)} MiB`;
}
