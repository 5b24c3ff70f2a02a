/** The write path: live in the lane's turn, or kept as the mode says before the receipt is given. */

import type { Breaker } from './breaker/breaker.ts';
import { freePermit, type Permit } from './breaker/permit.ts';
import { checkWriteOptions, noOptions } from './call-options.ts';
import { type DeclaredWrite, declaredWrite } from './declared-write.ts';
import type { Engine } from './engine.ts';
import { type Entity, entityKey, isEntity } from './entity.ts';
import { FallbackError, isFallbackError, TimeoutError } from './errors.ts';
import type { Undo } from './events.ts';
import { type Failure, fallbackReasonOf, isGone, isRepeatable, RefusedHere } from './failure.ts';
import { newId } from './ids.ts';
import type { Durability } from './journal.ts';
import { copyJson, freezeJson, type Json, notJson } from './json.ts';
import { type FallbackWrite, modes } from './mode.ts';
import type { CallOptions, WriteOperation, WriteSpec } from './operation.ts';
import type { OperationCall } from './operation-call.ts';
import type { Receipt } from './outcome.ts';
import { withinTime } from './patience.ts';
import { perform } from './perform.ts';
import { CallAborted, type CallPlan } from './policy/call.ts';
import { checkTimeout } from './policy/timeout.ts';
import type { Appended, Entered, Turn } from './queue/lane-queue.ts';
import type { Keep, NewOperation } from './queue/operation-record.ts';
import { type Refusals, refusalsOf } from './write-refusals.ts';

/** How long the store may take, at most, when a call's time is over: what failed at its end is kept after that, in ms. */
const storeGrace = 1_000;
/** A live write that failed is first replayed within this time at random, or when the upstream said, in ms. */
const firstDelay = 1_000;
const longestFirstDelay = 3_600_000;

/** How a write is kept that the upstream cannot take now. */
const keeping: Readonly<Record<FallbackWrite, Keep>> = {
  pass: 'no',
  refuse: 'no',
  memory: 'memory',
  local: 'local',
  queue: 'disk',
};

/** Declares a write on an engine. */
export function declareWrite<Input, Value>(
  engine: Engine,
  name: string,
  spec: WriteSpec<Input, Value>,
): WriteOperation<Input, Value> {
  const declared = declaredWrite(engine, name, spec);
  const path = new WritePath<Input, Value>(engine, declared, spec);
  const { counts, flow } = declared;
  const called = { engine, name, kind: 'write', breaker: flow.breaker, counts } as const;
  const operation = (input: Input, options: CallOptions = noOptions) =>
    perform(called, (call) => path.write([input], options, call));
  const all = (inputs: readonly Input[], options: CallOptions = noOptions) =>
    perform(called, (call) => path.write(inputs, options, call));
  engine.owners.add(name, spec, operation);
  engine.writes.set(name, declared);
  return Object.assign(operation, { all, operationName: name });
}

/** A write that did not end here: acknowledged and to be confirmed, or kept to be sent. */
interface Kept {
  readonly outcome: 'accepted' | 'kept';
  readonly appended: Appended;
}

class WritePath<Input, Value> {
  readonly #engine: Engine;
  readonly #breaker: Breaker;
  readonly #write: DeclaredWrite;
  readonly #spec: WriteSpec<Input, Value>;
  readonly #refusals: Refusals;

  constructor(engine: Engine, write: DeclaredWrite, spec: WriteSpec<Input, Value>) {
    this.#engine = engine;
    this.#breaker = write.flow.breaker;
    this.#write = write;
    this.#spec = spec;
    this.#refusals = refusalsOf(engine, write);
  }

