/**
 * A last look at a call, right before it is written: a process may have been frozen since the one before,
 * while a connection was made, and whatever it held may be another's by now. Node's `fetch` tells on
 * diagnostics channels what it is about to write; what is sent otherwise is not looked at again.
 */

import { AsyncLocalStorage } from 'node:async_hooks';
import { subscribe } from 'node:diagnostics_channel';

type Look = () => boolean;

interface Told {
  readonly request: object;
  readonly socket?: { destroy(error: Error): void };
}

const looks = new AsyncLocalStorage<Look>();
const requests = new WeakMap<object, Look>();
let listens = false;

/** Runs something whose requests are written only while `mayGo` says so. */
export function withLastLook<T>(mayGo: Look, run: () => T): T {
  if (!listens) listen();
  return looks.run(mayGo, run);
}

function listen(): void {
  listens = true;
  subscribe('undici:request:create', (message) => {
    const look = looks.getStore();
    if (look) requests.set((message as Told).request, look);
  });
  subscribe('undici:client:sendHeaders', (message) => {
    const { request, socket } = message as Told;
    if (requests.get(request)?.() === false)
      socket?.destroy(new Error('The time to send it was over'));
  });
}
