/** An app as somebody would watch it: Express with helmet and compression, behind a proxy that changes paths. */

import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, request as httpRequest, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { FallbackManager } from '@graphiti-fallback/core';
import { type GraphitiFallback, graphitiFallback } from '@graphiti-fallback/express';
import { lowdbStore } from '@graphiti-fallback/store-lowdb';
import { type GraphitiServer, graphitiServer } from '@graphiti-fallback/testing';
import compression from 'compression';
import express from 'express';
import helmet from 'helmet';

/** What operators send. */
export const operatorToken = 'an-operators-token';

/** An app that runs. */
export interface WatchedApp {
  /** The page, straight from the app. */
  readonly url: string;
  /** The same through a proxy, below another path. */
  readonly proxied: string;
  readonly graphiti: GraphitiServer;
  readonly manager: FallbackManager;
  readonly server: Server;
  /** Asks it, `perSecond` reads and half as many writes, until it is stopped. */
  traffic(perSecond: number): () => Promise<void>;
  close(): Promise<void>;
}

type Options = NonNullable<Parameters<GraphitiFallback>[0]>;

/** Starts one. */
export async function watchedApp(options: Options = {}): Promise<WatchedApp> {
  const graphiti = await graphitiServer();
  const directory = mkdtempSync(join(tmpdir(), 'watched-app-'));
  const fallback = graphitiFallback({
    url: graphiti.url,
    store: lowdbStore({ directory }),
    logger: false,
    retry: { retries: 0 },
    timeouts: { read: 2_000, write: 2_000 },
    breaker: { openFor: 2_000 },
    traceUrl: 'http://localhost:16686/trace/{traceId}',
    ...options,
  });
  const app = express();
  app.use(helmet(), compression({ threshold: 0 }), express.json());
  app.use('/api', fallback);
  app.get('/api/facts', async (req, res) => {
    res.json(await req.graphiti.search({ query: String(req.query.q), group_ids: ['demo'] }));
  });
  app.post('/api/messages', async (req, res) => {
    const message = { role_type: 'user' as const, role: 'ann', content: String(req.body.text) };
    const group = String(req.query.group ?? 'demo');
    res.status(202).json(await req.graphiti.addMessages(group, [message]));
  });
  app.use(graphitiFallback.errors());
  const server = await listening(createServer(app));
  const proxy = await listening(prefixProxy(portOf(server), '/ops/kit', '/api'));
  const origin = `http://127.0.0.1:${portOf(server)}`;

  return {
    url: `${origin}/api/health/fallback`,
    proxied: `http://127.0.0.1:${portOf(proxy)}/ops/kit/health/fallback`,
    graphiti,
    manager: fallback.manager,
    server,
    traffic(perSecond) {
      const stop = new AbortController();
      const running = drive(origin, perSecond, stop.signal);
      return async () => {
        stop.abort();
        await running;
      };
    },
    async close() {
      for (const each of [proxy, server]) {
        each.close();
        each.closeAllConnections();
      }
      await fallback.close();
      await graphiti.close();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

async function drive(origin: string, perSecond: number, signal: AbortSignal): Promise<void> {
  for (let turn = 0; !signal.aborted; turn += 1) {
    const calls = [fetch(`${origin}/api/facts?q=museum${turn % 3}`)];
    if (turn % 2 === 0) calls.push(write(origin, `message ${turn}`, `room-${turn % 4}`));
    for (const answer of await Promise.allSettled(calls))
      if (answer.status === 'fulfilled') await answer.value.arrayBuffer();
    await pause(1_000 / perSecond);
  }
}

function write(origin: string, text: string, group: string): Promise<Response> {
  return fetch(`${origin}/api/messages?group=${group}`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ text }),
  });
}

/** A proxy that puts another prefix before the app's paths; it tells the app nothing of it. */
function prefixProxy(port: number, outside: string, inside: string): Server {
  return createServer((asked, answer) => {
    const path = `${inside}${asked.url?.slice(outside.length)}`;
    const { method, headers } = asked;
    const onward = httpRequest({ host: '127.0.0.1', port, path, method, headers }, (got) => {
      answer.writeHead(got.statusCode ?? 502, got.headers);
      got.pipe(answer);
    });
    onward.on('error', () => answer.destroy());
    answer.on('close', () => onward.destroy());
    asked.pipe(onward);
  });
}

async function listening(server: Server): Promise<Server> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return server;
}

function portOf(server: Server): number {
  return (server.address() as AddressInfo).port;
}
