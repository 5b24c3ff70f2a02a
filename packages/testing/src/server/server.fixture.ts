/** What the tests of the server share: one that ends with its test, and a way to ask it. */

import { onTestFinished } from 'vitest';
import { type GraphitiServer, graphitiServer } from './graphiti-server.ts';
import type { GraphitiServerOptions } from './options.ts';

/** Starts a server that is closed when the test has finished. */
export async function started(options?: GraphitiServerOptions): Promise<GraphitiServer> {
  const server = await graphitiServer(options);
  onTestFinished(() => server.close());
  return server;
}

/** An answer, read to its end. */
export interface Received<Body> {
  readonly status: number;
  readonly type: string | null;
  readonly headers: Headers;
  readonly body: Body;
}

/** Sends a request; a string goes out as it is, everything else as JSON. */
export async function call<Body = unknown>(
  url: string,
  method: string,
  path: string,
  body?: unknown,
): Promise<Received<Body>> {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  const headers = { 'content-type': 'application/json' };
  const init = { method, headers, signal: AbortSignal.timeout(3000) };
  const response = await fetch(url + path, text === undefined ? init : { ...init, body: text });
  const type = response.headers.get('content-type');
  const read = type?.startsWith('application/json') ? response.json() : response.text();
  return { status: response.status, type, headers: response.headers, body: (await read) as Body };
}

/** A message with the two required keys filled in. */
export function message(content: string, rest: object = {}): object {
  return { content, role_type: 'user', role: null, ...rest };
}

/** Adds messages to a group and waits until they are ingested. */
export async function ingest(
  server: GraphitiServer,
  groupId: string,
  ...messages: object[]
): Promise<void> {
  await call(server.url, 'POST', '/messages', { group_id: groupId, messages });
  await server.ingested();
}
