/** The read path: fresh from the cache, live, stale, or a clear error. */

import type { Breaker } from './breaker/breaker.ts';
import { freePermit, type Permit } from './breaker/permit.ts';
import type { Hit } from './cache.ts';
import type { Clock } from './clock.ts';
import type { Engine } from './engine.ts';
import { FallbackError, TimeoutError } from './errors.ts';
import { fallbackReasonOf, isGone, isRepeatable, RefusedHere } from './failure.ts';
import { canonical, deepFreeze, type Json, notJson } from './json.ts';
import { type LocalAnswer, localAnswer } from './local-answer.ts';
import { modes } from './mode.ts';
import type { PendingWrite, ReadCallOptions, ReadOperation, ReadSpec } from './operation.ts';
import type { Detailed, ReadOutcome } from './outcome.ts';
import { type Note, perform } from './perform.ts';
import { CallAborted } from './policy/policy.ts';
import { checkTimeout } from './policy/timeout.ts';

/** Declares a read on an engine. */
export function declareRead<Input, Value>(
  engine: Engine,
  name: string,
  spec: ReadSpec<Input, Value>,
): ReadOperation<Input, Value> {
  const breaker = engine.breakers.of(name, spec.breaker);
  const path = new ReadPath(engine, breaker, name, spec);
  const performed = { operation: name, kind: 'read', breaker } as const;
  const detailed = (input: Input, options: ReadCallOptions = {}) =>
    perform(engine, performed, (note) => path.read(input, options, note));
  const operation = async (input: Input, options?: ReadCallOptions) =>
    (await detailed(input, options)).value;
  return Object.assign(operation, { detailed, operationName: name });
}

class ReadPath<Input, Value> {
  readonly #engine: Engine;
  readonly #breaker: Breaker;
  readonly #name: string;
  readonly #spec: ReadSpec<Input, Value>;
  /** One flight a key: who comes while it is in the air shares its answer, or its failure. */
  readonly #flights = new Map<string, Promise<Value>>();
  #warned = false;

  constructor(engine: Engine, breaker: Breaker, name: string, spec: ReadSpec<Input, Value>) {
    this.#engine = engine;
    this.#breaker = breaker;
    this.#name = name;
    this.#spec = spec;
  }

  async read(input: Input, options: ReadCallOptions, note: Note): Promise<Detailed<Value>> {
    const { cache, shedding, events, life } = this.#engine;
    const breaker = this.#breaker;
    const timeoutMs =
      options.timeoutMs ?? this.#spec.timeoutMs ?? this.#engine.defaults.readTimeoutMs;
    checkTimeout(this.#name, timeoutMs);
    if (options.signal?.aborted) {
      note.rejected = true;
      throw options.signal.reason;
    }
    const key = this.#key(input);
    if (life.closed) return this.#past(input, timeoutMs, note);
    const cached = cache.get(key);
    if (cached?.fresh) {
      events.emit('cacheLookup', { result: 'hit', ageMs: cached.ageMs, fallback: false });
      return this.#answer(input, cached.value as Value, 'cache', note, cached);
    }
    const { servesReads } = modes[breaker.mode];
    if (!breaker.admits('call')) {
      breaker.refuse();
      note.reason = breaker.refusal;
      if (!servesReads) throw this.#unavailable();
      return this.#fallback(input, key, options, note);
    }
    const { maxStaleMs = Number.POSITIVE_INFINITY } = options;
    if (servesReads && cached && cached.staleForMs <= maxStaleMs && shedding.sheds(breaker)) {
      note.reason = 'shed';
      return this.#fallback(input, key, options, note);
    }
    let value: Value;
    try {
      value = await this.#live(input, key, { timeoutMs, signal: options.signal }, note);
    } catch (error) {
      return this.#afterFailure(input, key, options, note, error);
    }
    return this.#answer(input, value, 'live', note);
  }

  /** What makes two reads the same. What JSON cannot tell apart would give one user another's answer. */
  #key(input: Input): string {
    const asked = this.#spec.key ? this.#spec.key(input) : input;
    const wrong = asked === undefined ? undefined : notJson(asked);
    if (wrong)
      throw new FallbackError(
        'FALLBACK_INVALID_INPUT',
        `Expected the input of '${this.#name}' to be JSON, it is not at ${wrong}; declare its \`key\``,
      );
    return `${this.#name}\u0000${canonical(asked)}`;
  }

