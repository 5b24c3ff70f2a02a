/** What happened to the breakers lately, with the way to its trace. */

import { html } from '../element.ts';
import { moment, words } from '../figures.ts';
import { nothing, panel, pill, table } from '../panel.ts';
import { traceAddress } from '../site.ts';
import type { Instance } from '../view.ts';

const most = 20;

/** The panel. */
export function transitionsPanel({ recent, site, now }: Instance): HTMLElement {
  const latest = recent.transitions.slice(-most).reverse();
  const since = Number.isFinite(recent.since) ? moment(recent.since, now) : 'the start';
  return panel(
    'transitions',
    'Transitions',
    { aside: `since ${since}` },
    latest.length === 0
      ? nothing('None: every breaker has been what it is now.')
      : table(
          'Transitions, newest first',
          ['When', 'Breaker', 'From', 'To', 'Reason', 'Trace'],
          latest.map(({ at, breaker, from, to, reason, traceId }) => {
            const trace = traceAddress(site, traceId);
            return html(
              'tr',
              { 'data-key': `${at} ${breaker} ${to}` },
              html('td', { class: 'number' }, moment(at, now)),
              html('th', { scope: 'row' }, breaker),
              html('td', {}, pill(from, words(from))),
              html('td', {}, pill(to, words(to))),
              html('td', {}, html('code', {}, reason)),
              html(
                'td',
                {},
                trace
                  ? html(
                      'a',
                      {
                        href: trace,
                        target: '_blank',
                        rel: 'noreferrer',
                        'aria-label': `${traceId?.slice(0, 8)}, trace of ${breaker} at ${moment(at, now)}`,
                      },
                      traceId?.slice(0, 8),
                    )
                  : html('span', { class: 'note' }, traceId?.slice(0, 8) ?? 'none'),
              ),
            );
          }),
        ),
  );
}
