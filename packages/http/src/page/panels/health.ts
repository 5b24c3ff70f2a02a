/** What health checks say of the upstream and of the kit. */

import type { HealthStatus } from '@graphiti-fallback/core';
import { html } from '../element.ts';
import { ago } from '../figures.ts';
import { nothing, panel, pill } from '../panel.ts';
import type { Instance } from '../view.ts';

const kinds: Readonly<Record<HealthStatus, string>> = {
  healthy: 'closed',
  degraded: 'half_open',
  unhealthy: 'open',
  unknown: 'plain',
};

/** The panel. */
export function healthPanel({ status, now }: Instance): HTMLElement {
  const { health } = status;
  return panel(
    'health',
    'Health',
    { aside: pill(kinds[health.status], health.status) },
    health.components.length === 0
      ? nothing('Nothing is checked in the background; calls alone tell.')
      : html(
          'ul',
          { class: 'components' },
          health.components.map(({ name, status: is, checkedAt, tookMs, critical, concerns }) =>
            html(
              'li',
              { 'data-key': `${concerns} ${name}` },
              html(
                'span',
                {},
                name,
                html('span', { class: 'note' }, ` ${concerns}${critical ? '' : ', not critical'}`),
              ),
              html(
                'span',
                { class: 'note' },
                checkedAt === undefined
                  ? 'not checked yet'
                  : `${ago(now - checkedAt)}, took ${Math.round(tookMs ?? 0)} ms`,
              ),
              pill(kinds[is], is),
            ),
          ),
        ),
  );
}
