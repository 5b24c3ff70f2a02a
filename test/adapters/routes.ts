/** The routes of the app under test: the same for every framework. */

import type { IncomingMessage, ServerResponse } from 'node:http';
import { FallbackError, fallbackStatus } from '@graphiti-fallback/core';
import type { FallbackHandle, GraphitiTools } from '@graphiti-fallback/http';

/** A request as a framework's app hands it to a route. */
export interface Call {
  readonly graphiti: GraphitiTools['graphiti'];
  readonly fallback: FallbackHandle;
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  /** As the client sees it. */
  readonly url: string;
  readonly body: unknown;
}

/** What the framework shall answer; nothing where the route has written to the response itself. */
export interface Answer {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: object;
}

type Route = (call: Call, query: URLSearchParams) => Promise<Answer | undefined> | Answer;

const search = ({ graphiti }: Call, query: URLSearchParams) =>
  graphiti.search({ query: query.get('q') ?? '', group_ids: ['demo'] });

const routes: Readonly<Record<string, Route>> = {
  'GET /facts': async (call, query) => ({ body: await search(call, query) }),
  'GET /episodes': async ({ graphiti }) => ({ body: await graphiti.getEpisodes('demo', 10) }),
  'OPTIONS /facts': () => ({ status: 204, headers: { Allow: 'GET, HEAD' } }),
  'POST /messages': async ({ graphiti, body }, query) => {
    const content = Reflect.get(Object(body), 'text');
    const message = { role_type: 'user' as const, role: 'ann', content };
    const receipt = await graphiti.addMessages(query.get('group') ?? 'demo', [message]);
    const status = query.get('status') ?? (receipt.outcome === 'applied' ? 200 : 202);
    const location = query.get('location');
    return {
      status: Number(status),
      body: receipt,
      ...(location && { headers: { Location: location } }),
    };
  },
  'GET /health': async ({ graphiti }) => ({ body: await graphiti.healthcheck({ timeoutMs: 50 }) }),
  'GET /active': ({ fallback }) => ({ body: { active: fallback.active, mode: fallback.mode } }),
  'GET /served': async (call, query) => {
    await search(call, query);
    return { body: call.fallback.served.map(({ operation, outcome }) => ({ operation, outcome })) };
  },
  'GET /plain': () => ({ body: { plain: true } }),
  'GET /mine': async (call, query) => {
    await search(call, query);
    const headers = { 'X-Fallback-Mode': 'mine', Age: '7', 'Cache-Status': 'mine; hit' };
    return { headers, body: {} };
  },
  'GET /not-modified': async (call, query) => {
    await search(call, query);
    return { status: 304, headers: { ETag: '"1"' } };
  },
  'GET /stream': async (call, query) => {
    const { response } = call;
    await search(call, query);
    response.statusCode = 200; // Koa begins with 404
    response.write('a');
    await search(call, query);
    response.end('b');
    return undefined;
  },
  'GET /too-late': async (call) => {
    const { response } = call;
    response.writeHead(200, { 'Content-Type': 'text/plain' });
    response.write('sent before');
    try {
      await search(call, new URLSearchParams({ q: 'never asked' }));
    } finally {
      response.end(', and after');
    }
    return undefined;
  },
  'GET /throws-after': async (call, query) => {
    await search(call, query);
    throw new Error('a mistake of the app');
  },
  'GET /refused': ({ response }, query) => {
    // What the app had begun to say of its answer.
    response.setHeader('ETag', '"1"');
    response.setHeader('Content-Length', '2');
    response.setHeader('Cache-Control', 'public, max-age=3600');
    const code = Object.keys(fallbackStatus).find((known) => known === query.get('code'));
    throw new FallbackError(code as keyof typeof fallbackStatus, 'Not now', {
      retryAfterMs: 1_500,
    });
  },
};

/** Runs the route of a request; a path without one is the app's own 404. */
export async function route(call: Call, mountPath = ''): Promise<Answer | undefined> {
  const { pathname, searchParams } = new URL(call.url, 'http://app');
  const method = call.request.method === 'HEAD' ? 'GET' : call.request.method;
  const found = routes[`${method} ${pathname.slice(mountPath.length)}`];
  return found ? found(call, searchParams) : { status: 404, body: { app: 'knows no such path' } };
}
