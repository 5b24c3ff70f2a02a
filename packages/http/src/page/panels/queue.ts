/** What waits, for how long, and what was given up; lanes for operators. */

import type { OperationState } from '@graphiti-fallback/core';
import type { LaneView, OperationView } from '@graphiti-fallback/http';
import { chart } from '../chart.ts';
import { type Content, html } from '../element.ts';
import { count, counted, lasting, moment, size, words } from '../figures.ts';
import { actButton, facts, nothing, panel, pill, table } from '../panel.ts';
import { traceAddress } from '../site.ts';
import type { Instance } from '../view.ts';

const meanings: Readonly<Record<OperationState, string>> = {
  ready: 'ready to be sent',
  in_flight: 'with the upstream',
  blocked: 'blocked: credentials were refused',
  parked: 'parked: applied or not, nobody knows',
  unhandled: 'of no operation that is declared',
  local: 'local, until somebody syncs',
  accepted: 'acknowledged, to be seen upstream',
  unconfirmed: 'acknowledged, and not seen in time',
  dead: 'given up',
};

/** The panel. */
export function queuePanel(instance: Instance): HTMLElement {
  const { status, recent, now, access } = instance;
  const { queue } = status;
  const oldest = queue.size > 0 ? queue.oldestAgeMs + (now - status.at) : 0;
  const label = `Writes that wait: ${queue.size} now`;
  return panel(
    'queue',
    'Queue',
    {
      aside: [
        queue.paused && pill('open', 'paused'),
        access === 'granted' &&
          actButton(queue.paused ? 'resume' : 'pause', queue.paused ? 'Resume' : 'Pause', {
            about: 'replays',
          }),
      ],
    },
    html(
      'div',
      { class: 'split' },
      html(
        'div',
        { class: 'tile kept' },
        html(
          'p',
          { class: 'figure' },
          count(queue.size),
          html('span', { class: 'unit' }, queue.size === 1 ? 'write waits' : 'writes wait'),
        ),
        chart({ points: recent.waiting(), span: recent.span(now), label, least: 5 }),
        html(
          'p',
          { class: 'note' },
          queue.size > 0 ? `The oldest for ${lasting(oldest)}.` : 'Nothing waits.',
        ),
      ),
      facts(
        ...(Object.keys(meanings) as OperationState[])
          .filter((state) => queue.states[state] > 0)
          .map((state) => [meanings[state], count(queue.states[state])] as const),
        [
          'lanes',
          `${count(queue.lanes.ready)} ready, ${count(queue.lanes.blocked)} standing still`,
        ],
        [
          'at once',
          `${counted(queue.drainLimit, 'replay', 'replays')}${queue.drainRate === undefined ? '' : `, ${queue.drainRate.toFixed(1)} a second`}`,
        ],
        queue.unprotected > 0 ? ['sent without being kept', count(queue.unprotected)] : undefined,
        queue.volatile > 0 ? ['in memory only', count(queue.volatile)] : undefined,
        queue.bytes > 0 ? ['size', size(queue.bytes)] : undefined,
        [
          'since the start',
          `${count(queue.enqueued)} queued, ${count(queue.replayed)} replayed, ${count(queue.deadLettered)} given up`,
        ],
      ),
    ),
    lanes(instance),
    unconfirmed(instance),
    deadLetters(instance),
  );
}

function lanes({ queue, now }: Instance): Content {
  if (!queue || queue.lanes.length === 0) return undefined;
  const more = queue.laneCount - queue.lanes.length;
  return [
    html('h3', {}, 'Lanes'),
    table(
      'Lanes, those that stand still first',
      ['Lane', 'Waiting', 'Oldest', 'Head', 'Actions'],
      queue.lanes.map((lane) => laneRow(lane, now)),
    ),
    more > 0 && html('p', { class: 'note' }, `and ${counted(more, 'lane', 'lanes')} more`),
  ];
}

