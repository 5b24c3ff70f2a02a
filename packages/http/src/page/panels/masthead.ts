/** The first thing to see: is fallback active, since when, and why. */

import type { FallbackMode, Trigger } from '@graphiti-fallback/core';
import type { ConnectionState } from '../connection.ts';
import { type Content, html } from '../element.ts';
import { count, counted, lasting, moment, words } from '../figures.ts';
import { actButton } from '../panel.ts';
import { traceAddress } from '../site.ts';
import type { Instance } from '../view.ts';

const meanings: Readonly<Record<FallbackMode, string>> = {
  disabled: 'the upstream’s errors pass through',
  read_only: 'reads are answered from the cache, writes are refused',
  memory_only: 'reads are answered from the cache, writes are kept in memory',
  local_storage: 'reads are answered from the cache, writes are stored until somebody syncs them',
  queue_writes: 'reads are answered from the cache, writes are kept and replayed in order',
};

const triggers: Readonly<Record<Trigger, string>> = {
  calls: 'calls failed',
  health: 'health checks failed',
  manual: 'it was set apart by hand',
  restart: 'writes of an earlier run were left',
};

const connections: Readonly<Record<ConnectionState, string>> = {
  connecting: 'Connecting',
  stream: 'Live updates',
  polling: 'Updates every 3 s',
  lost: 'Connection lost, trying again',
};

/** How the instance is, in a sentence that can be read from across the room. */
export function headline({ status }: Pick<Instance, 'status'>): {
  readonly kind: 'live' | 'active' | 'replaying' | 'partly' | 'closed';
  readonly title: string;
} {
  if (status.closed) return { kind: 'closed', title: 'Closed' };
  if (status.active) return { kind: 'active', title: 'Fallback is active' };
  const others = Object.entries(status.breakers).filter(([, { state }]) => state !== 'closed');
  if (others.length > 0)
    return { kind: 'partly', title: `Live, except ${others.map(([name]) => name).join(', ')}` };
  const { ready, in_flight } = status.queue.states;
  const left = ready + in_flight;
  if (left > 0)
    return { kind: 'replaying', title: `Live, replaying ${counted(left, 'write', 'writes')}` };
  return { kind: 'live', title: 'Live' };
}

/** The panel. */
export function masthead(instance: Instance): HTMLElement {
  const { status, connection, access } = instance;
  const { kind, title } = headline(instance);
  return html(
    'header',
    { class: `masthead ${kind}` },
    html(
      'div',
      { class: 'topline' },
      html('p', { class: 'name' }, status.name),
      html(
        'p',
        { class: `connection ${connection}` },
        html('span', { class: 'dot' }),
        connections[connection],
      ),
    ),
    html('h1', {}, title),
    html('p', { class: 'lead' }, lead(instance)),
    status.active && reasons(instance),
    access === 'granted' &&
      html(
        'p',
        { class: 'acts' },
        byHand(instance)
          ? actButton('deactivate', 'End fallback', { about: status.name })
          : actButton('activate', 'Activate by hand…', { about: status.name }),
      ),
  );
}

function byHand({ status }: Instance): boolean {
  return status.breakers[status.name]?.isolation !== undefined;
}

function lead({ status, now }: Instance): Content {
  const { current, configured } = status.mode;
  if (status.closed) return 'The manager was closed: calls go straight to the upstream.';
  if (current !== 'none') {
    const since = status.since ?? status.breakers[status.name]?.since ?? now;
    return [
      html('strong', { class: 'mode' }, current),
      ` for ${lasting(now - since)}, since ${moment(since, now)}. Meanwhile ${meanings[current]}.`,
    ];
  }
  return [
    'Calls reach the upstream. If it fails, ',
    html('span', { class: 'mode' }, configured),
    `: ${meanings[configured]}.`,
  ];
}

function reasons({ status, recent, site, now }: Instance): HTMLElement {
  const breaker = status.breakers[status.name];
  const { trigger, reason } = status;
  const began = recent.transitions.findLast(
    ({ breaker: name, from }) => name === status.name && from === 'closed',
  );
  const trace = traceAddress(site, began?.traceId);
  const code = reason && reason !== trigger ? reason : undefined;
  return html(
    'ul',
    { class: 'reasons' },
    trigger &&
      html('li', {}, 'Because ', triggers[trigger], code && [': ', html('code', {}, code)]),
    html('li', {}, next(breaker?.state, breaker?.retryInMs ?? 0, status.at, now)),
    html(
      'li',
      {},
      counted(status.queue.size, 'write waits', 'writes wait'),
      `, ${count(status.operations.stale)} answers were stale so far`,
    ),
    trace &&
      html(
        'li',
        {},
        html('a', { href: trace, target: '_blank', rel: 'noreferrer' }, 'Trace of the outage'),
      ),
  );
}

/** When the upstream is tried again. */
function next(state: string | undefined, retryInMs: number, at: number, now: number): string {
  if (state === 'isolated') return 'Until somebody ends it';
  if (state === 'half_open') return 'The upstream is being tried';
  const left = Math.max(0, retryInMs - (now - at));
  if (state === 'open')
    return left > 0 ? `Tried again in ${lasting(left)}` : 'Tried again any moment';
  return `The breaker is ${words(state ?? 'closed')}`;
}
