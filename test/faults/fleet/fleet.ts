/** Instances over one Redis, a load that remembers what was acknowledged, and an upstream that is often down. */

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
  /** How many instances. @default 4 */
  readonly size?: number;
  /** How long the upstream takes at most, in ms. @default 8 */
  readonly takes?: number;
  /** How long the upstream is down, and up, in ms, on average. @default 700 */
  readonly swing?: number;
  /** Takes out of the instances what keeps a lane to one: such a fleet must be found out. */
  readonly shim?: string;
}

interface Instance {
  readonly child: ChildProcess;
  readonly url: string;
}

const lanes = 24;
/** Writes that are sent at once, at most. */
const mostAtOnce = 4;
/** Nothing more is delivered when nothing was for so long, in ms. */
const patience = 20_000;
/** How often it is looked whether all is, in ms. */
const lookEvery = 400;

/** A fleet under load. */
export class Fleet {
  readonly redis: RedisServer;
  readonly proxy: CuttableProxy;
  readonly #options: FleetOptions;
  readonly #upstream: Instance;
  readonly #instances: Instance[] = [];
  readonly #acknowledged: Record<string, number[]> = {};
  #stopping = false;
  #onUp = () => {};
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
    const upstream = await start('upstream.ts', { TAKES: String(options.takes ?? 8) });
    const fleet = new Fleet(options, server, proxy, upstream);
    await Promise.all(Array.from({ length: fleet.size }, (_, index) => fleet.startInstance(index)));
    fleet.#load = Promise.all([
      fleet.#swing(),
      ...Array.from({ length: lanes }, (_, lane) => fleet.#write(`lane ${lane}`, lane)),
    ]);
    return fleet;
  }

  /** One that runs, by chance. */
  get some(): number {
    return Math.floor(this.#options.random() * this.size);
  }

  get size(): number {
    return this.#options.size ?? 4;
  }

  async startInstance(index: number): Promise<void> {
    const { folder, replicas = 0, shim } = this.#options;
    const env = {
      REDIS: `redis://127.0.0.1:${this.proxy.port}`,
      UPSTREAM: this.#upstream.url,
      REPLICAS: String(replicas),
      ...(folder && { FOLDER: join(folder, String(index)) }),
    };
    this.#instances[index] = await start('instance.ts', env, shim);
  }

  /** Resolves when the upstream is back from an outage. */
  untilBack(): Promise<void> {
    return new Promise((resolve) => {
      this.#onUp = resolve;
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

  /** As in a deployment, while it works. */
  async close(index: number): Promise<void> {
    const child = this.#instances[index]?.child;
    if (!child) return;
    const exit = once(child, 'exit');
    child.send('close');
    await exit;
  }

  /** Ends the load, waits until all is delivered, and lets the upstream judge. */
  async judge(): Promise<FleetVerdict> {
    this.#stopping = true;
    await this.#load;
    await this.#ask('/down', 'false');
    let least = Number.POSITIVE_INFINITY;
    let until = 0;
    let left = '';
    for (let turn = 0; ; turn += 1) {
      await pause(lookEvery);
      const verdict = await this.#verdict();
      const missing = verdict.lost.length;
      if (missing === 0) break;
      if (missing < least) until = Date.now() + patience;
      least = Math.min(least, missing);
      // Whoever looks tries again what was interrupted too often.
      if (turn % 5 === 0) left = await look(this.#instances[0]?.url ?? '');
      if (Date.now() > until)
        return { ...verdict, lost: [...verdict.lost.slice(0, 2), left, ...verdict.lost] };
    }
    // What was under way twice may come still.
    await pause(2 * lookEvery);
    return this.#verdict();
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

  async #verdict(): Promise<FleetVerdict> {
    const answer = await this.#ask('/judge', JSON.stringify(this.#acknowledged));
    return JSON.parse(answer) as FleetVerdict;
  }

  async #write(lane: string, number: number): Promise<void> {
    const { random, sticky } = this.#options;
    const acknowledged: number[] = [];
    this.#acknowledged[lane] = acknowledged;
    for (let next = 0; !this.#stopping; ) {
      const index = sticky ? number % this.size : this.some;
      const count = 1 + Math.floor(random() * mostAtOnce);
      const numbers = Array.from({ length: count }, (_, at) => next + at);
      next += count;
      const url = this.#instances[index]?.url ?? '';
      const body = JSON.stringify({ lane, texts: numbers.map(String) });
      const signal = AbortSignal.timeout(3_000);
      const sent = await fetch(url, { method: 'POST', body, signal })
        .then(async (response) => (await response.json()) as boolean[])
        .catch(() => []);
      acknowledged.push(...numbers.filter((_, at) => sent[at]));
      await pause(sent.length === 0 ? 50 : random() * 250);
    }
  }

  async #swing(): Promise<void> {
    const { random, swing = 700 } = this.#options;
    for (let down = true; !this.#stopping; down = !down) {
      await this.#ask('/down', String(down));
      if (!down) this.#onUp();
      for (let left = swing * (0.5 + random()); left > 0 && !this.#stopping; left -= 50)
        await pause(50);
    }
  }

  async #ask(path: string, body: string): Promise<string> {
    const response = await fetch(`${this.#upstream.url}${path}`, { method: 'POST', body });
    return response.text();
  }
}

async function look(url: string): Promise<string> {
  const answer = await fetch(url, { signal: AbortSignal.timeout(10_000) }).catch(String);
  return typeof answer === 'string' ? answer : answer.text();
}

async function start(file: string, env: NodeJS.ProcessEnv, shim?: string): Promise<Instance> {
  const child = fork(join(import.meta.dirname, file), {
    env: { ...process.env, ...env },
    execArgv: shim ? ['--import', new URL(`../shims/${shim}`, import.meta.url).href] : [],
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  const gone = once(child, 'exit').then(() => Promise.reject(new Error(`${file} does not start`)));
  const [port] = (await Promise.race([once(child, 'message'), gone])) as [number];
  gone.catch(() => {});
  return { child, url: `http://127.0.0.1:${port}` };
}
