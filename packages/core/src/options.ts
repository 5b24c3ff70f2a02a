/** Every option of a manager: documented once, defaulted once, checked at construction. */

import {
  type BreakerPlan,
  breakerPlan,
  type ManagerBreakerOptions,
} from './breaker/manager-breaker-options.ts';
import type { CacheOptions } from './cache.ts';
import { type Clock, systemClock } from './clock.ts';
import type { EntityOptions } from './entities.ts';
import { assertCheckers } from './health/checker.ts';
import type { HealthOptions } from './health/health.ts';
import type { Journal } from './journal.ts';
import { memoryJournal } from './memory-journal.ts';
import { type FallbackMode, fallbackModes } from './mode.ts';
import type { Classifier } from './operation.ts';
import {
  type Check,
  callable,
  checkOptions,
  either,
  httpUrl,
  listOf,
  milliseconds,
  off,
  oneOf,
  share,
  text,
  wholeNumber,
  withMethods,
} from './option-check.ts';
import type { BulkheadOptions } from './policy/bulkhead.ts';
import type { RetryOptions } from './policy/retry.ts';
import type { DrainOptions } from './queue/drain-ramp.ts';
import type { QueueOptions } from './queue/intake.ts';
import type { TelemetryLevels, TelemetryOptions } from './telemetry/telemetry-options.ts';

/** Where the kit's few lines for people go; `pino` and `console` fit. */
export interface Logger {
  warn(message: string): void;
  info(message: string): void;
}

/** Options of a manager. */
export interface FallbackManagerOptions {
  /** The manager's name: part of the identity of its queue, and the label of all its telemetry. */
  readonly name: string;
  /** Address of the upstream: part of the identity of the queue. @default none */
  readonly upstream?: string;
  /** The application's name: part of the identity of the queue, which another name leaves behind. @default OTEL_SERVICE_NAME, else the name in the nearest package.json */
  readonly application?: string;
  /** What happens to operations while the breaker is not closed. @default 'queue_writes' */
  readonly mode?: FallbackMode;
  /** Where queued writes are kept. @default memory */
  readonly store?: Journal;
  readonly cache?: CacheOptions;
  readonly entities?: EntityOptions;
  readonly breaker?: ManagerBreakerOptions;
  readonly timeouts?: {
    /** Deadline of a read over all attempts, in ms. @default 5,000 */
    readonly read?: number;
    /** Deadline of a write over all attempts and its wait for its lane, in ms. @default 10,000 */
    readonly write?: number;
  };
  readonly retry?: RetryOptions;
  readonly bulkhead?: BulkheadOptions;
  readonly queue?: QueueOptions;
  readonly drain?: DrainOptions;
  readonly health?: HealthOptions;
  /** How long after an outage reads go live little by little, in ms. @default 5,000 */
  readonly recoveryRamp?: number;
  /** How long `close()` waits for what is in flight, in ms. @default 5,000 */
  readonly closeTimeout?: number;
  readonly telemetry?: TelemetryOptions;
  /** Reads errors that the kit cannot; `undefined` leaves one to the kit. */
  readonly classify?: Classifier;
  /** Takes the kit's few lines for people; `false` for silence. @default console */
  readonly logger?: Logger | false;
  /** Time. @default this machine's */
  readonly clock?: Clock;
  /** Numbers from 0 to 1, without 1. @default Math.random */
  readonly random?: () => number;
}

/** Options with every default in place. */
export interface ResolvedOptions {
  readonly name: string;
  readonly upstream: string | undefined;
  readonly application: string | undefined;
  readonly mode: FallbackMode;
  readonly store: Journal;
  readonly cache: Required<Omit<CacheOptions, 'store'>> & { readonly store: Journal };
  readonly entities: Required<EntityOptions>;
  readonly breaker: BreakerPlan;
  readonly timeouts: { readonly read: number; readonly write: number };
  readonly retry: Required<RetryOptions>;
  readonly bulkhead: Required<BulkheadOptions>;
  readonly queue: Required<QueueOptions>;
  readonly drain: Required<DrainOptions>;
  readonly health: Required<HealthOptions>;
  readonly recoveryRamp: number;
  readonly closeTimeout: number;
  readonly telemetry: TelemetryLevels;
  readonly classify: Classifier | undefined;
  readonly logger: Logger | false;
  readonly clock: Clock;
  readonly random: () => number;
}

const MiB = 1_048_576;
const hour = 3_600_000;

const defaults = {
  cache: {
    ttl: 0,
    staleIfError: 24 * hour,
    softTimeout: false as const,
    failureTtl: 100,
    maxEntries: 10_000,
    maxBytes: 64 * MiB,
  },
  entities: { maxEntries: 10_000, maxBytes: 64 * MiB },
  timeouts: { read: 5_000, write: 10_000 },
  retry: { retries: 2, initialDelay: 100, maxDelay: 2_000 },
  bulkhead: { limit: 64, queue: 256 },
  queue: {
    maxEntries: 100_000,
    maxBytes: 256 * MiB,
    maxAge: 7 * 24 * hour,
    maxDead: 10_000,
    overflow: 'refuse' as const,
  },
  drain: { limit: 16 },
  health: {
    checks: [],
    interval: 30_000,
    timeoutMs: 5_000,
    degradedAbove: 1_000,
    alertAfter: 3,
    history: 20,
    shedding: 0,
  },
  recoveryRamp: 5_000,
  closeTimeout: 5_000,
  telemetry: { outages: 'keep' as const },
  spans: { cache: 'span' as const, storage: 'span' as const, attempt: 'span' as const },
};

