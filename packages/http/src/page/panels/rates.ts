/** What the calls come to, as four small charts over the same time. */

import { chart, peak } from '../chart.ts';
import { html } from '../element.ts';
import { count, lasting, rate } from '../figures.ts';
import { panel } from '../panel.ts';
import type { Series } from '../recent.ts';
import type { Instance } from '../view.ts';

const kinds: readonly { readonly series: Series; readonly title: string; readonly what: string }[] =
  [
    { series: 'live', title: 'Live', what: 'by the upstream' },
    { series: 'stale', title: 'Stale or cached', what: 'from what was at hand' },
    { series: 'kept', title: 'Kept', what: 'writes queued or stored' },
    { series: 'failed', title: 'Failed', what: 'nothing could be done' },
  ];

/** The panel. */
export function ratesPanel({ recent, status, now }: Instance): HTMLElement {
  const span = recent.span(now);
  const { live, applied, accepted, cache, stale, entity, queued, stored, failure } =
    status.operations;
  const totals: Readonly<Record<Series, number>> = {
    live: live + applied + accepted,
    stale: cache + stale + entity,
    kept: queued + stored,
    failed: failure,
  };
  return panel(
    'rates',
    'Calls',
    { aside: `a second, over the last ${lasting(span.to - span.from)}` },
    html(
      'div',
      { class: 'tiles' },
      kinds.map(({ series, title, what }) => {
        const points = recent.rates(series);
        const current = rate(points.at(-1)?.value ?? 0);
        const most = peak(points, span);
        const told = [
          `${count(totals[series])} since the start`,
          most > 0 && `${rate(most)}/s at most`,
        ].filter(Boolean);
        const label = `${title}: ${current} a second now, ${rate(most)} at most`;
        return html(
          'article',
          { class: `tile ${series}`, 'data-key': series },
          html('h3', {}, title),
          html('p', { class: 'figure' }, current, html('span', { class: 'unit' }, '/s')),
          chart({ points, span, label, least: 1 }),
          html('p', { class: 'note' }, what),
          html('p', { class: 'note' }, told.join(', ')),
        );
      }),
    ),
  );
}
