/** A server that a test scripts: it records what comes in, and answers what the test says. */

import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { FallbackManager } from '@graphiti-fallback/core';
import { onTestFinished } from 'vitest';
import type { GraphitiClient } from './client.ts';
import {
  type GraphitiOptions,
  type GraphitiUpstream,
  graphitiUpstream,
} from './graphiti-upstream.ts';

export interface Received {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: unknown;
}

export interface TestServer {
  readonly url: string;
  readonly received: Received[];
  /** Answers everything from now on. */
  answer: (request: Received, response: ServerResponse) => void;
}

export function json(status: number, body: unknown, headers: Record<string, string> = {}) {
  return (_request: Received, response: ServerResponse): void => {
    response.writeHead(status, { 'content-type': 'application/json', ...headers });
    response.end(JSON.stringify(body));
  };
}

/** Starts a server that ends with the test. */
export async function testServer(answer: TestServer['answer']): Promise<TestServer> {
  const received: Received[] = [];
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    const text = Buffer.concat(chunks).toString('utf8');
    const { method = '', url = '', headers } = request;
    const one = { method, url, headers, body: text ? JSON.parse(text) : undefined };
    received.push(one);
    self.answer(one, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  const self: TestServer = { url: `http://127.0.0.1:${port}`, received, answer };
  return self;
}

/** A client on a manager that ends with the test. */
export function testClient(options: GraphitiOptions): {
  client: GraphitiClient;
  manager: FallbackManager;
  upstream: GraphitiUpstream;
} {
  const upstream = graphitiUpstream(options);
  const manager = new FallbackManager({
    name: 'graphiti',
    application: 'test',
    upstream: upstream.url,
    logger: false,
    retry: { retries: 0 },
    random: () => 0,
    health: { checks: upstream.checkers, interval: 0 },
  });
  onTestFinished(() => manager.close());
  return { upstream, manager, client: upstream.client(manager) };
}
