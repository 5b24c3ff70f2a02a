/** What the panels have in common. */

import { type Content, html } from './element.ts';

/** A section with its heading. */
export function panel(
  key: string,
  title: string,
  { aside }: { readonly aside?: Content },
  ...content: Content[]
): HTMLElement {
  return html(
    'section',
    { class: `panel ${key}`, 'data-key': key, 'aria-labelledby': `${key}-title` },
    html(
      'header',
      {},
      html('h2', { id: `${key}-title` }, title),
      html('div', { class: 'aside' }, aside),
    ),
    content,
  );
}

/** A short word about how something is. */
export function pill(kind: string, text: string): HTMLElement {
  return html('span', { class: `pill ${kind}` }, text);
}

/** Names and values, one below the other. */
export function facts(
  ...rows: readonly (readonly [name: string, value: Content] | undefined)[]
): HTMLElement {
  return html(
    'dl',
    { class: 'facts' },
    rows.flatMap((row) =>
      row ? [html('div', {}, html('dt', {}, row[0]), html('dd', {}, row[1]))] : [],
    ),
  );
}

/** Something to do: who clicks is told by what it carries. */
export function actButton(
  action: string,
  text: string,
  {
    about,
    ...target
  }: { readonly about: string; readonly operation?: string; readonly breaker?: string },
): HTMLElement {
  return html(
    'button',
    {
      type: 'button',
      'data-act': action,
      'data-operation': target.operation,
      'data-breaker': target.breaker,
      // The text alone does not say of which of many.
      'aria-label': `${text}: ${about}`,
    },
    text,
  );
}

/** A table that scrolls by itself where it is too narrow. */
export function table(
  caption: string,
  columns: readonly string[],
  rows: readonly HTMLElement[],
): HTMLElement {
  return html(
    'div',
    { class: 'scroll', tabindex: 0, role: 'region', 'aria-label': caption },
    html(
      'table',
      {},
      html('caption', { class: 'unseen' }, caption),
      html(
        'thead',
        {},
        html(
          'tr',
          {},
          columns.map((column) => html('th', { scope: 'col' }, column)),
        ),
      ),
      html('tbody', {}, rows),
    ),
  );
}

/** Where there is nothing to show, what that means. */
export function nothing(text: string): HTMLElement {
  return html('p', { class: 'nothing' }, text);
}
