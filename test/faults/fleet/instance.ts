/** One instance of an app, in a process of its own: it writes what it is asked, live or queued. */

import { AsyncLocalStorage } from 'node:async_hooks';
import { createServer } from 'node:http';
import { text } from 'node:stream/consumers';
import { FallbackManager } from '@graphiti-fallback/core';
import { lowdbStore } from '@graphiti-fallback/store-lowdb';
import { redisStore } from '@graphiti-fallback/store-redis';

interface Note {
  readonly lane: string;
  readonly text: string;
}

const { REDIS = '', UPSTREAM = '', REPLICAS = '0', FOLDER = '' } = process.env;
/** As short as calls allow: who is lost is missed soon. */
const callMs = 600;
const leaseMs = 1_500;

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
});
const save = manager.write('note.save', {
  run: async (note: Note, { signal, idempotencyKey }) => {
    const response = await fetch(UPSTREAM, {
      method: 'POST',
      body: JSON.stringify({ ...note, key: idempotencyKey, live: live.getStore() === true }),
      signal,
    });
    if (!response.ok) throw Object.assign(new Error('refused'), { status: response.status });
  },
  lane: ({ lane }) => lane,
  idempotent: true,
});
await manager.open();

const server = createServer(async (request, response) => {
  try {
    if (request.method === 'POST') {
      const note = JSON.parse(await text(request)) as Note;
      const { outcome } = await live.run(true, () => save(note));
      response.end(outcome);
      return;
    }
    // A person looks at what was interrupted too often, and tries it again.
    if (request.url === '/retry')
      for await (const { id } of manager.queue.all({ states: ['parked'] }))
        await manager.queue.decide(id, 'retry');
    response.end(JSON.stringify(manager.status().queue));
  } catch (error) {
    response.statusCode = 500;
    response.end(String(error));
  }
});
server.listen(0, '127.0.0.1', () => {
  const address = server.address();
  process.send?.(typeof address === 'object' && address ? address.port : 0);
});
