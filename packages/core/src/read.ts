/** The read path: fresh from the cache, live, stale, or a clear error. */

import type { Hit } from './cache.ts';
import type { Engine } from './engine.ts';
import { FallbackError } from './errors.ts';
import { fallbackReasonOf, isRepeatable } from './failure.ts';
import { canonical, deepFreeze, type Json, notJson } from './json.ts';
import type { PendingWrite, ReadCallOptions, ReadOperation, ReadSpec } from './operation.ts';
import type { Detailed, ReadOutcome } from './outcome.ts';
import { type Note, perform } from './perform.ts';
import { CallAborted } from './policy/policy.ts';

/** Declares a read on an engine. */
export function declareRead<Input, Value>(
  engine: Engine,
  name: string,
  spec: ReadSpec<Input, Value>,
): ReadOperation<Input, Value> {
  const path = new ReadPath(engine, name, spec);
  const detailed = (input: Input, options: ReadCallOptions = {}) =>
    perform(engine, name, 'read', (note) => path.read(input, options, note));
  const operation = async (input: Input, options?: ReadCallOptions) =>
    (await detailed(input, options)).value;
  return Object.assign(operation, { detailed, operationName: name });
}

class ReadPath<Input, Value> {
  readonly #engine: Engine;
  readonly #name: string;
  readonly #spec: ReadSpec<Input, Value>;
  /** One flight a key: who comes while it is in the air shares its answer, or its failure. */
  readonly #flights = new Map<string, Promise<Value>>();
  #warned = false;

  constructor(engine: Engine, name: string, spec: ReadSpec<Input, Value>) {
    this.#engine = engine;
    this.#name = name;
    this.#spec = spec;
  }

  async read(input: Input, options: ReadCallOptions, note: Note): Promise<Detailed<Value>> {
    const { cache, breaker, recovery, events } = this.#engine;
    const key = `${this.#name}\u0000${canonical(this.#spec.key ? this.#spec.key(input) : input)}`;
    const cached = cache.get(key);
    if (cached?.fresh) {
      events.emit('cacheLookup', { result: 'hit', ageMs: cached.ageMs, fallback: false });
      return this.#answer(input, cached.value as Value, 'cache', note, cached);
    }
    if (!breaker.admits('call')) {
      breaker.refuse();
      note.reason = breaker.state.kind === 'half_open' ? 'half_open' : 'open';
      return this.#fallback(input, key, options, note);
    }
    if (cached && recovery.sheds(breaker)) {
      note.reason = 'shed';
      return this.#fallback(input, key, options, note);
    }
    try {
      const value = await this.#live(input, key, options, note);
      return this.#answer(input, value, 'live', note);
    } catch (error) {
      return this.#afterFailure(input, key, options, note, error);
    }
  }

  #live(input: Input, key: string, options: ReadCallOptions, note: Note): Promise<Value> {
    const shared = this.#flights.get(key);
    if (shared) return leavable(shared, options.signal);
    // The flight is nobody's own: one caller's abort must not end it for the others.
    const flight = this.#fetch(input, key, options, note).finally(() => this.#flights.delete(key));
    this.#flights.set(key, flight);
    return leavable(flight, options.signal);
  }

  async #fetch(input: Input, key: string, options: ReadCallOptions, note: Note): Promise<Value> {
    const { policy, breaker, cache, events, defaults } = this.#engine;
    const reader = cache.reader();
    try {
      const value = await policy.call({
        run: (context) => this.#spec.run(input, context),
        breaker,
        timeoutMs: options.timeoutMs ?? this.#spec.timeoutMs ?? defaults.readTimeoutMs,
        signal: undefined,
        retriable: (failed) => isRepeatable(failed, true),
        onAttempt: (number, failed) => {
          note.attempts = number;
          events.emit('attempt', { operation: this.#name, result: failed?.label ?? 'success' });
        },
      });
      return this.#keep(input, key, value, reader);
    } finally {
      reader.end();
    }
  }

  #keep(
    input: Input,
    key: string,
    value: Value,
    reader: ReturnType<Engine['cache']['reader']>,
  ): Value {
    const { cache, defaults, events } = this.#engine;
    const wrong = notJson(value);
    if (wrong) {
      if (!this.#warned)
        events.emit('warning', {
          message: `Answers of '${this.#name}' are not JSON at ${wrong}: they are served, but not cached`,
        });
      this.#warned = true;
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
      note.outcome = 'rejected';
      throw error.cause;
    }
    const failed = this.#engine.classify(error);
    note.upstreamError = failed.code;
    if (failed.fault === 'caller' || failed.fault === 'credentials') {
      if (failed.status === 404 || failed.status === 410) this.#engine.cache.delete(key);
      throw error;
    }
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
    const { cache, events, breaker } = this.#engine;
    const found = cache.get(key);
    const cached =
      found && found.staleForMs <= (maxStaleMs ?? Number.POSITIVE_INFINITY) ? found : undefined;
    events.emit('cacheLookup', {
      result: cached ? 'stale' : 'miss',
      ...(cached && { ageMs: cached.ageMs }),
      fallback: true,
    });
    if (cached) return this.#answer(input, cached.value as Value, 'stale', note, cached, cause);
    throw new FallbackError(
      'FALLBACK_UNAVAILABLE',
      `'${this.#name}' is unavailable, and there is no cached answer yet`,
      {
        retryAfterMs: breaker.retryAfterMs,
        ...(cause !== undefined && { cause }),
      },
    );
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
    const laid = pending.length > 0 ? this.#spec.overlay?.(value, pending, input) : undefined;
    return {
      value: laid === undefined ? value : deepFreeze(laid),
      outcome,
      ageMs,
      pending: pending.length,
      ...(cause !== undefined && { cause }),
    };
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

/** A shared promise that one caller may leave. */
function leavable<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (!signal) return promise;
  if (signal.aborted) return Promise.reject(new CallAborted(signal.reason, true));
  return new Promise((resolve, reject) => {
    const leave = () => reject(new CallAborted(signal.reason, true));
    signal.addEventListener('abort', leave, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', leave));
  });
}
