/** Each breaker: what it is, what it was, and when it tries again. */

import type { BreakerStateKind } from '@graphiti-fallback/core';
import { html } from '../element.ts';
import { count, lasting, percent, words } from '../figures.ts';
import { actButton, panel, pill } from '../panel.ts';
import { timeline } from '../timeline.ts';
import type { Instance } from '../view.ts';

const states: readonly BreakerStateKind[] = ['closed', 'half_open', 'open', 'isolated'];

/** The panel. */
export function breakersPanel(instance: Instance): HTMLElement {
  const { status, recent, now } = instance;
  const span = recent.span(now);
  return panel(
    'breakers',
    'Breakers',
    { aside: legend() },
    Object.keys(status.breakers).map((name) => row(instance, name)),
    html(
      'p',
      { class: 'axis', 'aria-hidden': true },
      html('span', {}, `${lasting(span.to - span.from)} ago`),
      html('span', {}, 'now'),
    ),
  );
}

function row({ status, recent, queue, access, now }: Instance, name: string): HTMLElement {
  const breaker = status.breakers[name];
  if (!breaker) return html('div');
  const { state, since, calls, failureRate, waitingForCall, isolation } = breaker;
  const left = Math.max(0, breaker.retryInMs - (now - status.at));
  const told = [
    `for ${lasting(now - since)}`,
    state === 'open' && (left > 0 ? `tries again in ${lasting(left)}` : 'tries again any moment'),
    waitingForCall && 'waits for a call to try',
    isolation && `mode ${isolation.mode}`,
    queue?.isolated[name],
    state === 'closed' && failureRate > 0 && `${percent(failureRate)} of the last calls failed`,
  ].filter((each) => each !== false && each !== undefined);
  return html(
    'article',
    { class: 'breaker', 'data-key': name },
    html(
      'div',
      { class: 'title' },
      html('h3', {}, name),
      pill(state, words(state)),
      html('span', { class: 'note' }, told.join(' · ')),
      html(
        'span',
        { class: 'note calls' },
        `${count(calls.success)} succeeded · ${count(calls.failure)} failed · ${count(calls.refused)} refused`,
      ),
      access === 'granted' &&
        (isolation
          ? actButton('restore', 'Restore', { breaker: name, about: name })
          : actButton('isolate', 'Isolate…', { breaker: name, about: name })),
    ),
    timeline({
      breaker: name,
      state,
      since,
      transitions: recent.transitions,
      span: recent.span(now),
    }),
  );
}

function legend(): HTMLElement {
  return html(
    'ul',
    { class: 'legend' },
    states.map((state) =>
      html('li', { class: state }, html('span', { class: 'swatch' }), words(state)),
    ),
  );
}
