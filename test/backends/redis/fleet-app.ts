/** One instance of an app, in a process of its own, told over HTTP what to ask of its upstream. */

import { createServer } from 'node:http';
import { composeStores, FallbackManager, isFallbackError } from '@graphiti-fallback/core';
import { lowdbStore } from '@graphiti-fallback/store-lowdb';
import { redisStore } from '@graphiti-fallback/store-redis';
import { trace } from '@opentelemetry/api';
import * as tracing from '@opentelemetry/sdk-trace';
import { sumOf } from './gauges.ts';

const { REDIS = '', VALUES, UPSTREAM = '', FOLDER, TTL = '0' } = process.env;

// Only what is needed of an SDK: many of these start at once.
const exporter = new tracing.InMemorySpanExporter();
const processor = new tracing.SimpleSpanProcessor({ exporter });
trace.setGlobalTracerProvider(new tracing.TracerProvider({ spanProcessors: [processor] }));

const commandTimeout = 5_000;
const queue = redisStore({
  url: REDIS,
  commandTimeout,
  ...(FOLDER && { local: lowdbStore({ directory: FOLDER }) }),
});
const store = VALUES
  ? composeStores({ queue, values: redisStore({ url: VALUES, commandTimeout }) })
  : queue;
const manager = new FallbackManager({
  name: 'fleet',
  application: 'fleet-app',
  upstream: UPSTREAM,
  logger: false,
  store,
  cache: { ttl: Number(TTL) },
  retry: { retries: 0 },
  breaker: { failureThreshold: 2, successThreshold: 1, openFor: 1_000 },
  health: { interval: 0 },
});
const warnings: string[] = [];
const outages: { readonly what: string; readonly outage: string }[] = [];
manager.on('warning', ({ message }) => warnings.push(message));
manager.on('activated', ({ outage }) => outages.push({ what: 'activated', outage }));
manager.on('deactivated', ({ outage }) => outages.push({ what: 'deactivated', outage }));

async function asked(method: string, id: string, signal: AbortSignal): Promise<unknown> {
  const response = await fetch(`${UPSTREAM}/${id}`, {
    method,
    headers: { 'x-instance': String(process.pid) },
    signal,
  });
  if (!response.ok)
    throw Object.assign(new Error(`${response.status}`), {
      status: response.status,
      headers: Object.fromEntries(response.headers),
    });
  return response.json();
}

const item = (id: string) => ({ type: 'item', id });
const get = manager.read('item.get', {
  run: (id: string, { signal }) => asked('GET', id, signal),
  entities: (id) => [item(id)],
});
const save = manager.write('item.save', {
  run: (id: string, { signal }) => asked('PUT', id, signal),
  entity: item,
  idempotent: true,
});
const remove = manager.write('item.remove', {
  run: (id: string, { signal }) => asked('DELETE', id, signal),
  entity: item,
  effect: 'delete',
  idempotent: true,
});
await manager.open();

const answers: Readonly<Record<string, (id: string) => unknown>> = {
  get: (id) => get.detailed(id),
  save,
  remove,
  status: () => ({ ...manager.status(), warnings, outages }),
  spans: () =>
    exporter.getFinishedSpans().map((span) => ({
      name: span.name,
      attributes: span.attributes,
      trace: span.spanContext().traceId,
    })),
  clear: () => manager.cache.clear(),
  forget: (id) => manager.cache.delete(get, id),
  inspect: () => manager.inspect(),
  activations: () => sumOf('graphiti_fallback.activations'),
  keep: (id) => manager.storeEntity({ type: 'thing', id, text: id } as never),
  things: () => manager.listEntities('thing'),
  drop: (id) => manager.deleteEntity('thing', id),
};

const server = createServer(async (request, response) => {
  const [, what = '', id = ''] = decodeURIComponent(request.url ?? '').split('/');
  try {
    response.end(JSON.stringify((await answers[what]?.(id)) ?? null));
  } catch (error) {
    response.statusCode = isFallbackError(error) ? error.status : 500;
    response.end(JSON.stringify({ error: String(error) }));
  }
});
server.listen(0, '127.0.0.1', () => {
  const address = server.address();
  process.send?.(typeof address === 'object' && address ? address.port : 0);
});
