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

/**
 * Starts it with its files in `folder`.
 *
 * @throws {Error} where there is no redis-server, saying how to get it
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
  const missing = once(child, 'error').then(([error]) => {
    throw new Error('There is no redis-server here: install it, or set REDIS_URL', {
      cause: error,
    });
  });
  await Promise.race([missing, answering(port)]);
  return {
    url: `redis://127.0.0.1:${port}`,
    async close() {
      const exit = once(child, 'exit');
      child.kill();
      await exit;
    },
  };
}

async function answering(port: number): Promise<void> {
  for (;;) {
    const socket = connect(port, '127.0.0.1');
    const [connected] = await Promise.race([
      once(socket, 'connect').then(() => [true]),
      once(socket, 'close').then(() => [false]),
    ]).catch(() => [false]);
    socket.destroy();
    if (connected) return;
    await sleep(50);
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  return port;
}
