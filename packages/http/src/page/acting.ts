/** What an operator does on the page: asked back where it cannot be undone, then sent. */

import type { ActionRequest } from '@graphiti-fallback/http';
import { html } from './element.ts';
import { ask, type Site } from './site.ts';

/** What came of it, in words for the one who did it. */
export interface Acted {
  readonly done: boolean;
  readonly text: string;
}

const modes = ['queue_writes', 'read_only', 'local_storage', 'memory_only', 'disabled'];

const questions: Readonly<Record<string, { readonly title: string; readonly text: string }>> = {
  activate: {
    title: 'Activate fallback?',
    text: 'No call goes to the upstream, and no queued write, until somebody ends it; a restart does not.',
  },
  isolate: {
    title: 'Isolate this breaker?',
    text: 'Nothing goes through it until somebody restores it; a restart does not.',
  },
  skip: {
    title: 'Give up this write?',
    text: 'It becomes a dead letter, and its lane goes on without it. It can be retried later, at the tail.',
  },
};

/** Does what a button says; nothing where the operator thought better of it. */
export async function act(site: Site, button: HTMLElement): Promise<Acted | undefined> {
  const { act: action = '', operation, breaker } = button.dataset;
  const more = questions[action] ? await confirmed(action, breaker ?? operation) : {};
  if (!more) return undefined;
  const asked = { action, ...(operation && { operation }), ...(breaker && { breaker }), ...more };
  return send(site, asked as ActionRequest);
}

async function send(site: Site, asked: ActionRequest): Promise<Acted> {
  const { action } = asked;
  try {
    const answer = await ask(site, 'actions', {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify(asked),
    });
    if (answer.ok)
      return { done: true, text: `Done: ${action} ${asked.operation ?? asked.breaker ?? ''}` };
    const { detail } = await answer.json();
    return { done: false, text: `Not done: ${String(detail)}` };
  } catch {
    return { done: false, text: `Not known whether ${action} was done: the connection broke` };
  }
}

/** Asks back in a dialog; nothing where it was left. */
function confirmed(
  action: string,
  target: string | undefined,
): Promise<Pick<ActionRequest, 'mode' | 'reason'> | undefined> {
  const { title = '', text = '' } = questions[action] ?? {};
  const explained = action !== 'skip';
  const dialog = html(
    'dialog',
    { 'aria-labelledby': 'question' },
    html(
      'form',
      { method: 'dialog' },
      html('h2', { id: 'question' }, title),
      target && html('p', {}, html('code', {}, target)),
      html('p', { class: 'note' }, text),
      explained && [
        html('label', { for: 'mode' }, 'Mode'),
        html(
          'select',
          { id: 'mode', name: 'mode' },
          html('option', { value: '' }, 'as configured'),
          modes.map((mode) => html('option', { value: mode }, mode)),
        ),
        html('label', { for: 'reason' }, 'Reason, for people'),
        html('input', { id: 'reason', name: 'reason', maxlength: 200, autocomplete: 'off' }),
      ],
      html(
        'p',
        { class: 'choice' },
        html('button', { type: 'button', value: 'no' }, 'Leave it'),
        html('button', { type: 'submit', class: 'main' }, title.replace('?', '')),
      ),
    ),
  ) as HTMLDialogElement;
  document.body.append(dialog);
  return new Promise((resolve) => {
    let answer: Pick<ActionRequest, 'mode' | 'reason'> | undefined;
    dialog.querySelector('button[value=no]')?.addEventListener('click', () => dialog.close());
    dialog.querySelector('form')?.addEventListener('submit', (event) => {
      event.preventDefault();
      const given = new FormData(event.currentTarget as HTMLFormElement);
      const filled = [...given].filter(([, value]) => String(value).trim() !== '');
      answer = Object.fromEntries(filled) as Pick<ActionRequest, 'mode' | 'reason'>;
      dialog.close();
    });
    dialog.addEventListener('close', () => {
      dialog.remove();
      resolve(answer);
    });
    dialog.showModal();
  });
}
