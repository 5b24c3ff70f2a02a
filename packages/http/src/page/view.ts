/** The whole page, made of its panels. */

import type { PublicStatus, QueueView } from '@graphiti-fallback/http';
import type { ConnectionState } from './connection.ts';
import { html } from './element.ts';
import { breakersPanel } from './panels/breakers.ts';
import { fleetPanel } from './panels/fleet.ts';
import { healthPanel } from './panels/health.ts';
import { masthead } from './panels/masthead.ts';
import { operatorPanel } from './panels/operator.ts';
import { queuePanel } from './panels/queue.ts';
import { ratesPanel } from './panels/rates.ts';
import { storePanel } from './panels/store.ts';
import { transitionsPanel } from './panels/transitions.ts';
import type { Recent } from './recent.ts';
import type { Site } from './site.ts';

/** What the app lets the reader do: nobody may, it is not known yet, may not, may. */
export type Access = 'nobody' | 'unknown' | 'denied' | 'granted';

/** One instance as the panels see it. */
export interface Instance {
  readonly status: PublicStatus;
  readonly recent: Recent;
  readonly connection: ConnectionState;
  readonly site: Site;
  readonly access: Access;
  /** The lanes, for who may see them. */
  readonly queue: QueueView | undefined;
  /** The server's time now. */
  readonly now: number;
}

/** Everything that stands on the page. */
export function view(instance: Instance): HTMLElement {
  return html(
    'div',
    { id: 'page', class: instance.connection === 'lost' ? 'lost' : '' },
    masthead(instance),
    html(
      'main',
      {},
      ratesPanel(instance),
      breakersPanel(instance),
      queuePanel(instance),
      html('div', { class: 'pair' }, storePanel(instance), healthPanel(instance)),
      fleetPanel(instance),
      transitionsPanel(instance),
      operatorPanel(instance),
    ),
    footer(instance),
  );
}

function footer({ status }: Instance): HTMLElement {
  const { traces, metrics } = status.telemetry;
  const sdk = (told: string) => (told === 'sdk' ? 'to the SDK' : 'nowhere: no SDK was started');
  return html(
    'footer',
    {},
    html('p', {}, `Traces go ${sdk(traces)}. Metrics go ${sdk(metrics)}.`),
    html(
      'p',
      {},
      'The same as JSON: ',
      html('code', {}, `curl ${location.origin}${location.pathname}`),
    ),
  );
}
