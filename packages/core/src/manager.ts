/** A manager: the parts of the engine put together around one upstream. */

import type { BreakerHandle } from './breaker/breaker-handle.ts';
import type { BreakerOptions } from './breaker/breaker-options.ts';
import { type BreakerSurface, breakerSurface } from './breaker/breaker-surface.ts';
import { type CacheSurface, cacheSurface } from './cache-surface.ts';
import { runOutside } from './clock.ts';
import { enterContext, type FallbackContext } from './context.ts';
import { debugEvents } from './debug.ts';
import { createEngine, type Engine } from './engine.ts';
import type { Entity, LocalEntity, Relationship, RelationshipEnds } from './entity.ts';
import { type EntityReceipt, type EntitySurface, entitySurface } from './entity-surface.ts';
import { Emitter, eventNames, type FallbackEvents, type Undo } from './events.ts';
import type { HealthSurface } from './health/health.ts';
import { HealthMonitor } from './health/monitor.ts';
import { inspectStatus } from './inspection.ts';
import type { OpenReport } from './journal.ts';
import { warnOfLosses } from './loss-warning.ts';
import { register, unregister } from './managers.ts';
import { type FallbackMode, fallbackModes } from './mode.ts';
import { createNotices } from './notices.ts';
import { openStores } from './opening.ts';
import type { ReadOperation, ReadSpec, WriteOperation, WriteSpec } from './operation.ts';
import { checkDeclaration } from './operation-check.ts';
import type { OperatorAct } from './operator-act.ts';
import { callable, checkOptions, milliseconds, oneOf, text } from './option-check.ts';
import { type FallbackManagerOptions, type ResolvedOptions, resolveOptions } from './options.ts';
import { OutageMemories } from './outage-memory.ts';
import { withinTime } from './patience.ts';
import { Confirmer } from './queue/confirmer.ts';
import { Drain } from './queue/drain.ts';
import type { QueueCounts } from './queue/lane-queue.ts';
import { warnOfLongLanes } from './queue/lane-warning.ts';
import { type QueueSurface, queueSurface } from './queue/queue-surface.ts';
import { type SyncOptions, type SyncReport, sync } from './queue/sync.ts';
import { declareRead } from './read.ts';
import type { FallbackStatus } from './status.ts';
import { statusOf, storeStatus } from './status-of.ts';
import { claimStores } from './store-claim.ts';
import { publishActivations } from './telemetry/activation-channel.ts';
import { measurements } from './telemetry/measurements.ts';
import { recordReplays } from './telemetry/replay-durations.ts';
import { sdkStatus } from './telemetry/sdk.ts';
import { contextOf } from './telemetry/trace-context.ts';
import { declareWrite } from './write.ts';

/** How long a person's decision, and the end, wait for a store, in ms: they hold either way. */
const longestStoring = 5_000;

