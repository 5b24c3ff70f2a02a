/** A manager: the parts of the engine put together around one upstream. */

import * as api from '@opentelemetry/api';
import { runOutside } from './clock.ts';
import { createEngine, type Engine } from './engine.ts';
import { Emitter, type FallbackEvents, type Undo } from './events.ts';
import { HealthMonitor } from './health/monitor.ts';
import { identityOf } from './identity.ts';
import type { OpenReport } from './journal.ts';
import { createNotices } from './notices.ts';
import type { ReadOperation, ReadSpec, WriteOperation, WriteSpec } from './operation.ts';
import { readChecks, writeChecks } from './operation-check.ts';
import { checkOptions } from './option-check.ts';
import { type FallbackManagerOptions, type ResolvedOptions, resolveOptions } from './options.ts';
import { OutageMemory } from './outage-memory.ts';
import { Drain } from './queue/drain.ts';
import { DrainRamp } from './queue/drain-ramp.ts';
import type { Decision } from './queue/lane-queue.ts';
import { type QueuedOperation, queuedOperation } from './queue/queued-operation.ts';
import { declareRead } from './read.ts';
import type { FallbackStatus } from './status.ts';
import { statusOf } from './status-of.ts';
import { Counters } from './telemetry/counters.ts';
import { measurements } from './telemetry/measurements.ts';
import { declareWrite } from './write.ts';

/** How long the app waits for its store at start, in ms. */
const longestOpening = 5_000;

/** Protects the calls to one upstream: live when it can, stale when it must, queued when it has to be. */
export class FallbackManager {
  readonly name: string;
  readonly upstream: string | undefined;
  readonly #options: ResolvedOptions;
  readonly #events = new Emitter<FallbackEvents>();
  readonly #engine: Engine;
  readonly #counters: Counters;
  readonly #drain: Drain;
  readonly #ramp: DrainRamp;
  readonly #monitor: HealthMonitor;
  readonly #names = new Set<string>();
  readonly #memory: OutageMemory;
  readonly #retire: Undo;
  #report: OpenReport | undefined;
  #opening: Promise<void> | undefined;
  #closing: Promise<void> | undefined;
  #opened = false;
  /** Whoever waited for the opening has begun: only then may a newcomer begin without waiting. */
  #waitersBegan = false;
  #closed = false;
  #statusPath: string | undefined;

