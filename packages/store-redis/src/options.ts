/** What a user may choose, checked when the store is made. */

import {
  checkOptions,
  type Journal,
  milliseconds,
  wholeNumber,
  withMethods,
} from '@graphiti-fallback/core';
import type { createClient } from '@redis/client';

type Client = ReturnType<typeof createClient>;

/** Options of `redisStore`. */
export interface RedisStoreOptions {
  /** `redis[s]://[[user][:password]@]host[:port][/database]`. Either this or `client` is needed. */
  readonly url?: string;
  /** A client of `@redis/client` whose settings are taken, with connections of its own. */
  readonly client?: { duplicate(overrides?: object): unknown };
  /**
   * A journal on this machine. It takes the writes while Redis is away, and keeps what each instance has
   * for itself: its cached answers, local entities and outages. @default memory, and no write is taken while
   * Redis is away
   */
  readonly local?: Journal;
  /** How many replicas must have a write before its receipt is given. @default 0 */
  readonly replicas?: number;
  /**
   * How long an instance holds its lanes without a word, in ms; longer where a write's deadline needs
   * it. @default 30,000
   */
  readonly lease?: number;
  /** How long one command may take, in ms. @default 1,000 */
  readonly commandTimeout?: number;
}

/** Options with every default in place. */
export interface ResolvedRedisOptions {
  /** Makes a client that is not connected. */
  readonly connect: () => Promise<Client>;
  /** For people, without credentials. */
  readonly location: string;
  readonly local: Journal | undefined;
  readonly replicas: number;
  readonly leaseMs: number;
  readonly callMs: number;
}

const journal = withMethods('a journal', 'open', 'entries', 'commit', 'status', 'close');

const checks = {
  url: (value: unknown) => (isRedisUrl(value) ? undefined : expectedUrl),
  client: withMethods('a client of @redis/client', 'duplicate'),
  local: journal,
  replicas: wholeNumber(0),
  lease: milliseconds(1_000),
  commandTimeout: milliseconds(10),
};

/** Timers of Node know no longer ones, in ms: twice as long is waited for a server's first word. */
const longestTimeout = 2 ** 30 - 1;

const expectedUrl = 'a URL such as redis://localhost:6379';

/**
 * Checks options and adds defaults. A URL is never shown: it may hold a password.
 *
 * @throws {TypeError} naming the option and what was expected
 */
export function resolveOptions(options: RedisStoreOptions): ResolvedRedisOptions {
  const { url, client } = Object(options) as RedisStoreOptions;
  if (url !== undefined && !isRedisUrl(url))
    throw new TypeError(
      `Expected \`url\` of redisStore to be ${expectedUrl}, got ${typeof url === 'string' ? 'another text' : typeof url}`,
    );
  checkOptions('redisStore', options, checks);
  if ((url === undefined) === (client === undefined))
    throw new TypeError('Expected either `url` or `client` of redisStore, got both or none');
  const callMs = Math.min(options.commandTimeout ?? 1_000, longestTimeout);
  const settings = {
    RESP: 2,
    maintNotifications: 'disabled', // they need RESP 3
    disableOfflineQueue: true,
    commandsQueueMaxLength: 50_000,
    socket: { connectTimeout: callMs, reconnectStrategy: false },
  } as const;
  return {
    connect: url === undefined ? duplicateOf(client) : clientOf(url),
    location: url === undefined ? 'redis' : withoutSecrets(url),
    local: options.local,
    replicas: options.replicas ?? 0,
    leaseMs: options.lease ?? 30_000,
    callMs,
  };

  /** Loaded when it is needed: whoever has the choice of this store need not pay for its client. */
  function clientOf(address: string): () => Promise<Client> {
    return async () => {
      const { createClient: create } = await import('@redis/client');
      return create({ url: address, ...settings }) as never;
    };
  }

  function duplicateOf(given: RedisStoreOptions['client']): () => Promise<Client> {
    return async () => {
      const { socket } = Object(Reflect.get(Object(given), 'options')) as { socket?: object };
      return given?.duplicate({
        ...settings,
        socket: { ...socket, ...settings.socket },
      }) as Client;
    };
  }
}

/** Whether `redisStore` takes it as its `url`: a password that cannot be decoded would fail when it connects. */
export function isRedisUrl(value: unknown): value is string {
  if (typeof value !== 'string' || !URL.canParse(value)) return false;
  const { protocol, hostname, pathname, search, hash, username, password } = new URL(value);
  // What comes after the path is most likely the rest of a password with a ? or # in it.
  const isComplete = /^rediss?:$/.test(protocol) && hostname !== '' && search === '' && hash === '';
  return isComplete && /^(\/\d*)?$/.test(pathname) && [username, password].every(isEncoded);
}

function isEncoded(text: string): boolean {
  try {
    decodeURIComponent(text);
    return true;
  } catch {
    return false;
  }
}

function withoutSecrets(url: string): string {
  const { protocol, host, pathname } = new URL(url);
  return `${protocol}//${host}${pathname}`;
}
