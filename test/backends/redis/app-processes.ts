/** Instances of the app as processes, over an upstream that really serves HTTP. */

import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { join } from 'node:path';

/** What an app is given. */
export interface AppEnvironment {
  readonly REDIS: string;
  readonly VALUES?: string;
  readonly UPSTREAM: string;
  readonly FOLDER?: string;
  /** How long an answer is fresh, in ms. */
  readonly TTL?: string;
  /** Which sections of the kit tell what they do. */
  readonly GRAPHITI_FALLBACK_DEBUG?: string;
}

/** One instance. */
export interface App {
  readonly process: ChildProcess;
  /** What it wrote to stdout and stderr. */
  readonly output: readonly string[];
  /** Asks it something; the answer with its status. */
  ask(what: string, id?: string): Promise<{ readonly status: number; readonly body: never }>;
  end(signal?: NodeJS.Signals): Promise<void>;
}

/** Many of them start: what one has compiled the next one need not. */
const compiled = join(import.meta.dirname, '../../../node_modules/.vite/backends/compiled');

/** Starts one, and waits until it is open. */
export async function startApp(environment: AppEnvironment): Promise<App> {
  const { NODE_ENV: _env, VITEST: _vitest, ...inherited } = process.env;
  const child = fork(join(import.meta.dirname, 'fleet-app.ts'), {
    execArgv: ['--conditions=@graphiti-fallback/source'],
    env: { NODE_COMPILE_CACHE: compiled, ...inherited, ...environment },
    silent: true,
  });
  const output: string[] = [];
  child.stdout?.on('data', (data) => output.push(String(data)));
  child.stderr?.on('data', (data) => output.push(String(data)));
  const [port] = await once(child, 'message');
  return {
    process: child,
    output,
    async ask(what, id = '') {
      const url = `http://127.0.0.1:${port}/${what}/${encodeURIComponent(id)}`;
      const response = await fetch(url);
      return { status: response.status, body: (await response.json()) as never };
    },
    async end(signal = 'SIGKILL') {
      child.kill('SIGCONT');
      child.kill(signal);
      if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
    },
  };
}

/** An upstream that tells which instance asked, and answers as it is told. */
export class HttpUpstream {
  readonly requests: { readonly method: string; readonly id: string; readonly by: string }[] = [];
  /** What it answers instead of 200. */
  status = 200;
  headers: Readonly<Record<string, string>> = {};
  /** What is in the answer. */
  text = 'first';
  /** Answers to GET wait for it; what they say is read before. */
  hold: Promise<void> | undefined;
  readonly #server: Server;

  private constructor() {
    this.#server = createServer(async (request, response) => {
      const { method = '', url = '' } = request;
      const by = String(request.headers['x-instance']);
      this.requests.push({ method, id: decodeURIComponent(url.slice(1)), by });
      const { text, status } = this;
      if (method === 'GET') await this.hold;
      response.writeHead(status, { 'content-type': 'application/json', ...this.headers });
      response.end(JSON.stringify({ text }));
    });
  }

  static async start(): Promise<HttpUpstream> {
    const upstream = new HttpUpstream();
    upstream.#server.listen(0, '127.0.0.1');
    await once(upstream.#server, 'listening');
    return upstream;
  }

  get url(): string {
    const address = this.#server.address();
    return `http://127.0.0.1:${typeof address === 'object' && address ? address.port : 0}`;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
  }
}