  /**
   * Writes in order. All take their places in their lanes at once, so that nobody comes in between, and
   * what has to be queued is stored in one commit.
   */
  async write(
    inputs: readonly Input[],
    options: CallOptions,
    call: OperationCall,
  ): Promise<Receipt<Value>> {
    if (!Array.isArray(inputs) || inputs.length === 0)
      throw invalid(`Expected '${this.#write.name}' to get a list of one input or more`);
    checkWriteOptions(this.#write.name, options);
    const timeoutMs = options.timeoutMs ?? this.#write.timeoutMs;
    checkTimeout(this.#write.name, timeoutMs);
    const { clock, queue, life } = this.#engine;
    const breaker = this.#breaker;
    const keep = this.#write.replayable ? keeping[modes[breaker.mode].write] : 'never';
    const withdrawals = inputs.length > 1 ? inputs.map(() => new AbortController()) : [];
    const operations = inputs.map((input, index) =>
      this.#operation(input, keep, withdrawals[index]?.signal),
    );
    if (life.closed) return this.#past(operations, timeoutMs, options, call);
    if (!breaker.admits('call')) {
      breaker.refuse();
      call.reason = breaker.refusal;
      if (keep === 'no' || keep === 'never') throw this.#refusals.turnedAway();
      return this.#append(operations, timeoutMs, call);
    }
    if (inputs.length > 1 && operations.every((each) => queue.joins(each))) {
      call.reason = 'lane_busy';
      return this.#append(operations, timeoutMs, call);
    }
    const until = clock.elapsed() + timeoutMs;
    const latest = until + Math.min(storeGrace, timeoutMs);
    const wait = { withinMs: timeoutMs, signal: options.signal };
    const entering = operations.map((operation) => queue.enter(operation, wait));
    for (const each of entering) each.catch(() => {});
    const kept: Kept[] = [];
    let value: Value | undefined;
    for (const [index, operation] of operations.entries()) {
      let entered: Entered | undefined;
      try {
        entered = await this.#stored(() => entering[index] as Promise<Entered>, this.#left(latest));
        const done = await this.#one(
          operation,
          entered,
          { timeoutMs, until, latest, signal: options.signal },
          call,
        );
        if (done.outcome !== 'applied') kept.push(done);
        else value = done.value;
        if (done.outcome !== 'applied' && done.appended.status === 'full')
          throw this.#refusals.full(done.appended.limit);
      } catch (error) {
        // One that never heard of its turn must not hold the lane when the turn comes after all.
        const first = entered ? index + 1 : index;
        for (const withdrawal of withdrawals.slice(first)) withdrawal.abort();
        const abandoned = Promise.all(entering.slice(first).map((each) => this.#abandon(each)));
        abandoned.catch(() => {});
        // Who is told that they were not kept must not find them applied after a crash.
        if (entered) await this.#stored(() => abandoned, this.#left(latest));
        throw error;
      }
    }
    if (kept.length > 0) return this.#queued(kept, call);
    call.outcome = 'applied';
    return { outcome: 'applied', value: value as Value };
  }

  /** In one commit: all are kept, or none. */
  async #append(
    operations: readonly NewOperation[],
    timeoutMs: number,
    call: OperationCall,
  ): Promise<Receipt<Value>> {
    const { queue } = this.#engine;
    const all = await this.#stored(() => queue.append(operations), timeoutMs);
    const kept = all.map((appended) => ({ outcome: 'kept', appended }) as const);
    return this.#queued(kept, call);
  }

  async #one(
    operation: NewOperation,
    entered: Entered,
    {
      timeoutMs,
      until,
      latest,
      signal,
    }: { timeoutMs: number; until: number; latest: number; signal: AbortSignal | undefined },
    call: OperationCall,
  ): Promise<{ outcome: 'applied'; value: Value } | Kept> {
    const { clock, queue } = this.#engine;
    const breaker = this.#breaker;
    if (entered.kind !== 'turn') {
      call.reason = breaker.active ? breaker.refusal : 'lane_busy';
      if (entered.kind === 'queued') return { outcome: 'kept', appended: entered.appended };
      if (operation.keep !== 'local') throw this.#refusals.turnedAway();
      const [appended] = await this.#stored(() => queue.append([operation]), this.#left(latest));
      return { outcome: 'kept', appended: appended as Appended };
    }
    const { turn } = entered;
    let held: Appended | 'late' | undefined;
    let sentAt: number;
    let value: Value;
    try {
      held = await this.#held(operation, turn, until);
      const left = until - clock.elapsed();
      if (left <= 0) throw new TimeoutError(timeoutMs);
      // A wait of next to nothing is none: calls that waited need a deadline of their own.
      const waitedMs = timeoutMs - left < 2 ? 0 : timeoutMs - left;
      sentAt = clock.now();
      value = await this.#call(operation, { timeoutMs, waitedMs, signal }, call);
    } catch (error) {
      return this.#afterFailure(operation, turn, latest, error, call);
    }
    this.#write.flow.evidence.succeeded(operation.id);
    const known = this.#write.applied(operation);
    if (known) await known;
    // Where the store takes longer, the upstream has acknowledged it all the same, and it is kept as it was.
    if (typeof held === 'object') {
      const before = held;
      const appended = await this.#inTime(turn, turn.accepted(sentAt), until).catch(() => before);
      return appended ? { outcome: 'accepted', appended } : { outcome: 'applied', value };
    }
    const ending = this.#inTime(turn, turn.done(), until).catch(() => {});
    if (held) turn.letGo();
    else await ending;
    return { outcome: 'applied', value };
  }

  /**
   * What is to be confirmed is stored before it is sent: a crash must not lose what only the upstream
   * has in its memory. Where the store fails, or takes half of the time that there is, it is sent all the
   * same, and taken as applied; that is told.
   */
  async #held(
    { id, input, keep }: NewOperation,
    turn: Turn,
    until: number,
  ): Promise<Appended | 'late' | undefined> {
    const { confirm, name } = this.#write;
    if (!confirm || (keep !== 'disk' && keep !== 'memory') || !confirm.applies(input))
      return undefined;
    const { clock, events } = this.#engine;
    const half = Math.max(1, (until - clock.elapsed()) / 2);
    const held = await withinTime(clock, half, turn.hold()).catch(() => 'late' as const);
    if (typeof held === 'object') return held;
    const reason = held === 'full' ? 'full' : 'store';
    events.emit('queue', { event: 'unprotected', operation: name, id, reason });
    return held === 'late' ? 'late' : undefined;
  }

