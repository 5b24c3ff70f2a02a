/** How the page learns what changes: by a stream, else by asking again and again. */

import type { PublicStatus } from '@graphiti-fallback/http';
import { ask, type Site } from './site.ts';

/** How the page is connected. */
export type ConnectionState = 'connecting' | 'stream' | 'polling' | 'lost';

interface Listener {
  /** A status came. */
  status(status: PublicStatus): void;
  /** The connection is another than before. */
  state(state: ConnectionState): void;
  /** It was just made: what happened before is to be fetched. */
  connected(): Promise<void>;
}

const pollEvery = 3_000;
/** So many times asked before a stream is tried again. */
const pollsInARow = 10;
const longestPause = 10_000;

/** Keeps connected while somebody looks; resolves never. */
export async function connect(site: Site, listener: Listener): Promise<never> {
  let failures = 0;
  for (;;) {
    await untilVisible();
    try {
      await listener.connected();
      const streamed = await stream(site, listener);
      if (!streamed) await poll(site, listener);
      failures = 0;
      await pause(streamed ? 500 : 0);
    } catch {
      if (document.hidden) continue;
      failures += 1;
      listener.state('lost');
      await pause(Math.min(longestPause, 1_000 * 2 ** (failures - 1)));
    }
  }
}

/** Reads the stream to its end. False where there is no place for one more. */
async function stream(site: Site, listener: Listener): Promise<boolean> {
  const leave = new AbortController();
  // A browser has six connections to a host: a page that nobody looks at holds none of them.
  const leaving = () => document.hidden && leave.abort();
  document.addEventListener('visibilitychange', leaving);
  try {
    const response = await ask(site, 'events', { signal: leave.signal });
    if (response.status === 503) return false;
    if (!response.ok || !response.body) throw new Error(`The stream answered ${response.status}`);
    listener.state('stream');
    let text = '';
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return true;
      const events = `${text}${value}`.split('\n\n');
      text = events.pop() ?? '';
      for (const event of events) {
        const [, data] = /^event: status\ndata: (.*)$/.exec(event) ?? [];
        if (data) listener.status(JSON.parse(data));
      }
    }
  } finally {
    document.removeEventListener('visibilitychange', leaving);
  }
}

async function poll(site: Site, listener: Listener): Promise<void> {
  for (let times = 0; times < pollsInARow; times += 1) {
    await untilVisible();
    const response = await ask(site, '');
    if (!response.ok) throw new Error(`The status answered ${response.status}`);
    listener.state('polling');
    listener.status(await response.json());
    await pause(pollEvery);
  }
}

function untilVisible(): Promise<void> {
  if (!document.hidden) return Promise.resolve();
  return new Promise((resolve) => {
    document.addEventListener('visibilitychange', () => resolve(), { once: true });
  });
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
