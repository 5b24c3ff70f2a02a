/** The write path: live in the lane's turn, or on the queue before the receipt is given. */

import { v7 as uuid } from 'uuid';
import type { Engine } from './engine.ts';
import { entityKey } from './entity.ts';
import { FallbackError } from './errors.ts';
import { type Failure, fallbackReasonOf, isRepeatable } from './failure.ts';
import type { Durability } from './journal.ts';
import { deepFreeze, type Json, notJson } from './json.ts';
import type {
  CallOptions,
  ReconcileContext,
  Reconciliation,
  WriteContext,
  WriteOperation,
  WriteSpec,
} from './operation.ts';
import type { Receipt } from './outcome.ts';
import { type Note, perform } from './perform.ts';
import { CallAborted } from './policy/policy.ts';
import type { Appended, Turn } from './queue/lane-queue.ts';
import type { NewOperation, OperationRecord } from './queue/operation-record.ts';

/** A write as the drain replays it. */
export interface DeclaredWrite {
  readonly name: string;
  readonly idempotent: boolean;
  readonly effect: 'create' | 'update' | 'delete';
  readonly timeoutMs: number;
  readonly reconcileFor: number;
  readonly reconcile?: (
    input: Json,
    context: ReconcileContext,
  ) => PromiseLike<Reconciliation> | Reconciliation;
  run(input: Json, context: WriteContext): PromiseLike<unknown> | unknown;
  /** The upstream has it: cached answers that it concerns are not what they were. */
  applied(record: Pick<OperationRecord, 'entity'>): void;
}

/** How long after sending an absent write may still be on its way, in ms. */
const reconcileFor = 120_000;

/** Declares a write on an engine. */
export function declareWrite<Input, Value>(
  engine: Engine,
  name: string,
  spec: WriteSpec<Input, Value>,
): WriteOperation<Input, Value> {
  const declared = declaredWrite(engine, name, spec);
  engine.writes.set(name, declared);
  const path = new WritePath<Input, Value>(engine, declared, spec);
  const operation = (input: Input, options: CallOptions = {}) =>
    perform(engine, name, 'write', (note) => path.write([input], options, note));
  const all = (inputs: readonly Input[], options: CallOptions = {}) =>
    perform(engine, name, 'write', (note) => path.write(inputs, options, note));
  return Object.assign(operation, { all, operationName: name });
}

function declaredWrite<Input, Value>(
  engine: Engine,
  name: string,
  spec: WriteSpec<Input, Value>,
): DeclaredWrite {
  const effect = spec.effect ?? 'update';
  const { reconcile } = spec;
  return {
    name,
    idempotent: spec.idempotent ?? false,
    effect,
    timeoutMs: spec.timeoutMs ?? engine.defaults.writeTimeoutMs,
    reconcileFor: spec.reconcileFor ?? reconcileFor,
    ...(reconcile && {
      reconcile: (input: Json, context: ReconcileContext) => reconcile(input as Input, context),
    }),
    run: (input, context) => spec.run(input as Input, context),
    applied({ entity }) {
      if (!entity) return;
      if (effect === 'delete') engine.cache.remove(entity);
      else engine.cache.expire(entity);
    },
  };
}

class WritePath<Input, Value> {
  readonly #engine: Engine;
  readonly #write: DeclaredWrite;
  readonly #spec: WriteSpec<Input, Value>;

  constructor(engine: Engine, write: DeclaredWrite, spec: WriteSpec<Input, Value>) {
    this.#engine = engine;
    this.#write = write;
    this.#spec = spec;
  }

