/** A server as a process of its own, which tells its CPU time. */

import { fork } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { plainEnvironment } from '../plain-environment.ts';
import { apps } from './apps.ts';
import { createGraphiti } from './graphiti.ts';

const self = fileURLToPath(import.meta.url);

/** A server that runs. */
export interface Server {
  readonly url: string;
  /** CPU time since its start, in µs; young garbage is collected before. */
  cpuTime(): Promise<number>;
  end(): void;
}

/** Starts `graphiti`, or an app by its name. */
export async function startServer(
  name: string,
  environment: Readonly<Record<string, string>> = {},
): Promise<Server> {
  const child = fork(self, [name], {
    execArgv: ['--expose-gc'],
    env: plainEnvironment(environment),
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  const answer = async () => {
    const [told] = await once(child, 'message');
    return told as unknown;
  };
  const url = String(await answer());
  return {
    url,
    async cpuTime() {
      child.send('cpu');
      return Number(await answer());
    },
    end: () => child.kill(),
  };
}

if (process.argv[1] === self) {
  const name = process.argv[2] ?? '';
  const create = name === 'graphiti' ? createGraphiti : apps[name];
  if (!create) throw new Error(`There is no app '${name}'`);
  // Load comes with pauses in between: a connection that ends just then would be an error of the measurement.
  const server = createServer({ keepAliveTimeout: 600_000 }, create()).listen(0, '127.0.0.1');
  await once(server, 'listening');
  process.on('message', () => {
    globalThis.gc?.({ type: 'minor' });
    const { user, system } = process.cpuUsage();
    process.send?.(user + system);
  });
  process.on('disconnect', () => process.exit());
  process.send?.(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
}