  #live(input: Input, key: string, limits: Limits, note: Note): Promise<Value> {
    const { clock } = this.#engine;
    const shared = this.#flights.get(key);
    if (shared) return leavable(shared, limits, clock);
    // The flight is nobody's own: one caller's abort must not end it for the others.
    const flight = this.#fetch(input, key, limits.timeoutMs, note).finally(() =>
      this.#flights.delete(key),
    );
    flight.catch(() => {});
    this.#flights.set(key, flight);
    return limits.signal ? leavable(flight, limits, clock) : flight;
  }

  async #fetch(input: Input, key: string, timeoutMs: number, note: Note): Promise<Value> {
    const { cache } = this.#engine;
    const reader = cache.reader();
    try {
      const value = await this.#call(input, timeoutMs, note);
      return this.#keep(input, key, value, reader);
    } finally {
      reader.end();
    }
  }

  #call(input: Input, timeoutMs: number, note: Note, permit?: Permit): Promise<Value> {
    const { policy, events } = this.#engine;
    return policy.call({
      run: (context) => this.#spec.run(input, context),
      breaker: this.#breaker,
      timeoutMs,
      signal: undefined,
      ...(permit && { permit }),
      retriable: (failed) => isRepeatable(failed, true),
      onAttempt: (number, failed) => {
        note.attempts = number;
        events.emit('attempt', { operation: this.#name, result: failed?.label ?? 'success' });
      },
    });
  }

  /** After close: straight to the upstream, whatever it says. */
  async #past(input: Input, timeoutMs: number, note: Note): Promise<Detailed<Value>> {
    const value = await this.#call(input, timeoutMs, note, freePermit());
    return this.#answer(input, value, 'live', note);
  }

  #keep(
    input: Input,
    key: string,
    value: Value,
    reader: ReturnType<Engine['cache']['reader']>,
  ): Value {
    const { cache, defaults } = this.#engine;
    const wrong = notJson(value);
    if (wrong) {
      this.#warn(
        `Answers of '${this.#name}' are not JSON at ${wrong}: they are served, but not cached`,
      );
      return value;
    }
    const frozen = deepFreeze(value);
    cache.set(key, {
      value: frozen as Json,
      entities: this.#spec.entities?.(input, frozen) ?? [],
      ttl: this.#spec.ttl ?? defaults.ttl,
      staleIfError: this.#spec.staleIfError ?? defaults.staleIfError,
      reader,
    });
    return frozen;
  }

  #afterFailure(
    input: Input,
    key: string,
    options: ReadCallOptions,
    note: Note,
    error: unknown,
  ): Detailed<Value> {
    if (error instanceof CallAborted) {
      note.rejected = true;
      throw error.cause;
    }
    const failed = this.#engine.classify(error);
    note.upstreamError = failed.code;
    if (failed.fault === 'caller' || failed.fault === 'credentials') {
      if (isGone(failed)) this.#engine.cache.delete(key);
      throw error;
    }
    if (!modes[this.#breaker.mode].servesReads)
      throw error instanceof RefusedHere ? this.#unavailable(error) : error;
    note.reason = fallbackReasonOf(failed);
    return this.#fallback(input, key, options, note, error);
  }

  /** What is at hand without the upstream: stale, or made of pending writes alone. */
  #fallback(
    input: Input,
    key: string,
    { maxStaleMs }: ReadCallOptions,
    note: Note,
    cause?: unknown,
  ): Detailed<Value> {
    const { cache, events } = this.#engine;
    const found = cache.get(key);
    const cached =
      found && found.staleForMs <= (maxStaleMs ?? Number.POSITIVE_INFINITY) ? found : undefined;
    events.emit('cacheLookup', {
      result: cached ? 'stale' : 'miss',
      ...(cached && { ageMs: cached.ageMs }),
      fallback: true,
    });
    if (cached) return this.#answer(input, cached.value as Value, 'stale', note, cached, cause);
    const local = this.#local(input, maxStaleMs);
    if (local) {
      const answer = this.#answer(input, local.value, 'entity', note, undefined, cause);
      return { ...answer, ageMs: local.ageMs };
    }
    throw this.#unavailable(cause, ', and there is no cached answer yet');
  }

  /** What the app's own reading of an entity throws must not hide why there is no answer. */
  #local(input: Input, maxStaleMs = Number.POSITIVE_INFINITY): LocalAnswer<Value> | undefined {
    if (!modes[this.#breaker.mode].servesEntities) return undefined;
    try {
      return localAnswer(this.#engine, this.#spec, input, maxStaleMs);
    } catch (error) {
      this.#warn(`\`fromEntity\` of '${this.#name}' threw: ${String(error)}`);
      return undefined;
    }
  }

  #unavailable(cause?: unknown, besides = ''): FallbackError {
    return new FallbackError('FALLBACK_UNAVAILABLE', `'${this.#name}' is unavailable${besides}`, {
      retryAfterMs: this.#breaker.retryAfterMs,
      ...(cause !== undefined && { cause }),
    });
  }

  #answer(
    input: Input,
    value: Value,
    outcome: ReadOutcome,
    note: Note,
    cached?: Hit,
    cause?: unknown,
  ): Detailed<Value> {
    note.outcome = outcome;
    const ageMs = cached?.ageMs ?? 0;
    if (cached) {
      note.ageMs = ageMs;
      note.staleForMs = cached.staleForMs;
    }
    if (outcome === 'stale') {
      const { collector, name } = this.#engine;
      collector.record('cacheServedAge', name, [name], ageMs / 1000);
    }
    const pending = this.#pending(input, value);
    const laid = pending.length > 0 ? this.#overlaid(value, pending, input) : value;
    return {
      value: laid,
      outcome,
      ageMs,
      pending: pending.length,
      ...(cause !== undefined && { cause }),
    };
  }

  /** What the app's own overlay throws must not cost the answer. */
  #overlaid(value: Value, pending: readonly PendingWrite[], input: Input): Value {
    try {
      const laid = this.#spec.overlay?.(value, pending, input);
      return laid === undefined ? value : deepFreeze(laid);
    } catch (error) {
      this.#warn(`The overlay of '${this.#name}' threw: ${String(error)}`);
      return value;
    }
  }

  #warn(message: string): void {
    if (!this.#warned) this.#engine.events.emit('warning', { message });
    this.#warned = true;
  }

  #pending(input: Input, value: Value): readonly PendingWrite[] {
    const { queue } = this.#engine;
    const entities = this.#spec.entities?.(input, value) ?? [];
    const records = entities.flatMap((entity) => queue.pending(entity));
    return [...new Set(records)].map(({ id, operation, input: written, entity, enqueuedAt }) => ({
      id,
      operation,
      input: written,
      ...(entity && { entity }),
      enqueuedAt,
    }));
  }
}

interface Limits {
  readonly timeoutMs: number;
  readonly signal: AbortSignal | undefined;
}

/** A shared promise that one caller may leave, at its own abort or its own deadline. */
function leavable<T>(promise: Promise<T>, { timeoutMs, signal }: Limits, clock: Clock): Promise<T> {
  return new Promise((resolve, reject) => {
    const leave = () => reject(new CallAborted(signal?.reason, true));
    const cancel = clock.after(timeoutMs, () => {
      const late = new TimeoutError(timeoutMs);
      late.sent = true;
      reject(late);
    });
    signal?.addEventListener('abort', leave, { once: true });
    const left = () => {
      cancel();
      signal?.removeEventListener('abort', leave);
    };
    promise.then(resolve, reject).finally(left);
  });
}