  /** @throws {TypeError} when an option is unknown or wrong, naming it, what was expected and what came */
  constructor(options: FallbackManagerOptions) {
    this.#options = resolveOptions(options);
    const { name, upstream, clock, random, store } = this.#options;
    this.name = name;
    this.upstream = upstream;
    const events = this.#events;
    this.#counters = new Counters(name, 'queue_writes', events);
    if (this.#options.logger)
      createNotices({
        name,
        upstream,
        logger: this.#options.logger,
        events,
        location: () => store.status().location ?? 'memory',
        statusPath: () => this.#statusPath,
        pending: () => this.#engine.queue.size,
        now: () => clock.now(),
      });
    const self = this;
    this.#engine = createEngine(this.#options, events, {
      get opened() {
        return self.#waitersBegan;
      },
      get closed() {
        return self.#closed;
      },
      open: () => this.open(),
    });
    const { breaker, queue } = this.#engine;
    const ramp = new DrainRamp(this.#options.drain.limit);
    this.#ramp = ramp;
    this.#drain = new Drain({ ...this.#engine, ramp });
    const { health } = this.#options;
    this.#monitor = new HealthMonitor({ health, breaker, clock, random, events });
    this.#counters.declareBreaker(breaker.name);
    for (const component of this.#options.health.checks)
      this.#counters.declareComponent(component.name);
    events.on('stateChange', ({ to }) => {
      if (to === 'open') queue.queueWaiting();
    });
    this.#memory = new OutageMemory(store, breaker, queue, clock, events);
    events.on('processed', ({ result, waitedMs, durationMs }) => {
      this.#engine.collector.record('queueWaitDuration', name, [name, result], waitedMs / 1000);
      this.#engine.collector.record(
        'queueProcessDuration',
        name,
        [name, result],
        durationMs / 1000,
      );
    });
    this.#retire = this.#engine.collector.add({
      name,
      measure: () => measurements(this.#counters, this.status()),
    });
    this.#engine.collector.bind();
  }

  /** Whether fallback is active. */
  get active(): boolean {
    return this.#engine.breaker.active;
  }

  /** How long a caller had better wait before it tries again, in ms. */
  get retryAfterMs(): number {
    return this.#engine.breaker.retryAfterMs;
  }

  /**
   * Declares a read: what it asks, and what its answers concern.
   *
   * @throws {TypeError} when the name is taken, or the declaration is wrong
   */
  read<Input = void, Value = unknown>(
    name: string,
    spec: ReadSpec<Input, Value>,
  ): ReadOperation<Input, Value> {
    this.#declare(name, 'read', spec);
    return declareRead(this.#engine, name, spec);
  }

  /**
   * Declares a write: how it is sent, what it changes, and how it may be repeated. A queued write is
   * replayed by its name, also by a later process: declare it at start-up.
   *
   * @throws {TypeError} when the name is taken, or the declaration is wrong
   */
  write<Input = void, Value = unknown>(
    name: string,
    spec: WriteSpec<Input, Value>,
  ): WriteOperation<Input, Value> {
    this.#declare(name, 'write', spec);
    const operation = declareWrite(this.#engine, name, spec);
    if (this.#opened && !this.#closed) this.#drain.start();
    return operation;
  }

  /** Listens to what happens, and returns how to stop. A listener that throws hurts nobody. */
  on<Name extends keyof FallbackEvents>(
    name: Name,
    listener: (event: FallbackEvents[Name]) => void,
  ): Undo {
    return this.#events.on(name, listener);
  }

  /**
   * Reads what an earlier process left, and begins the work in the background: replays, health
   * checks. Operations do it by themselves. Never rejects: what is wrong shows in the status.
   */
  open(): Promise<void> {
    // What works in the background must not carry the context of the request that happens to be the first.
    if (this.#closing || this.#opening) return this.#opening ?? Promise.resolve();
    this.#opening = runOutside(() => this.#open());
    void this.#opening.then(() => setImmediate(() => (this.#waitersBegan = true)));
    return this.#opening;
  }

  /** One snapshot of everything. */
  status(): FallbackStatus {
    const { cache, store } = this.#options;
    const storeStatus = store.status();
    const cacheStore = cache.store === store ? undefined : cache.store.status();
    return statusOf({
      engine: this.#engine,
      counters: this.#counters,
      monitor: this.#monitor,
      drainLimit: this.#ramp.limit,
      store: { ...storeStatus, report: this.#report },
      cacheStore,
      closed: this.#closed,
      telemetry: {
        traces: isNoop(tracerProvider()) ? 'none' : 'sdk',
        metrics: isNoop(api.metrics.getMeterProvider()) ? 'none' : 'sdk',
      },
    });
  }

  /** The queue, for people. */
  readonly queue = {
    /** Every operation in the queue, oldest first, dead letters last. */
    list: (): readonly QueuedOperation[] => this.#engine.queue.list().map(queuedOperation),
    /**
     * Decides on one that waits for a person: `retry` it as if it were new, or `purge` it. Resolves
     * to false where there is no such operation, it is with the upstream, or needs no decision.
     */
    decide: (id: string, decision: Decision): Promise<boolean> =>
      this.#engine.queue.decide(id, decision),
  };

  /** Told by an adapter, for the line that people see. */
  set statusPath(path: string) {
    this.#statusPath = path;
  }

  /**
   * Ends the work in the background: what is in flight has its time, what waits is stored, the store is
   * let go. Later calls go straight to the upstream.
   */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #declare(name: string, kind: 'read' | 'write', spec: object): void {
    if (typeof name !== 'string' || name.trim() === '')
      throw new TypeError(
        `Expected an operation's name to be a text that is not empty, got ${String(name)}`,
      );
    if (this.#names.has(name))
      throw new TypeError(
        `Expected operation names to be declared once in '${this.name}', got '${name}' again`,
      );
    checkOptions(`'${name}'`, spec, kind === 'read' ? readChecks : writeChecks);
    if (Reflect.get(spec, 'run') === undefined)
      throw new TypeError(`Expected \`run\` of '${name}' to be a function, got undefined`);
    this.#names.add(name);
    this.#counters.declareOperation(name, kind);
  }

  async #open(): Promise<void> {
    const { clock } = this.#options;
    const { events } = this.#engine;
    let cancel: Undo = () => {};
    const patience = new Promise<'late'>((resolve) => {
      cancel = clock.after(longestOpening, () => resolve('late'));
    });
    const opening = Promise.all([this.#openQueue(), this.#openCache()]);
    // A store that hangs must not hold the app: what it has is taken up when it comes.
    if ((await Promise.race([opening, patience])) === 'late')
      events.emit('warning', { message: 'A store takes long to open: the app goes on without it' });
    cancel();
    this.#opened = true;
    this.#drain.start();
    this.#monitor.start();
  }

  async #openQueue(): Promise<void> {
    const { store, cache } = this.#options;
    try {
      this.#report = await this.#engine.queue.open();
      this.#warn(this.#report.warnings);
      this.#memory.resume();
      if (cache.store === store) this.#engine.cache.load();
    } catch (error) {
      this.#events.emit('storeFailed', { store: store.kind, verb: 'open', error });
    }
  }

  async #openCache(): Promise<void> {
    const { store, cache } = this.#options;
    if (cache.store === store) return;
    try {
      const report = await cache.store.open(identityOf({ ...this.#options, manager: this.name }));
      this.#warn(report.warnings);
      this.#engine.cache.load();
    } catch (error) {
      this.#events.emit('storeFailed', { store: cache.store.kind, verb: 'open', error });
    }
  }

  #warn(messages: readonly string[]): void {
    for (const message of messages) this.#events.emit('warning', { message });
  }

  async #close(): Promise<void> {
    await this.#opening;
    this.#monitor.stop();
    await this.#drain.stop(this.#options.closeTimeout);
    this.#closed = true;
    this.#memory.close();
    const { cache, store } = this.#options;
    const { queue, breaker, events } = this.#engine;
    breaker.close();
    try {
      await queue.close();
      if (cache.store !== store) await cache.store.close();
    } catch (error) {
      events.emit('storeFailed', { store: store.kind, verb: 'close', error });
    }
    this.#retire();
  }
}

/** The provider behind the API's proxy. */
function tracerProvider(): object {
  const provider = api.trace.getTracerProvider();
  return provider instanceof api.ProxyTracerProvider ? provider.getDelegate() : provider;
}

/** What the API brings itself does nothing. */
function isNoop(provider: object): boolean {
  return provider.constructor.name.startsWith('Noop');
}
