/** Graphiti, lowdb files and the environment put together: the defaults of the one line. */

import type { IncomingMessage } from 'node:http';
import {
  type Check,
  checkOptions,
  composeStores,
  debugSection,
  FallbackManager,
  type FallbackManagerOptions,
  httpUrl,
  type Journal,
  memoryJournal,
} from '@graphiti-fallback/core';
import {
  type GraphitiClient,
  type GraphitiOptions,
  graphitiUpstream,
} from '@graphiti-fallback/graphiti';
import { lowdbStore } from '@graphiti-fallback/store-lowdb';
import { redisStore } from '@graphiti-fallback/store-redis';
import { type Environment, readEnvironment, unknownVariables } from './environment.ts';
import { type StatusOptions, statusChecks } from './status-options.ts';

/** Options of `graphitiFallback()`: those of a manager, and of the Graphiti client. */
export interface GraphitiFallbackOptions<Caller = IncomingMessage>
  extends Omit<FallbackManagerOptions, 'name' | 'upstream'>,
    Partial<GraphitiOptions>,
    StatusOptions<Caller> {
  /** The manager's name. @default 'graphiti' */
  readonly name?: string;
}

/** What the one line is made of. */
export interface Composition {
  readonly manager: FallbackManager;
  readonly client: GraphitiClient;
  /** How its status is served. */
  readonly status: StatusOptions<never>;
}

/** The manager's name where none is given. */
export const defaultName = 'graphiti';

/** A group of options; what is in it is checked by whom it is for, as is all that has no check here. */
const group: Check = (value) =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
    ? undefined
    : 'an object of options';
const later: Check = () => undefined;

const checks: Readonly<Record<keyof GraphitiFallbackOptions, Check>> = {
  url: httpUrl,
  fetch: later,
  headers: later,
  reconcileFor: later,
  messageTimeoutMs: later,
  confirm: later,
  ...statusChecks,
  name: later,
  application: later,
  mode: later,
  store: later,
  cache: group,
  entities: group,
  breaker: group,
  timeouts: group,
  retry: group,
  bulkhead: group,
  queue: group,
  drain: group,
  health: group,
  telemetry: group,
  recoveryRamp: later,
  closeTimeout: later,
  classify: later,
  logger: later,
  clock: later,
  random: later,
};

/**
 * Puts a manager and a Graphiti client together, with what options and environment leave open.
 *
 * @throws {TypeError} when an option or a variable is wrong, naming it, what was expected and what came
 */
export function composeGraphiti(options: GraphitiFallbackOptions<never> = {}): Composition {
  assertNode(process.versions.node);
  checkGraphitiOptions(options);
  const environment = readEnvironment();
  for (const warning of unknownVariables()) process.emitWarning(warning, 'FallbackWarning');
  const {
    url = environment.graphitiUrl,
    fetch,
    headers,
    reconcileFor,
    confirm: confirming,
    statusPath,
    publicPath,
    traceUrl,
    authorize,
    hosts,
    events,
    ...rest
  } = options;
  const { messageTimeoutMs = rest.timeouts?.write, ...manager } = rest;
  const confirm = confirmOf(confirming, environment.confirm);
  const upstream = graphitiUpstream(
    given({ url, fetch, headers, reconcileFor, confirm, messageTimeoutMs }),
  );
  const stores = storesOf(options, environment);
  const { failureThreshold, successThreshold, openFor } = environment;
  const { preset } = upstream;
  const created = new FallbackManager({
    ...preset,
    name: defaultName,
    ...given({ mode: environment.mode }),
    ...given(manager),
    upstream: url,
    timeouts: { ...preset.timeouts, ...given(options.timeouts ?? {}) },
    retry: { ...preset.retry, ...given(options.retry ?? {}) },
    drain: { ...preset.drain, ...given(options.drain ?? {}) },
    store: stores.queue,
    cache: { ...options.cache, store: stores.cache },
    breaker: given({
      failureThreshold,
      successThreshold,
      openFor,
      ...given(options.breaker ?? {}),
    }),
    health: { ...preset.health, ...stores.health, ...given(options.health ?? {}) },
  });
  const status = given({ statusPath, publicPath, traceUrl, authorize, hosts, events });
  return { manager: created, client: upstream.client(created), status };
}

/**
 * Checks what is the composition's own to check.
 *
 * @throws {TypeError} naming the option, what was expected and what came
 */
export function checkGraphitiOptions(options: GraphitiFallbackOptions<never>): void {
  checkOptions('graphitiFallback', options, checks);
}

/** An older Node would fail only when something is first stored: in the outage. */
function assertNode(version: string): void {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  if (major > 22 || (major === 22 && minor >= 15)) return;
  throw new Error(`graphiti-fallback needs Node 22.15 or newer, this is ${version}`);
}

/** Where things are kept: as given, else in memory under test, else where the environment says. */
function storesOf(
  options: GraphitiFallbackOptions<never>,
  environment: Environment,
): { queue: Journal; cache: Journal; health?: { interval: number } } {
  const { store, cache, mode = environment.mode } = options;
  if (environment.underTest && !store && !environment.storeGiven) {
    debugSection('setup')?.(
      'under test: everything stays in memory, and nothing is checked in the background',
    );
    return {
      queue: memoryJournal(),
      cache: cache?.store ?? memoryJournal(),
      health: { interval: 0 },
    };
  }
  const lasting = environment.store !== 'memory';
  const queue = store ?? (lasting ? queueStore() : memoryJournal());
  return { queue, cache: cache?.store ?? cacheStore() };

  /** What instances share is in Redis; the folders have what is this one's own, and writes while that is away. */
  function queueStore(): Journal {
    const queued = lowdbStore({
      directory: environment.queueDirectory,
      setting: 'FALLBACK_DB_PATH',
    });
    const { redisUrl: url } = environment;
    if (url === undefined) return queued;
    return redisStore({ url, local: composeStores({ queue: queued, values: cacheFolder() }) });
  }

  function cacheFolder(): Journal {
    return lowdbStore({ directory: environment.cacheDirectory, setting: 'FALLBACK_CACHE_DIR' });
  }

  /** A store that was chosen for the queue alone serves the cache, too. */
  function cacheStore(): Journal {
    if (mode === 'memory_only') return memoryJournal();
    const own = lasting && !store && environment.redisUrl === undefined;
    return own ? cacheFolder() : queue;
  }
}

/** What options leave open the environment says; either may turn it off. */
function confirmOf(
  options: GraphitiOptions['confirm'],
  environment: GraphitiOptions['confirm'],
): GraphitiOptions['confirm'] {
  if (typeof options !== 'object' || typeof environment !== 'object') return options ?? environment;
  return { ...environment, ...options };
}

/** The members that are given: `undefined` counts as not given. */
function given<T extends object>(members: T): { [Key in keyof T]: Exclude<T[Key], undefined> } {
  const present = Object.entries(members).filter(([, value]) => value !== undefined);
  return Object.fromEntries(present) as { [Key in keyof T]: Exclude<T[Key], undefined> };
}