  #call(
    operation: NewOperation,
    plan: Pick<CallPlan<Value>, 'timeoutMs' | 'signal'> & { waitedMs?: number; permit?: Permit },
    call: OperationCall,
  ): Promise<Value> {
    const { policy } = this.#engine;
    const { id, input, createdAt } = operation;
    return policy.call({
      ...plan,
      run: ({ signal }) =>
        this.#write.run(input, { signal, idempotencyKey: id, createdAt }) as PromiseLike<Value>,
      breaker: this.#breaker,
      retriable: (failed) => isRepeatable(failed, this.#write.idempotent),
      onAttempt: (number, failed, tried) => call.tried(number, failed, tried),
    });
  }

  async #afterFailure(
    operation: NewOperation,
    turn: Turn,
    latest: number,
    error: unknown,
    call: OperationCall,
  ): Promise<Kept> {
    const { clock, random } = this.#engine;
    const failed = this.#failureOf(error);
    call.upstreamError = failed.code;
    if (failed.fault === 'caller' || failed.fault === 'credentials') {
      // What is gone upstream, by this write or before it, must not be served from here.
      if (this.#write.effect === 'delete' && isGone(failed)) this.#write.applied(operation);
      await this.#done(turn, latest);
      throw error;
    }
    const maybe = failed.applied === 'maybe';
    // Fresh answers may be wrong from now on.
    if (maybe) this.#write.applied(operation);
    if (failed.fault === 'upstream' && !failed.local)
      this.#write.flow.evidence.failed(operation.id);
    const passes = operation.keep === 'no' || operation.keep === 'never';
    const untold = maybe && !this.#write.idempotent && !this.#write.reconcile;
    if (passes || untold) {
      await this.#done(turn, latest);
      throw passes
        ? this.#passed(error, maybe && !this.#write.idempotent, call)
        : this.#refusals.unknown(error);
    }
    call.reason = fallbackReasonOf(failed);
    const delayMs = Math.min(longestFirstDelay, failed.retryAfterMs ?? random() * firstDelay);
    const how = { lastError: failed.code, delayMs, ...(maybe && { sentAt: clock.now() }) };
    try {
      const appended = await this.#stored(() => turn.keep(how), this.#left(latest));
      if (!maybe || appended.status === 'queued') return { outcome: 'kept', appended };
    } catch (cause) {
      throw maybe ? this.#refusals.unknown(cause) : cause;
    }
    throw this.#refusals.unknown(error);
  }

  /** What comes of a turn's end in time. @throws {TimeoutError} when that is over; the lane goes on then */
  #inTime<T>(turn: Turn, ending: Promise<T>, until: number): Promise<T> {
    ending.catch(() => {});
    const inTime = withinTime(this.#engine.clock, Math.max(1, this.#left(until)), ending);
    return inTime.finally(() => turn.letGo());
  }

  /** The lane goes on; who is told of a failure need not wait for a store that hangs. */
  async #done(turn: Turn, latest: number): Promise<void> {
    await this.#inTime(turn, turn.done(), latest).catch(() => {});
  }

  /** Until a time, in ms. */
  #left(until: number): number {
    return until - this.#engine.clock.elapsed();
  }

  /** What a caller is told in a mode that keeps nothing: what the upstream said, if it did. */
  #passed(error: unknown, untold: boolean, call: OperationCall): unknown {
    if (error instanceof RefusedHere) return this.#refusals.unavailable(error);
    if (untold && modes[this.#breaker.mode].write !== 'pass') return this.#refusals.unknown(error);
    if (!(error instanceof CallAborted)) return error;
    call.rejected = true;
    return error.cause;
  }

  /** What comes after one that failed for good: not sent where it waits, taken back where it is queued. */
  async #abandon(entering: Promise<Entered>): Promise<void> {
    const entered = await entering.catch(() => undefined);
    if (entered?.kind === 'turn') await entered.turn.done();
    else if (entered?.kind === 'queued' && entered.appended.status === 'queued')
      await this.#engine.queue.decide(entered.appended.id, 'purge');
  }

  /** After close there is no queue: straight to the upstream, but not past what a later process must replay. */
  async #past(
    operations: readonly NewOperation[],
    timeoutMs: number,
    { signal }: CallOptions,
    call: OperationCall,
  ): Promise<Receipt<Value>> {
    let value: Value | undefined;
    for (const operation of operations) {
      if (this.#engine.queue.busy(operation.lane)) throw this.#refusals.unavailable();
      const permit = freePermit();
      value = await this.#call(operation, { timeoutMs, signal, permit }, call);
      this.#write.applied(operation);
    }
    call.outcome = 'applied';
    return { outcome: 'applied', value: value as Value };
  }

  /** The caller's abort is told apart from the upstream's failures. */
  #failureOf(error: unknown): Failure {
    if (!(error instanceof CallAborted)) return this.#engine.classify(error);
    const facts = error.sent
      ? ({ label: 'unknown', applied: 'maybe' } as const)
      : ({ label: 'unavailable', applied: 'no' } as const);
    return { ...facts, fault: 'upstream', code: 'aborted', local: true };
  }

  /** What the store cannot keep is an error of its own: the write was neither sent nor stored. */
  async #stored<T>(store: () => Promise<T>, withinMs: number): Promise<T> {
    const { clock } = this.#engine;
    let cancel: Undo = () => {};
    const patience = new Promise<never>((_resolve, reject) => {
      cancel = clock.after(withinMs, () =>
        reject(this.#refusals.unknown(new TimeoutError(withinMs))),
      );
    });
    patience.catch(() => {});
    try {
      return await Promise.race([store(), patience]);
    } catch (cause) {
      if (isFallbackError(cause)) throw cause;
      if (this.#engine.life.closed) throw this.#refusals.unavailable(cause);
      throw this.#refusals.notStored(cause);
    } finally {
      cancel();
    }
  }

  /** Of those that the upstream has applied already there is nothing to ask for later. */
  #queued(kept: readonly Kept[], call: OperationCall): Receipt<Value> {
    const ids: string[] = [];
    let durability: Durability = 'disk';
    let outcome: 'accepted' | 'queued' | 'stored' = 'accepted';
    for (const { outcome: how, appended } of kept) {
      if (appended.status === 'full') throw this.#refusals.full(appended.limit);
      ids.push(appended.id);
      // The receipt promises no more than the weakest of them.
      if (durability !== 'memory') durability = appended.durability;
      if (appended.local) outcome = 'stored';
      else if (how === 'kept' && outcome === 'accepted') outcome = 'queued';
    }
    const operation = ids.at(-1) as string;
    call.outcome = outcome;
    call.queued = operation;
    return { outcome, operation, operations: ids, durability };
  }

  #operation(input: Input, keep: Keep, withdrawn: AbortSignal | undefined): NewOperation {
    const { clock, tracing } = this.#engine;
    const { name, coalescing } = this.#write;
    const json = input === undefined ? null : input;
    const wrong = notJson(json);
    if (wrong) throw invalid(`Expected the input of '${name}' to be JSON, it is not at ${wrong}`);
    const id = newId();
    const entity = this.#entity(input);
    const priority = this.#priority(input);
    const lane = this.#lane(input, id, entity);
    return {
      id,
      operation: name,
      lane,
      // A copy: what the caller changes afterwards must not change what is sent.
      input: freezeJson(copyJson(json)) as Json,
      ...(entity && { entity }),
      ...(priority && { priority }),
      ...(coalescing && { coalescing }),
      createdAt: clock.now(),
      keep,
      ...(withdrawn && { withdrawn }),
      ...(this.#write.confirm && { trace: tracing.carrier() }),
      send: tracing.send({ id, operation: name }),
    };
  }

  /** A later process would not understand a record with anything else. */
  #entity(input: Input): Entity | undefined {
    const entity = this.#spec.entity?.(input);
    if (entity === undefined || isEntity(entity)) return entity;
    throw invalid(
      `Expected \`entity\` of '${this.#write.name}' to give { type, id }, both texts that are not empty`,
    );
  }

  #lane(input: Input, id: string, entity: Entity | undefined): string {
    const { lane: laneOf } = this.#spec;
    const lane = laneOf === null ? null : laneOf?.(input);
    if (lane === null) return `once:${id}`;
    if (lane === undefined) return entity ? entityKey(entity) : `operation:${this.#write.name}`;
    if (typeof lane === 'string') return lane;
    throw invalid(
      `Expected \`lane\` of '${this.#write.name}' to give a text or null, got ${typeof lane}`,
    );
  }

  #priority(input: Input): number {
    const { priority = 0 } = this.#spec;
    const number = typeof priority === 'function' ? priority(input) : priority;
    if (Number.isFinite(number)) return number;
    throw invalid(
      `Expected \`priority\` of '${this.#write.name}' to give a number, got ${String(number)}`,
    );
  }
}

function invalid(message: string): FallbackError {
  return new FallbackError('FALLBACK_INVALID_INPUT', message);
}
