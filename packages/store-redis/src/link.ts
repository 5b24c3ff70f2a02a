/** One connection that fails fast: nothing waits for a server that is away, and every call ends. */

import { SharedQueueUnavailable } from '@graphiti-fallback/core';
import type { createClient } from '@redis/client';
import { digests, type ScriptName, scripts } from './scripts/scripts.ts';

type Client = ReturnType<typeof createClient>;

/** What Redis may answer. */
export type Reply = string | number | null | readonly Reply[];

/** A reply that is a list; an empty one of what is none. */
export function listOf(reply: Reply | undefined): readonly Reply[] {
  return Array.isArray(reply) ? (reply as readonly Reply[]) : [];
}

interface LinkOptions {
  /** Makes a client that is not connected. */
  readonly connect: () => Promise<Client>;
  /** How long one call may take, in ms. */
  readonly callMs: number;
  /** Told when a connection is there, and why there is none. */
  readonly onReady: () => void;
  readonly onDown: (error: unknown) => void;
}

/** Errors after which nothing was done, and the next call may fare better. */
const refusals =
  /^(OOM|READONLY|NOREPLICAS|MISCONF|LOADING|MASTERDOWN|BUSY|CLUSTERDOWN|NOPERM|NOAUTH|WRONGPASS)/;

/** The same, as servers before 7 report them of a script. */
const refusalsInScripts = /^ERR Error running script .*-((OOM|READONLY|NOREPLICAS|MISCONF) .*)/s;

/** A hung server accepts connections and says nothing: after so many silent calls a new one is made. */
const mostSilences = 2;
/** A connection is ready, or given up, within the time of so many calls: to connect, and to say who it is. */
const handshakes = 2;
/** A connection that was lost is made anew after this time, doubling to the longest, in ms. */
const shortestPause = 50;
const longestPause = 2_000;

/** A connection to one server; what it is asked while there is none is refused at once. */
export class Link {
  readonly #options: LinkOptions;
  #client: Client | undefined;
  /** Grows when a connection is given up: one that is made meanwhile is not used. */
  #attempt = 0;
  #ready = false;
  #closed = true;
  #silences = 0;
  #failures = 0;
  #again: NodeJS.Timeout | undefined;

  constructor(options: LinkOptions) {
    this.#options = options;
  }

  get ready(): boolean {
    return this.#ready;
  }

  open(): void {
    if (!this.#closed) return;
    this.#closed = false;
    this.#connect();
  }

  /** Runs a script; it is loaded where the server does not know it. */
  async run(
    script: ScriptName,
    keys: readonly string[],
    args: readonly (string | number | Buffer)[],
  ): Promise<Reply> {
    const own = args.map((arg) => (typeof arg === 'number' ? String(arg) : arg));
    const rest = [String(keys.length), ...keys, ...own];
    try {
      return await this.#send(['EVALSHA', digests[script], ...rest]);
    } catch (error) {
      if (!messageOf(error).startsWith('NOSCRIPT')) throw error;
      return await this.#send(['EVAL', scripts[script], ...rest]);
    }
  }

  command(...args: readonly string[]): Promise<Reply> {
    return this.#send(args);
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#again);
    this.#drop();
  }

  async #send(args: readonly (string | Buffer)[]): Promise<Reply> {
    const client = this.#client;
    if (!client || !this.#ready) throw new SharedQueueUnavailable('Redis is away', false);
    try {
      return await this.#inTime(client.sendCommand([...args]) as unknown as Promise<Reply>);
    } catch (cause) {
      if (cause instanceof SharedQueueUnavailable) throw cause;
      const message = messageOf(cause).replace(refusalsInScripts, '$1');
      if (refusals.test(message)) {
        const [code = ''] = message.split(' ');
        throw new SharedQueueUnavailable(code, false, { cause });
      }
      if (/^[A-Z]+ /.test(message)) throw cause;
      throw new SharedQueueUnavailable('The connection to Redis was lost', true, { cause });
    }
  }

  /** The timer keeps the process alive while somebody waits: the connection does not. */
  #inTime<T>(answer: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        const ms = this.#options.callMs;
        reject(new SharedQueueUnavailable(`Redis did not answer in ${ms} ms`, true));
        this.#silences += 1;
        if (this.#silences < mostSilences || this.#closed) return;
        this.#lost(new SharedQueueUnavailable('Redis does not answer', true));
      }, this.#options.callMs);
      answer
        .then((value) => {
          this.#silences = 0;
          resolve(value);
        }, reject)
        .finally(() => clearTimeout(timer));
    });
  }

  #connect(): void {
    const attempt = this.#attempt;
    this.#options.connect().then(
      (client) => attempt === this.#attempt && this.#use(client),
      (error: unknown) => attempt === this.#attempt && this.#lost(error),
    );
  }

  #use(client: Client): void {
    this.#client = client;
    client.unref();
    const lost = (error: unknown) => {
      if (this.#client === client) this.#lost(error);
    };
    // One that takes the connection and says nothing would be waited for until the network gives up.
    const patience = setTimeout(
      () => lost(new SharedQueueUnavailable('Redis does not answer', false)),
      handshakes * this.#options.callMs,
    );
    patience.unref();
    client.on('end', () => clearTimeout(patience));
    client.on('ready', () => {
      clearTimeout(patience);
      if (this.#client !== client) return;
      this.#failures = 0;
      this.#ready = true;
      this.#options.onReady();
    });
    client.on('error', lost);
    client.on('end', () => lost(undefined));
    client.connect().catch(lost);
  }

  /** By a timer of ours: the client's own would keep the process alive. */
  #lost(error: unknown): void {
    this.#drop();
    this.#options.onDown(error);
    if (this.#closed) return;
    const longest = Math.min(shortestPause * 2 ** this.#failures, longestPause);
    this.#failures = Math.min(this.#failures + 1, 10);
    clearTimeout(this.#again);
    this.#again = setTimeout(() => this.#connect(), longest * (0.5 + Math.random() / 2));
    this.#again.unref();
  }

  #drop(): void {
    const client = this.#client;
    this.#client = undefined;
    this.#attempt += 1;
    this.#ready = false;
    this.#silences = 0;
    try {
      client?.destroy();
    } catch {
      // It was never connected.
    }
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
