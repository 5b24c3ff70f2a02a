/** A Graphiti-compatible server with a client on it, both of which end with the test. */

import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import {
  FallbackManager,
  type FallbackManagerOptions,
  isFallbackError,
} from '@graphiti-fallback/core';
import {
  type GraphitiClient,
  type GraphitiOptions,
  graphitiUpstream,
} from '@graphiti-fallback/graphiti';
import {
  type GraphitiServer,
  type GraphitiServerOptions,
  graphitiServer,
} from '@graphiti-fallback/testing';
import { onTestFinished } from 'vitest';

/** How long something that is polled for may take on a busy machine. */
export const soon = { timeout: 15_000 };

/** A message. */
export const said = (content: string) => ({ role_type: 'user', role: 'ann', content }) as const;

/** The contents of what the server took of a group, in its order of arrival. */
export function taken(server: GraphitiServer, group = 'g'): string[] {
  return server.messages(group).map(({ content }) => content);
}

/** The contents of what the server has stored of a group. */
export function stored(server: GraphitiServer, group = 'g'): string[] {
  return server.episodes(group).map(({ content }) => content.replace(/^.*?\): /, ''));
}

/** Starts a server. */
export async function startServer(options?: GraphitiServerOptions): Promise<GraphitiServer> {
  const server = await graphitiServer(options);
  onTestFinished(() => server.close());
  return server;
}

/** Starts a proxy before a server: where `answer` gives a status, that is all that its client hears. */
export async function startProxy(
  server: GraphitiServer,
  answer: (method: string, path: string) => { status: number; passesOn: boolean } | undefined,
): Promise<string> {
  const proxy = createServer(async (request, response) => {
    const { method = '', url = '' } = request;
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    const instead = answer(method, url);
    const passed =
      instead?.passesOn === false
        ? undefined
        : await fetch(`${server.url}${url}`, {
            method,
            headers: { 'content-type': 'application/json' },
            ...(chunks.length > 0 && { body: Buffer.concat(chunks) }),
          });
    response.writeHead(instead?.status ?? passed?.status ?? 500, {
      'content-type': 'application/json',
    });
    response.end(instead ? '' : await passed?.text());
  });
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    proxy.closeAllConnections();
    proxy.close();
  });
  return `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`;
}

/** Makes a client of a server on a manager of its own. */
export function clientOf(
  server: GraphitiServer,
  graphiti: Partial<GraphitiOptions> = {},
  managed: Partial<FallbackManagerOptions> = {},
) {
  const upstream = graphitiUpstream({
    url: server.url,
    reconcileFor: 50,
    confirm: { interval: 20, maxInterval: 100 },
    ...graphiti,
  });
  const manager = new FallbackManager({
    ...upstream.preset,
    name: 'graphiti',
    application: 'graphiti-test',
    logger: false,
    recoveryRamp: 0,
    retry: { retries: 0 },
    breaker: { failureThreshold: 2, successThreshold: 1, openFor: 100 },
    random: () => 0,
    ...managed,
    health: { ...upstream.preset.health, interval: 0, ...managed.health },
  });
  onTestFinished(() => manager.close());
  return { upstream, manager, client: upstream.client(manager) };
}

/** Both. */
export async function setUp(
  graphiti: Partial<GraphitiOptions> = {},
  managed: Partial<FallbackManagerOptions> = {},
) {
  const server = await startServer();
  return { server, ...clientOf(server, graphiti, managed) };
}

/** Whether there is an answer while Graphiti is down. */
export async function atHand(answer: Promise<unknown>): Promise<boolean> {
  try {
    await answer;
    return true;
  } catch (error) {
    if (isFallbackError(error, 'FALLBACK_UNAVAILABLE')) return false;
    throw error;
  }
}

/** Graphiti does not answer, and the manager's own breaker knows it. */
export async function outage(manager: FallbackManager, client: GraphitiClient): Promise<void> {
  while (!manager.active) await atHand(client.getEpisodes('nobody', 1));
}
