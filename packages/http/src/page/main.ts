/** The live page of one instance: hears what changes, and shows it. */

import type { PublicStatus, QueueView, StatusHistory } from '@graphiti-fallback/http';
import { act } from './acting.ts';
import { type ConnectionState, connect } from './connection.ts';
import { html } from './element.ts';
import { morph } from './morph.ts';
import { headline } from './panels/masthead.ts';
import { Recent } from './recent.ts';
import { ask, siteOf } from './site.ts';
import { type Access, view } from './view.ts';

const site = siteOf(document.body);
const recent = new Recent();
const page = document.getElementById('page') ?? document.body;
/** For who hears the page: not what passes, only what a person wants to be told. */
const spoken = html('p', { class: 'unseen', role: 'status' });
const toast = html('p', { class: 'toast', role: 'status' });
document.body.append(spoken, toast);

let status: PublicStatus | undefined;
let connection: ConnectionState = 'connecting';
let access: Access = site.operated ? 'unknown' : 'nobody';
let queue: QueueView | undefined;
/** How far this machine's clock is ahead of the server's, in ms. */
let ahead = 0;

void connect(site, {
  status: take,
  state(next) {
    if (next === 'lost' && connection !== next) spoken.textContent = 'The connection is lost.';
    connection = next;
    show();
  },
  async connected() {
    const [history, now] = await Promise.all([ask(site, 'history'), ask(site, '')]);
    if (!history.ok || !now.ok) throw new Error('The status cannot be had');
    recent.replace((await history.json()) as StatusHistory);
    take((await now.json()) as PublicStatus);
    // Who was not let is not let a minute later: it would be audited each time.
    if (access !== 'denied') await lookAtQueue();
  },
});
setInterval(() => !document.hidden && show(), 1_000);
setInterval(() => !document.hidden && access === 'granted' && void lookAtQueue(), 2_000);
page.addEventListener('click', (event) => {
  const button = (event.target as Element).closest<HTMLElement>('[data-act]');
  if (button) void carryOut(button);
});
page.addEventListener('submit', (event) => {
  event.preventDefault();
  const token = new FormData(event.target as HTMLFormElement).get('token');
  site.token = String(token ?? '').trim() || undefined;
  void lookAtQueue(true);
});

function take(next: PublicStatus): void {
  const changed = transitionsOf(next) !== (status && transitionsOf(status));
  ahead = Date.now() - next.at;
  const before = status && headline({ status }).title;
  status = next;
  const { title, kind } = headline({ status });
  if (before !== title) spoken.textContent = `${next.name}: ${title}`;
  document.title = `${title} · ${next.name}`;
  if (document.documentElement.dataset.state !== kind) showKind(kind);
  if (changed) void remember();
  show();
}

/** What tells that some breaker has changed its state. */
function transitionsOf({ breakers }: PublicStatus): string {
  return JSON.stringify(
    Object.entries(breakers).map(([name, { state, since }]) => [name, state, since]),
  );
}

async function remember(): Promise<void> {
  try {
    const answer = await ask(site, 'history');
    if (answer.ok) recent.replace((await answer.json()) as StatusHistory);
    show();
  } catch {
    // The stream has broken, too, and tells.
  }
}

async function lookAtQueue(asked = false): Promise<void> {
  if (access === 'nobody') return;
  try {
    const answer = await ask(site, 'queue');
    access = answer.ok ? 'granted' : 'denied';
    queue = answer.ok ? ((await answer.json()) as QueueView) : undefined;
    if (asked)
      say(
        access === 'granted' ? 'You may act now.' : 'The app does not take this token.',
        access === 'granted',
      );
    show();
  } catch {
    if (asked) say('The token could not be sent.', false);
  }
}

async function carryOut(button: HTMLElement): Promise<void> {
  const acted = await act(site, button);
  if (!acted) return;
  say(acted.text, acted.done);
  await lookAtQueue();
}

/** The band, and the mark on the browser's tab. */
function showKind(kind: string): void {
  document.documentElement.dataset.state = kind;
  const band = getComputedStyle(document.documentElement).getPropertyValue('--band');
  const mark = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16"><circle cx="8" cy="8" r="7" fill="${band.trim()}"/></svg>`;
  const icon = document.querySelector('link[rel=icon]');
  icon?.setAttribute('href', `data:image/svg+xml,${encodeURIComponent(mark)}`);
}

let saying: ReturnType<typeof setTimeout> | undefined;

function say(text: string, good: boolean): void {
  toast.textContent = text;
  toast.classList.toggle('bad', !good);
  toast.classList.add('shown');
  clearTimeout(saying);
  saying = setTimeout(() => toast.classList.remove('shown'), 6_000);
}

function show(): void {
  if (!status) return;
  const now = Date.now() - ahead;
  if (connection !== 'lost') recent.note(status, now);
  morph(page, view({ status, recent, connection, site, access, queue, now }));
}