const journal = withMethods('a store', 'open', 'entries', 'commit', 'status', 'close');

const group: Check = (value) =>
  typeof value === 'object' && value !== null ? undefined : 'an object of options';

const groups: Readonly<Record<string, Readonly<Record<string, Check>>>> = {
  cache: {
    ttl: milliseconds(0),
    staleIfError: milliseconds(0),
    softTimeout: either(milliseconds(0), off),
    failureTtl: milliseconds(0),
    maxEntries: wholeNumber(1),
    maxBytes: wholeNumber(1),
    store: journal,
  },
  entities: { maxEntries: wholeNumber(1), maxBytes: wholeNumber(1) },
  timeouts: { read: milliseconds(1), write: milliseconds(1) },
  retry: { retries: wholeNumber(0), initialDelay: milliseconds(0), maxDelay: milliseconds(0) },
  bulkhead: { limit: wholeNumber(1), queue: wholeNumber(0) },
  queue: {
    maxEntries: wholeNumber(1),
    maxBytes: wholeNumber(1),
    maxAge: milliseconds(1),
    maxDead: wholeNumber(0),
    overflow: oneOf('refuse', 'drop_oldest'),
  },
  drain: { limit: wholeNumber(1) },
  health: {
    checks: listOf(withMethods('a health checker', 'check')),
    interval: milliseconds(0),
    timeoutMs: milliseconds(1),
    degradedAbove: milliseconds(0),
    alertAfter: wholeNumber(1),
    history: wholeNumber(1),
    shedding: share,
  },
  telemetry: { outages: oneOf('keep', 'sample'), spans: group },
};

const spanLevels: Readonly<Record<string, Check>> = {
  cache: oneOf('span', 'attribute', 'off'),
  storage: oneOf('span', 'off'),
  attempt: oneOf('span', 'attribute', 'off'),
};

const checks: Readonly<Record<string, Check>> = {
  name: text,
  upstream: httpUrl,
  application: text,
  mode: oneOf(...fallbackModes),
  store: journal,
  ...Object.fromEntries(Object.keys(groups).map((name) => [name, group])),
  breaker: group,
  recoveryRamp: milliseconds(0),
  closeTimeout: milliseconds(0),
  classify: callable,
  logger: either(withMethods('a logger', 'warn', 'info'), off),
  clock: withMethods('a clock', 'now', 'elapsed', 'after'),
  random: callable,
};

/**
 * Checks options and puts the defaults in place; what it was given stays as it is.
 *
 * @throws {TypeError} naming the option, what was expected and what came
 */
export function resolveOptions(options: FallbackManagerOptions): ResolvedOptions {
  checkOptions('FallbackManager', options, checks);
  if (options.name === undefined)
    throw new TypeError(
      'Expected `name` of FallbackManager to be a text that is not empty, got undefined',
    );
  for (const [name, group] of Object.entries(groups)) {
    const given: unknown = Reflect.get(options, name);
    if (given !== undefined) checkOptions(`\`${name}\``, given, group);
  }
  assertCheckers(options.health?.checks ?? []);
  if (options.telemetry?.spans)
    checkOptions('`telemetry.spans`', options.telemetry.spans, spanLevels);
  const store = options.store ?? memoryJournal();
  const mode = options.mode ?? 'queue_writes';
  const cacheStore = mode === 'memory_only' ? memoryJournal() : store;
  return {
    name: options.name,
    upstream: options.upstream,
    application: options.application,
    mode,
    store,
    cache: { store: cacheStore, ...withDefaults(defaults.cache, options.cache) },
    entities: withDefaults(defaults.entities, options.entities),
    breaker: breakerPlan(options.breaker),
    timeouts: withDefaults(defaults.timeouts, options.timeouts),
    retry: withDefaults(defaults.retry, options.retry),
    bulkhead: withDefaults(defaults.bulkhead, options.bulkhead),
    queue: withDefaults(defaults.queue, options.queue),
    drain: withDefaults(defaults.drain, options.drain),
    health: withDefaults(defaults.health, options.health),
    recoveryRamp: options.recoveryRamp ?? defaults.recoveryRamp,
    closeTimeout: options.closeTimeout ?? defaults.closeTimeout,
    telemetry: {
      outages: options.telemetry?.outages ?? defaults.telemetry.outages,
      spans: withDefaults(defaults.spans, options.telemetry?.spans),
    },
    classify: options.classify,
    logger: options.logger ?? console,
    clock: options.clock ?? systemClock,
    random: options.random ?? Math.random,
  };
}

/** A member that is given as `undefined` counts as not given. */
function withDefaults<D extends object, G extends object>(
  fallback: D,
  given: G | undefined,
): D & G {
  const present = Object.entries(given ?? {}).filter(([, value]) => value !== undefined);
  return Object.assign({ ...fallback }, Object.fromEntries(present)) as D & G;
}
