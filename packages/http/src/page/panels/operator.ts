/** The way in for operators who have a token; who has a session is in already. */

import { html } from '../element.ts';
import { panel } from '../panel.ts';
import type { Instance } from '../view.ts';

/** The panel; only where somebody may act, and this reader may not yet. */
export function operatorPanel({ access }: Instance): HTMLElement | undefined {
  if (access !== 'denied') return undefined;
  return panel(
    'operator',
    'Operators',
    {},
    html(
      'p',
      { class: 'note' },
      'Lanes, dead letters and what can be done about them are for operators of this app. The token is sent with each request as a bearer token, and forgotten when the page is closed.',
    ),
    html(
      'form',
      { 'data-form': 'token' },
      html('label', { for: 'token' }, 'Access token'),
      html('input', {
        id: 'token',
        name: 'token',
        type: 'password',
        autocomplete: 'off',
        required: true,
      }),
      html('button', { type: 'submit' }, 'Open'),
    ),
  );
}
