/** Four instances over one Redis, a load that remembers what was acknowledged, and an upstream that is often down. */

import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { type RedisServer, redisServer } from '../../backends/redis/server.ts';
import { type CuttableProxy, startProxy } from './proxy.ts';
import type { FleetVerdict } from './upstream.ts';

/** How a fleet is set up. */
export interface FleetOptions {
  readonly random: () => number;
  /** Where each instance keeps what it takes while Redis is away; nowhere by default. */
  readonly folder?: string;
  /** Replicas that must have each write. */
  readonly replicas?: number;
  /** A lane goes to one instance: else to any, each time. */
  readonly sticky?: boolean;
}

interface Instance {
  readonly child: ChildProcess;
  readonly url: string;
}

const size = 4;
const lanes = 24;
/** How long the upstream is down, and up, in ms, on average. */
const swing = 900;
/** How long all that was queued may take to be delivered, in ms. */
const patience = 90_000;

/** A fleet under load. */
export class Fleet {
  readonly redis: RedisServer;
  readonly proxy: CuttableProxy;
  readonly #options: FleetOptions;
  readonly #upstream: Instance;
  readonly #instances: Instance[] = [];
  readonly #acknowledged: Record<string, number[]> = {};
  #stopping = false;
  #load: Promise<unknown> = Promise.resolve();

  private constructor(
    options: FleetOptions,
    redis: RedisServer,
    proxy: CuttableProxy,
    upstream: Instance,
  ) {
    this.#options = options;
    this.redis = redis;
    this.proxy = proxy;
    this.#upstream = upstream;
  }

  static async start(options: FleetOptions, redis?: RedisServer): Promise<Fleet> {
    const server = redis ?? (await redisServer());
    const proxy = await startProxy(server.port);
    const upstream = await start('upstream.ts', {});
    const fleet = new Fleet(options, server, proxy, upstream);
    for (let index = 0; index < size; index += 1) await fleet.startInstance(index);
    fleet.#load = Promise.all([
      fleet.#swing(),
      ...Array.from({ length: lanes }, (_, lane) => fleet.#write(`lane ${lane}`, lane)),
    ]);
    return fleet;
  }

  /** One that runs, by chance. */
  get some(): number {
    return Math.floor(this.#options.random() * size);
  }

  get size(): number {
    return size;
  }

  async startInstance(index: number): Promise<void> {
    const { folder, replicas = 0 } = this.#options;
    this.#instances[index] = await start('instance.ts', {
      REDIS: `redis://127.0.0.1:${this.proxy.port}`,
      UPSTREAM: this.#upstream.url,
      REPLICAS: String(replicas),
      ...(folder && { FOLDER: join(folder, String(index)) }),
    });
  }

  signal(index: number, signal: NodeJS.Signals): void {
    this.#instances[index]?.child.kill(signal);
  }

  async kill(index: number): Promise<void> {
    const child = this.#instances[index]?.child;
    if (!child) return;
    const exit = once(child, 'exit');
    child.kill('SIGKILL');
    await exit;
  }

  /** Ends the load, waits until all is delivered, and lets the upstream judge. */
  async judge(): Promise<FleetVerdict> {
    this.#stopping = true;
    await this.#load;
    await this.#ask('/down', 'false');
    const until = Date.now() + patience;
    while (Date.now() < until && !(await this.#isDrained())) await pause(200);
    return JSON.parse(
      await this.#ask('/judge', JSON.stringify(this.#acknowledged)),
    ) as FleetVerdict;
  }

  async end(): Promise<void> {
    this.#stopping = true;
    for (const { child } of [...this.#instances, this.#upstream]) {
      child.kill('SIGCONT');
      child.kill('SIGKILL');
    }
    this.proxy.close();
    await this.redis.close();
  }

  /** Nothing is left in two looks of every instance. */
  async #isDrained(): Promise<boolean> {
    for (let look = 0; look < 2; look += 1) {
      for (const { url } of this.#instances) {
        const status = await fetch(`${url}/retry`, { signal: AbortSignal.timeout(10_000) })
          .then((response) => response.json())
          .catch(() => ({ size: 1 }));
        if ((status as { size: number }).size > 0) return false;
      }
      await pause(1_200);
    }
    return true;
  }

  async #write(lane: string, number: number): Promise<void> {
    const { random, sticky } = this.#options;
    const acknowledged: number[] = [];
    this.#acknowledged[lane] = acknowledged;
    for (let text = 0; !this.#stopping; text += 1) {
      const index = sticky ? number % size : this.some;
      const url = this.#instances[index]?.url ?? '';
      const body = JSON.stringify({ lane, text: String(text) });
      const sent = await fetch(url, {
        method: 'POST',
        body,
        signal: AbortSignal.timeout(3_000),
      }).catch(() => undefined);
      const outcome = sent?.ok ? await sent.text().catch(() => '') : '';
      if (outcome !== '') acknowledged.push(text);
      await pause(outcome === '' ? 50 : random() * 60);
    }
  }

  async #swing(): Promise<void> {
    const { random } = this.#options;
    for (let down = true; !this.#stopping; down = !down) {
      await this.#ask('/down', String(down));
      for (let left = swing * (0.5 + random()); left > 0 && !this.#stopping; left -= 50)
        await pause(50);
    }
  }

  async #ask(path: string, body: string): Promise<string> {
    const response = await fetch(`${this.#upstream.url}${path}`, { method: 'POST', body });
    return response.text();
  }
}

async function start(file: string, env: NodeJS.ProcessEnv): Promise<Instance> {
  const child = fork(join(import.meta.dirname, file), {
    env: { ...process.env, ...env },
    execArgv: ['--conditions=@graphiti-fallback/source'],
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  const gone = once(child, 'exit').then(() => Promise.reject(new Error(`${file} does not start`)));
  const [port] = (await Promise.race([once(child, 'message'), gone])) as [number];
  gone.catch(() => {});
  return { child, url: `http://127.0.0.1:${port}` };
}
