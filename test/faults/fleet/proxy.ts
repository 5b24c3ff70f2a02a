/** A connection between the instances and Redis that can be cut, or led elsewhere. */

import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';

/** A proxy in front of a server on this machine. */
export interface CuttableProxy {
  readonly port: number;
  /** Where new connections go; those that are there are cut. */
  lead(port: number): void;
  /** Lets what is asked next on one connection reach the server, and its answer nobody. */
  loseAnswer(chance: number): void;
  close(): void;
}

/** Starts one on a free port. */
export async function startProxy(target: number): Promise<CuttableProxy> {
  let port = target;
  const pairs = new Set<{ client: Socket; server: Socket; losing: boolean }>();
  const listener = createServer((client) => {
    const server = connect(port, '127.0.0.1');
    const pair = { client, server, losing: false };
    pairs.add(pair);
    client.setNoDelay(true);
    server.setNoDelay(true);
    const end = () => {
      pairs.delete(pair);
      client.destroy();
      server.destroy();
    };
    client.on('data', (data) => {
      server.write(data);
    });
    server.on('data', (data) => {
      if (!pair.losing) client.write(data);
      else end();
    });
    for (const socket of [client, server]) {
      socket.on('error', end);
      socket.on('close', end);
    }
  });
  listener.listen(0, '127.0.0.1');
  await once(listener, 'listening');
  const address = listener.address();
  return {
    port: typeof address === 'object' && address ? address.port : 0,
    lead(to) {
      port = to;
      for (const { client } of [...pairs]) client.destroy();
    },
    loseAnswer(chance) {
      const pair = [...pairs][Math.floor(chance * pairs.size)];
      if (pair) pair.losing = true;
    },
    close() {
      listener.close();
      for (const { client } of [...pairs]) client.destroy();
    },
  };
}