function laneRow({ lane, waiting, oldestAt, state, head }: LaneView, now: number): HTMLElement {
  const stopped = state === 'parked' || state === 'blocked';
  const about = `${head.operation} of ${lane}`;
  const why = [head.reason, head.lastError].filter(Boolean).join(', ');
  return html(
    'tr',
    { 'data-key': lane },
    html('th', { scope: 'row' }, html('code', {}, lane)),
    html('td', { class: 'number' }, count(waiting)),
    html('td', {}, lasting(now - oldestAt)),
    html(
      'td',
      {},
      pill(stopped ? 'open' : 'plain', words(state)),
      ` ${head.operation}`,
      why && html('span', { class: 'note' }, ` ${why}`),
    ),
    html(
      'td',
      { class: 'acts' },
      stopped && actButton('retry', 'Retry', { operation: head.id, about }),
      state !== 'in_flight' && actButton('skip', 'Skip…', { operation: head.id, about }),
    ),
  );
}

/** Only where there are some: nobody has to look for what most upstreams do not know. */
function unconfirmed(instance: Instance): Content {
  const { queue, status, access } = instance;
  const { unconfirmed: number } = status.queue.states;
  if (number === 0) return undefined;
  const heading = html('h3', {}, 'Unconfirmed ', pill('open', count(number)));
  if (!queue || access !== 'granted')
    return [
      heading,
      nothing(
        `${counted(number, 'write was', 'writes were')} acknowledged and not seen in time. Operators see which.`,
      ),
    ];
  const more = queue.unconfirmedCount - queue.unconfirmed.length;
  return [
    heading,
    table(
      'Unconfirmed writes, oldest first',
      ['Operation', 'Lane', 'Acknowledged', 'Actions'],
      queue.unconfirmed.map((write) => unconfirmedRow(write, instance)),
    ),
    more > 0 && html('p', { class: 'note' }, `and ${counted(more, 'write', 'writes')} more`),
  ];
}

function unconfirmedRow(write: OperationView, { now, site }: Instance): HTMLElement {
  const { id, operation, lane, enqueuedAt, acceptedAt = enqueuedAt, traceId } = write;
  const about = `${operation} ${id}`;
  return html(
    'tr',
    { 'data-key': id },
    html('th', { scope: 'row' }, operation, html('code', { class: 'id' }, id)),
    html('td', {}, html('code', {}, lane)),
    html('td', {}, moment(acceptedAt, now), traceLink(traceAddress(site, traceId), about)),
    html(
      'td',
      { class: 'acts' },
      actButton('retry', 'Send again', { operation: id, about }),
      actButton('skip', 'Skip…', { operation: id, about }),
    ),
  );
}

function traceLink(href: string | undefined, about: string): Content {
  if (!href) return undefined;
  const label = `trace of ${about}`;
  const link = { href, target: '_blank', rel: 'noreferrer', 'aria-label': label };
  return [' ', html('a', link, 'trace')];
}

function deadLetters(instance: Instance): Content {
  const { queue, status, access } = instance;
  const { dead } = status.queue.states;
  const heading = html('h3', {}, 'Dead letters', dead > 0 && [' ', pill('open', count(dead))]);
  if (dead === 0) return [heading, nothing('None. No write was given up.')];
  if (!queue || access !== 'granted')
    return [
      heading,
      nothing(
        `${counted(dead, 'write was', 'writes were')} given up, and ${dead === 1 ? 'waits' : 'wait'} for somebody to decide. Operators see which.`,
      ),
    ];
  return [
    heading,
    table(
      'Dead letters, newest first',
      ['Operation', 'Lane', 'Reason', 'Queued', 'Actions'],
      queue.deadLetters.map((letter) => letterRow(letter, instance)),
    ),
  ];
}

function letterRow(letter: OperationView, { now, site }: Instance): HTMLElement {
  const { id, operation, lane, reason, lastError, enqueuedAt, traceId } = letter;
  const trace = traceAddress(site, traceId);
  const cause = lastError && lastError !== reason ? ` ${lastError}` : '';
  return html(
    'tr',
    { 'data-key': id },
    html('th', { scope: 'row' }, operation, html('code', { class: 'id' }, id)),
    html('td', {}, html('code', {}, lane)),
    html('td', {}, reason, cause && html('code', {}, cause)),
    html('td', {}, moment(enqueuedAt, now), traceLink(trace, `${operation} ${id}`)),
    html(
      'td',
      { class: 'acts' },
      actButton('retry', 'Retry', { operation: id, about: `${operation} ${id}` }),
    ),
  );
}