  /** Writes in order; once one of them has to be queued, so are those after it, in one commit. */
  async write(inputs: readonly Input[], options: CallOptions, note: Note): Promise<Receipt<Value>> {
    if (inputs.length === 0)
      throw new FallbackError(
        'FALLBACK_INVALID_INPUT',
        `Expected '${this.#write.name}' to get one input or more, got none`,
      );
    const operations = inputs.map((input) => this.#operation(input));
    const { breaker } = this.#engine;
    if (!breaker.admits('call')) {
      breaker.refuse();
      note.reason = breaker.state.kind === 'half_open' ? 'half_open' : 'open';
      return this.#queued(await this.#append(operations), note);
    }
    for (const [index, operation] of operations.entries()) {
      const done = await this.#one(operation, options, note);
      if (done.outcome === 'applied' && index === operations.length - 1) {
        note.outcome = 'applied';
        return done;
      }
      if (done.outcome === 'applied') continue;
      const rest = operations.slice(index + 1);
      const behind = rest.length > 0 ? await this.#append(rest) : [];
      return this.#queued([done.appended, ...behind], note);
    }
    throw new Error('Expected an outcome for each of the inputs');
  }

  async #one(
    operation: NewOperation,
    options: CallOptions,
    note: Note,
  ): Promise<
    Extract<Receipt<Value>, { outcome: 'applied' }> | { outcome: 'kept'; appended: Appended }
  > {
    const { queue, policy, breaker, clock, events, evidence, closed } = this.#engine;
    if (closed && queue.busy(operation.lane)) throw this.#unavailable();
    const started = clock.elapsed();
    const timeoutMs = options.timeoutMs ?? this.#write.timeoutMs;
    const entered = await this.#stored(() => queue.enter(operation, timeoutMs));
    if (entered.kind === 'queued') {
      note.reason = breaker.state.kind === 'closed' ? 'lane_busy' : breaker.state.kind;
      return { outcome: 'kept', appended: entered.appended };
    }
    const { turn } = entered;
    try {
      const value = await policy.call({
        run: ({ signal }) =>
          this.#write.run(operation.input, {
            signal,
            idempotencyKey: operation.id,
            createdAt: operation.createdAt,
          }),
        breaker,
        timeoutMs: Math.max(1, timeoutMs - (clock.elapsed() - started)),
        signal: options.signal,
        retriable: (failed) => isRepeatable(failed, this.#write.idempotent),
        onAttempt: (number, failed) => {
          note.attempts = number;
          events.emit('attempt', {
            operation: this.#write.name,
            result: failed?.label ?? 'success',
          });
        },
      });
      evidence.succeeded(operation.id);
      this.#write.applied(operation);
      await turn.done();
      return { outcome: 'applied', value: value as Value };
    } catch (error) {
      return this.#afterFailure(operation, turn, error, note);
    }
  }

  async #afterFailure(
    operation: NewOperation,
    turn: Turn,
    error: unknown,
    note: Note,
  ): Promise<{ outcome: 'kept'; appended: Appended }> {
    const { clock, evidence } = this.#engine;
    const failed = this.#failureOf(error);
    note.upstreamError = failed.code;
    if (failed.fault === 'caller' || failed.fault === 'credentials') {
      await turn.done();
      throw error;
    }
    const maybe = failed.applied === 'maybe';
    if (maybe && !this.#write.idempotent && !this.#write.reconcile) {
      await turn.done();
      throw new FallbackError(
        'FALLBACK_UNKNOWN_OUTCOME',
        `'${this.#write.name}' may have been applied or not, and repeating it is not safe`,
        { cause: error },
      );
    }
    if (failed.fault === 'upstream' && !failed.local) evidence.failed(operation.id);
    note.reason = fallbackReasonOf(failed);
    const how = { lastError: failed.code, ...(maybe && { sentAt: clock.now() }) };
    return { outcome: 'kept', appended: await this.#stored(() => turn.keep(how)) };
  }

  /** The caller's abort is told apart from the upstream's failures. */
  #failureOf(error: unknown): Failure {
    if (!(error instanceof CallAborted)) return this.#engine.classify(error);
    const facts = error.sent
      ? ({ label: 'unknown', applied: 'maybe' } as const)
      : ({ label: 'unavailable', applied: 'no' } as const);
    return { ...facts, fault: 'upstream', code: 'aborted', local: true };
  }

  #append(operations: readonly NewOperation[]): Promise<readonly Appended[]> {
    return this.#stored(() => this.#engine.queue.append(operations));
  }

  /** What the store cannot keep is an error of its own: the write was neither sent nor stored. */
  async #stored<T>(store: () => Promise<T>): Promise<T> {
    try {
      return await store();
    } catch (cause) {
      if (this.#engine.closed) throw this.#unavailable(cause);
      throw new FallbackError(
        'FALLBACK_STORE_FAILED',
        `'${this.#write.name}' could be neither sent nor stored`,
        { cause },
      );
    }
  }

  #queued(all: readonly Appended[], note: Note): Receipt<Value> {
    const operations: string[] = [];
    let durability: Durability = 'disk';
    for (const appended of all) {
      if (appended.status === 'full') throw this.#full(appended.limit);
      operations.push(appended.id);
      // The receipt promises no more than the weakest of them.
      if (durability !== 'memory') durability = appended.durability;
    }
    const last = operations.at(-1) as string;
    note.outcome = 'queued';
    note.queued = last;
    return { outcome: 'queued', operation: last, operations, durability };
  }

  #full(limit: string): FallbackError {
    const { breaker } = this.#engine;
    return new FallbackError(
      'FALLBACK_QUEUE_FULL',
      `The queue is full (${limit}); '${this.#write.name}' was not kept`,
      {
        retryAfterMs: breaker.retryAfterMs,
      },
    );
  }

  #unavailable(cause?: unknown): FallbackError {
    const { breaker } = this.#engine;
    return new FallbackError(
      'FALLBACK_UNAVAILABLE',
      `'${this.#write.name}' cannot be kept: the manager is closed`,
      {
        retryAfterMs: breaker.retryAfterMs,
        ...(cause !== undefined && { cause }),
      },
    );
  }

  #operation(input: Input): NewOperation {
    const { clock, tracing } = this.#engine;
    const { name } = this.#write;
    const wrong = notJson(input);
    if (wrong)
      throw new FallbackError(
        'FALLBACK_INVALID_INPUT',
        `Expected the input of '${name}' to be JSON, it is not at ${wrong}`,
      );
    const id = uuid();
    const entity = this.#spec.entity?.(input);
    const declared = this.#spec.lane?.(input);
    const lane =
      declared === null
        ? `once:${id}`
        : (declared ?? (entity ? entityKey(entity) : `operation:${name}`));
    return {
      id,
      operation: name,
      lane,
      // A copy: what the caller changes afterwards must not change what is sent.
      input: deepFreeze(structuredClone(input)) as Json,
      ...(entity && { entity }),
      createdAt: clock.now(),
      send: tracing.send({ id, operation: name }),
    };
  }
}
