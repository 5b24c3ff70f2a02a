/** A small proxy: each request goes to the next instance that answers. */

import { once } from 'node:events';
import { createServer, request, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

/** How long an instance may say nothing, in ms: then it is left out for as long. */
const patience = 2_000;

/** A proxy that runs. */
export interface RoundRobin {
  readonly port: number;
  close(): void;
}

/** Starts it in front of these ports. */
export async function roundRobin(ports: readonly number[]): Promise<RoundRobin> {
  const silentUntil = new Map<number, number>();
  let turn = 0;
  const server: Server = createServer((incoming, outgoing) => {
    const port = next();
    const { method, headers, url: path } = incoming;
    const call = request({ host: '127.0.0.1', port, method, headers, path, timeout: patience });
    call.on('response', (answer) => {
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(outgoing);
    });
    call.on('timeout', () => call.destroy(new Error('silent')));
    call.on('error', () => {
      silentUntil.set(port, performance.now() + patience);
      if (!outgoing.headersSent) outgoing.writeHead(502);
      outgoing.end();
    });
    incoming.pipe(call);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    close() {
      server.close();
      server.closeAllConnections();
    },
  };

  function next(): number {
    for (let tries = 0; tries < ports.length; tries += 1) {
      turn += 1;
      const port = ports[turn % ports.length] as number;
      if ((silentUntil.get(port) ?? 0) < performance.now()) return port;
    }
    return ports[turn % ports.length] as number;
  }
}
