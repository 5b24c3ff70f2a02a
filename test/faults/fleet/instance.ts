/** One instance of an app, in a process of its own: it writes what it is asked, live or queued. */

import { AsyncLocalStorage } from 'node:async_hooks';
import { createServer } from 'node:http';
import { text } from 'node:stream/consumers';
import { FallbackManager } from '@graphiti-fallback/core';
import { lowdbStore } from '@graphiti-fallback/store-lowdb';
import { redisStore } from '@graphiti-fallback/store-redis';

interface Notes {
  readonly lane: string;
  readonly texts: readonly string[];
}

const { REDIS = '', UPSTREAM = '', REPLICAS = '0', FOLDER = '' } = process.env;
/** As short as calls allow: who is lost is missed soon. */
const callMs = 400;
const leaseMs = 1_200;

/** Set within a request: a replay has none. */
const live = new AsyncLocalStorage<boolean>();

const manager = new FallbackManager({
  name: 'fleet',
  application: 'faults',
  upstream: UPSTREAM,
  logger: false,
  store: redisStore({
    url: REDIS,
    lease: leaseMs,
    replicas: Number(REPLICAS),
    ...(FOLDER && { local: lowdbStore({ directory: FOLDER }) }),
  }),
  retry: { retries: 0 },
  timeouts: { write: callMs },
  breaker: { failureThreshold: 2, successThreshold: 1, openFor: 100 },
  health: { interval: 0 },
  closeTimeout: 1,
});
const save = manager.write('note.save', {
  run: async (note: { lane: string; text: string }, { signal, idempotencyKey }) => {
    const sentAt = Date.now();
    const sent = { sentAt, until: sentAt + callMs, live: live.getStore() === true };
    const response = await fetch(UPSTREAM, {
      method: 'POST',
      body: JSON.stringify({ ...note, ...sent, key: idempotencyKey }),
      signal,
    });
    if (!response.ok) throw Object.assign(new Error('refused'), { status: response.status });
  },
  lane: ({ lane }) => lane,
  idempotent: true,
});
await manager.open();

/** As in a deployment: what is in flight has no time to end. */
process.once('message', () => void manager.close().finally(() => process.exit()));

const server = createServer(async (request, response) => {
  try {
    if (request.method === 'POST') {
      const { lane, texts } = JSON.parse(await text(request)) as Notes;
      // All at once: nobody waits for the one before.
      const saved = await live.run(true, () =>
        Promise.allSettled(texts.map((each) => save({ lane, text: each }))),
      );
      response.end(JSON.stringify(saved.map(({ status }) => status === 'fulfilled')));
      return;
    }
    const left = [];
    for await (const { id, input, state, lastError, nextAttemptAt } of manager.queue.all()) {
      left.push({ input, state, lastError, dueIn: nextAttemptAt && nextAttemptAt - Date.now() });
      // A person looks at what was interrupted too often, and tries it again.
      if (state === 'parked') await manager.queue.decide(id, 'retry');
    }
    const { store, breakers } = manager.status();
    response.end(JSON.stringify({ left: left.slice(0, 3), store: store.problem, breakers }));
  } catch (error) {
    response.statusCode = 500;
    response.end(String(error));
  }
});
server.listen(0, '127.0.0.1', () => {
  const address = server.address();
  process.send?.(typeof address === 'object' && address ? address.port : 0);
});