/** Protects the calls to one upstream: live when it can, stale when it must, queued when it has to be. */
export class FallbackManager {
  readonly name: string;
  readonly upstream: string | undefined;
  readonly #options: ResolvedOptions;
  readonly #events = new Emitter<FallbackEvents>();
  readonly #engine: Engine;
  readonly #breakerOf: (name?: string, options?: BreakerOptions) => BreakerHandle;
  readonly #drain: Drain;
  readonly #confirmer: Confirmer;
  readonly #monitor: HealthMonitor;
  readonly #names = new Set<string>();
  readonly #entities: EntitySurface;
  readonly #memories: OutageMemories;
  readonly #returnStores: Undo;
  readonly #retire: Undo;
  readonly #warnOfLosses: Undo;
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
    debugEvents(name, events);
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
    publishActivations(name, events);
    if (this.#options.logger)
      createNotices({
        name,
        upstream,
        logger: this.#options.logger,
        events,
        location: () => storeStatus(store).location ?? 'memory',
        statusPath: () => this.#statusPath,
        pending: () => this.#engine.queue.size,
        isolation: (breaker) => this.#engine.breakers.find(breaker)?.isolation,
        now: () => clock.now(),
        outageTrace: (breaker) => this.#engine.tracing.outages.carrierOf(breaker),
      });
    const { breakers, counters, queue, flows, health } = this.#engine;
    const { surface, get } = breakerSurface({
      ...this.#engine,
      stored: () => this.#remembered(),
    });
    this.breakers = surface;
    this.#breakerOf = get;
    this.#drain = new Drain(this.#engine);
    this.#confirmer = new Confirmer(this.#engine, this.#options.queue.maxAge);
    const { interval } = this.#options.health;
    this.health = health;
    this.#monitor = new HealthMonitor({ health, interval, breakers, clock, random, events });
    this.cache = cacheSurface(this.#engine);
    const isStalled = () => this.#confirmer.stalled;
    this.queue = queueSurface(queue, this.#drain, () => this.open(), isStalled);
    this.#entities = entitySurface(this.#engine, this.#options.entities.maxBytes);
    warnOfLongLanes(events, () => this.active);
    breakers.onEach((breaker) => {
      counters.declareBreaker(breaker.name);
    });
    counters.declareStore('queue');
    if (this.#options.cache.store !== store) counters.declareStore('cache');
    for (const component of health.system().components) counters.declareComponent(component.name);
    events.on('stateChange', ({ breaker, to }) => {
      const flow = to === 'open' || to === 'isolated' ? flows.find(breaker) : undefined;
      if (flow) queue.queueWaiting(flow.operations);
    });
    this.#memories = new OutageMemories(breakers, {
      ...this.#engine,
      outages: this.#engine.tracing.outages,
    });
    recordReplays(this.#engine);
    this.#returnStores = claimStores(name, store, this.#options.cache.store);
    this.#retire = this.#engine.collector.add({
      name,
      measure: () => measurements(counters, this.#status(queue.told()), breakers.removed),
    });
    this.#engine.collector.bind();
    this.#warnOfLosses = warnOfLosses(queue, events);
    register(this);
  }

  /** What happens to operations while fallback is active, unless it was activated by hand. */
  get configuredMode(): FallbackMode {
    return this.#options.mode;
  }

  /** What happens now to operations that name no breaker of theirs: `none` when live. */
  get mode(): FallbackMode | 'none' {
    return this.active ? this.#engine.breakers.own.mode : 'none';
  }

  /** Whether fallback is active: the manager's own breaker is not closed. */
  get active(): boolean {
    return this.#engine.breakers.own.active;
  }

  /** How long a caller had better wait before it tries again, in ms. */
  get retryAfterMs(): number {
    return this.#engine.breakers.own.retryAfterMs;
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
    if (this.#opened && !this.#closed) this.#startReplays();
    return operation;
  }

  /**
   * Keeps an entity here, in the place of the one of its type and id, for reads to fall back on. Where a
   * write owns its type, it is sent as that write, or queued: then the receipt is that write's, and what
   * it throws is thrown. Otherwise it stays here, and the receipt says `local`.
   *
   * @throws {FallbackError} when it is not JSON, the mode refuses writes, or the store fails
   */
  storeEntity<E extends Entity>(entity: E): Promise<EntityReceipt> {
    return this.#entities.storeEntity(entity);
  }

  /** A local entity, where there is one. What it is made of is as it was stored: not checked. */
  getEntity<E extends Entity = LocalEntity>(type: string, id: string): Promise<E | undefined> {
    return this.#entities.getEntity({ type, id }) as Promise<E | undefined>;
  }

  /** The local entities of a type, in the order in which they were first stored. */
  listEntities<E extends Entity = LocalEntity>(type: string): Promise<readonly E[]> {
    return this.#entities.listEntities(type) as Promise<readonly unknown[]> as Promise<
      readonly E[]
    >;
  }

  /**
   * Forgets a local entity with its relationships; where a write with the effect 'delete' owns its type,
   * it is deleted by that write.
   *
   * @throws {FallbackError} as {@link storeEntity}
   */
  deleteEntity(type: string, id: string): Promise<EntityReceipt> {
    return this.#entities.deleteEntity({ type, id });
  }

  /**
   * Keeps a relationship here, in the place of the one of its type between the two entities, which need
   * not be here themselves.
   *
   * @throws {FallbackError} as {@link storeEntity}
   */
  storeRelationship<R extends RelationshipEnds>(relationship: R): Promise<EntityReceipt> {
    return this.#entities.storeRelationship(relationship);
  }

  /** The local relationships that begin or end at an entity. */
  listRelationships<R extends RelationshipEnds = Relationship>(
    type: string,
    id: string,
  ): Promise<readonly R[]> {
    const found: Promise<readonly unknown[]> = this.#entities.listRelationships({ type, id });
    return found as Promise<readonly R[]>;
  }

  /** Forgets a relationship. @throws {FallbackError} as {@link storeEntity} */
  deleteRelationship({ type, from, to }: RelationshipEnds): Promise<EntityReceipt> {
    return this.#entities.deleteRelationship({ type, from, to });
  }

  /**
   * The breaker of that name, which operations share that name it; made when it is not there. Without
   * a name the manager's own, which all others share. Options change one that is there, without losing
   * its state; what they leave open is as the manager's `breaker` says.
   *
   * @throws {TypeError} when the name or an option is wrong
   */
  breaker(name?: string, options?: BreakerOptions): BreakerHandle {
    return this.#breakerOf(name, options);
  }

  /**
   * Listens to what happens, and returns how to stop. A listener that throws hurts nobody.
   *
   * @throws {TypeError} when there is no such event, naming those that there are, or no listener
   */
  on<Name extends keyof FallbackEvents>(
    name: Name,
    listener: (event: FallbackEvents[Name]) => void,
  ): Undo {
    const given = { name: name ?? '', listener: listener ?? null };
    checkOptions('on', given, { name: oneOf(...eventNames), listener: callable });
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

  /**
   * Activates fallback by hand, for maintenance or a batch import: no call goes to the upstream, and no
   * queued write, until {@link deactivate}; a restart does not end it. Active already, it changes the
   * mode. Resolves when that is stored; it holds at once.
   *
   * @param mode @default the configured one
   * @param reason for people: console and status show it
   * @throws {TypeError} when mode or reason are wrong
   * @throws {Error} when the manager is closed
   */
  async activate(mode: FallbackMode = this.configuredMode, reason = 'by hand'): Promise<void> {
    checkOptions('activate', { mode, reason }, { mode: oneOf(...fallbackModes), reason: text });
    await this.open();
    if (this.#closing) throw new Error(`The manager '${this.name}' is closed`);
    const { breakers } = this.#engine;
    for (const breaker of breakers) {
      // What a person set apart by itself stays as that person said.
      const apart = breaker !== breakers.own && breaker.isolation && !breaker.isolation.all;
      if (!apart) breaker.isolate(mode, reason, true);
    }
    await this.#remembered();
  }

  /**
   * Ends what {@link activate} began: the next call, check or queued write tries the upstream, and the
   * outage is over when it works. False when fallback was not activated by hand.
   */
  async deactivate(): Promise<boolean> {
    await this.open();
    const { breakers } = this.#engine;
    if (this.#closing) return false;
    const ends = [...breakers].filter(
      (breaker) => breaker.isolation && (breaker === breakers.own || breaker.isolation.all),
    );
    for (const breaker of ends) breaker.restore();
    if (ends.length > 0) await this.#remembered();
    return ends.length > 0;
  }

  /**
   * Checks the upstream's health now, and activates fallback on one unhealthy answer; degraded alone
   * does not. A result is reused for a second. Resolves to whether fallback is active.
   */
  async checkAndActivate(): Promise<boolean> {
    await this.open();
    await this.#monitor.ask();
    return this.active;
  }

  /**
   * Begins a block of work that wants to know how the upstream is: `await using block = await
   * manager.context()`. Checks on entry; on exit checks again and starts to replay what is queued.
   */
  context(): Promise<FallbackContext> {
    const self = this;
    return enterContext({
      get active() {
        return self.active;
      },
      get mode() {
        return self.mode;
      },
      checkAndActivate: () => this.checkAndActivate(),
      drain: () => this.#drain.wake(),
    });
  }

  /** Runs a function as such a block. */
  async run<T>(block: (context: FallbackContext) => Promise<T> | T): Promise<T> {
    const context = await this.context();
    try {
      return await block(context);
    } finally {
      await context[Symbol.asyncDispose]();
    }
  }

  /**
   * Replays what is queued, and resolves when nothing more can be sent now, or the time is over. While
   * the breaker is open or isolated, or the queue is paused, it only reports.
   *
   * @throws {TypeError} when an option is wrong
   */
  async sync(options: SyncOptions = {}): Promise<SyncReport> {
    checkOptions('sync', options, { include: oneOf('local'), timeoutMs: milliseconds(0) });
    await this.open();
    return sync({ ...this.#engine, drain: this.#drain }, options);
  }

  /** One snapshot of everything. */
  status(): FallbackStatus {
    return this.#status(this.#engine.queue.counts());
  }

  /** Trace id of a breaker's outage that lasts, else of its last one; nothing where no SDK takes traces. */
  outageTrace(breaker: string): string | undefined {
    return contextOf(this.#engine.tracing.outages.carrierOf(breaker))?.traceId;
  }

  /** Tells logs and listeners what an operator did from outside of this process, or was not let do. */
  audit(act: OperatorAct | 'denied'): void {
    const at = this.#options.clock.now();
    if (act === 'denied') this.#events.emit('operatorDenied', { at });
    else this.#events.emit('operatorActed', { ...act, at });
  }

  /** The status as a person reads it, in a few lines without anything secret. */
  inspect(): string {
    return inspectStatus(this.status());
  }

  /** All breakers together. */
  readonly breakers: BreakerSurface;

  /** How the upstream is, and the kit. */
  readonly health: HealthSurface;

  /** The queue, for people. */
  readonly queue: QueueSurface;

  /** The cache of answers. */
  readonly cache: CacheSurface;

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

  #status(queued: QueueCounts): FallbackStatus {
    const { cache, store } = this.#options;
    const cacheStore = cache.store === store ? undefined : storeStatus(cache.store);
    return statusOf({
      engine: this.#engine,
      queued,
      paused: this.#drain.paused,
      stalled: this.#confirmer.stalled,
      store: { ...storeStatus(store), report: this.#report },
      cacheStore,
      closed: this.#closed,
      telemetry: sdkStatus(),
    });
  }

  #declare(name: string, kind: 'read' | 'write', spec: object): void {
    checkDeclaration(name, kind, spec);
    if (this.#names.has(name))
      throw new TypeError(
        `Expected operation names to be declared once in '${this.name}', got '${name}' again`,
      );
    this.#names.add(name);
  }

  async #open(): Promise<void> {
    await openStores({
      engine: this.#engine,
      memories: this.#memories,
      onReport: (report) => {
        this.#report = report;
      },
      onLate: () => {
        if (!this.#closed) this.#startReplays();
      },
    });
    this.#opened = true;
    this.#startReplays();
    this.#monitor.start();
  }

  #startReplays(): void {
    this.#drain.start();
    this.#confirmer.start();
  }

  /** A store that hangs must not hold the one who decided. */
  async #remembered(): Promise<void> {
    const { clock } = this.#options;
    await withinTime(clock, longestStoring, this.#memories.remember()).catch(() => {});
  }

  async #close(): Promise<void> {
    await this.#opening;
    this.#monitor.stop();
    this.#confirmer.stop();
    this.#engine.health.close();
    await this.#drain.stop(this.#options.closeTimeout);
    this.#closed = true;
    unregister(this);
    this.#memories.close();
    this.#warnOfLosses();
    const { cache, queue, breakers, events, store, cacheStore, tracing } = this.#engine;
    for (const breaker of breakers) breaker.close();
    cache.close();
    const { exchange, council } = this.#engine;
    for (const each of [exchange, council]) {
      const closing = each.close();
      if (closing) await withinTime(this.#options.clock, longestStoring, closing).catch(() => {});
    }
    try {
      await withinTime(this.#options.clock, longestStoring, queue.close());
      if (cacheStore !== store)
        await withinTime(this.#options.clock, longestStoring, cacheStore.close());
    } catch (error) {
      events.emit('storeFailed', { store: store.kind, verb: 'close', error });
    }
    tracing.close();
    this.#returnStores();
    this.#retire();
  }
}
