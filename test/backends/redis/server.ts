/** Real Redis servers: Debian's program, on free ports, with folders of their own. */

import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { createClient } from '@redis/client';
import { freePort } from '../../free-port.ts';

/** A server that answers, until it is stopped. */
export interface RedisServer extends AsyncDisposable {
  readonly url: string;
  readonly port: number;
  readonly process: ChildProcess;
  /** One command, by a connection of its own. */
  command(...args: readonly string[]): Promise<unknown>;
  /** Ends it as a crash would, or stops and continues it. */
  kill(signal?: NodeJS.Signals): Promise<void>;
  /** Starts it again on the same port and folder. */
  restart(): Promise<void>;
  /** Ends it, and its folder is gone. */
  close(): Promise<void>;
}

/** Settings with which nothing that was acknowledged is lost. */
export const durable = ['--appendonly', 'yes', '--appendfsync', 'always'];

/** How long it may take to start, in ms. */
const startWithin = 30_000;

/** How to get a Redis, where there is none. */
export function missingRedis(): string | undefined {
  if (spawnSync('redis-server', ['--version']).status === 0) return undefined;
  return 'There is no redis-server to test with: apt-get install redis-server';
}

/**
 * Starts a server.
 *
 * @throws {Error} when it does not answer in time
 */
export async function redisServer(
  settings: readonly string[] = durable,
  env: NodeJS.ProcessEnv = {},
): Promise<RedisServer> {
  const port = await freePort();
  const folder = mkdtempSync(join(tmpdir(), 'redis-'));
  const url = `redis://127.0.0.1:${port}`;
  let running = await start();
  const close = async () => {
    running.kill('SIGCONT');
    running.kill('SIGKILL');
    await ended(running);
    rmSync(folder, { recursive: true, force: true });
  };
  return {
    url,
    port,
    get process() {
      return running;
    },
    command: (...args) => asked(url, args),
    async kill(signal = 'SIGKILL') {
      running.kill(signal);
      if (signal === 'SIGKILL') await ended(running);
    },
    async restart() {
      running = await start();
    },
    close,
    [Symbol.asyncDispose]: close,
  };

  async function start(): Promise<ChildProcess> {
    const own = ['--port', `${port}`, '--bind', '127.0.0.1', '--dir', folder, '--save', ''];
    const child = spawn('redis-server', [...own, ...settings], {
      stdio: 'ignore',
      env: { ...process.env, ...env },
    });
    await answering(port, child);
    return child;
  }
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
}

async function answering(port: number, child: ChildProcess): Promise<void> {
  const until = Date.now() + startWithin;
  while (Date.now() < until && child.exitCode === null) {
    const answer = await asked(`redis://127.0.0.1:${port}`, ['PING']).catch(String);
    if (answer === 'PONG' || /NOAUTH|NOPERM/.test(String(answer))) return;
    await pause(20);
  }
  throw new Error('redis-server does not start');
}

async function asked(url: string, args: readonly string[]): Promise<unknown> {
  const client = createClient({ url, RESP: 2, socket: { reconnectStrategy: false } });
  client.on('error', () => {});
  await client.connect();
  try {
    return await client.sendCommand([...args]);
  } finally {
    client.destroy();
  }
}
