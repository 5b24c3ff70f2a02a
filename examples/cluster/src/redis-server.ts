/** A Redis for the demo: the one that REDIS_URL names, or a process of its own that syncs every write. */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

/** A server that answers. */
export interface RedisForDemo {
  readonly url: string;
  close(): Promise<void>;
}

/** There is none, and how to get one. */
export class NoRedisServer extends Error {
  constructor(cause: unknown) {
    super(
      'The demo of a cluster needs redis-server, which is not here: `apt-get install redis-server` or `brew install redis`; or let REDIS_URL name one that runs, such as redis://localhost:6379',
      { cause },
    );
  }
}

/**
 * Starts it with its files in `folder`.
 *
 * @throws {NoRedisServer} where there is no redis-server
 * @throws {Error} where it does not run
 */
export async function redisForDemo(folder: string): Promise<RedisForDemo> {
  const { REDIS_URL } = process.env;
  if (REDIS_URL) return { url: REDIS_URL, close: async () => {} };
  const port = await freePort();
  const settings = ['--appendonly', 'yes', '--appendfsync', 'always', '--save', ''];
  const child = spawn(
    'redis-server',
    ['--port', `${port}`, '--bind', '127.0.0.1', '--dir', folder, ...settings],
    { stdio: 'ignore' },
  );
  await once(child, 'spawn').catch((error: unknown) => {
    throw new NoRedisServer(error);
  });
  const ended = once(child, 'exit').then(
    ([code, signal]) => `redis-server ended: ${code ?? signal}`,
  );
  const why = await Promise.race([ended, answering(port)]);
  if (why !== undefined) throw new Error(why);
  return {
    url: `redis://127.0.0.1:${port}`,
    async close() {
      child.kill();
      await ended;
    },
  };
}

async function answering(port: number): Promise<undefined> {
  for (;;) {
    const socket = connect(port, '127.0.0.1');
    const [connected] = await Promise.race([
      once(socket, 'connect').then(() => [true]),
      once(socket, 'close').then(() => [false]),
    ]).catch(() => [false]);
    socket.destroy();
    if (connected) return undefined;
    await sleep(50, undefined, { ref: false });
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  return port;
}
