/** The read path: fresh from the cache, live, stale, or a clear error. */

import type { Hit } from './cache.ts';
import { sentHeaders } from './call-headers.ts';
import { checkReadOptions, noOptions } from './call-options.ts';
import { type AnyAnswers, type DeclaredRead, declaredRead } from './declared-read.ts';
import type { Engine } from './engine.ts';
import { FallbackError } from './errors.ts';
import { fallbackReasonOf, isGone, RefusedHere } from './failure.ts';
import { type Asking, LiveRead, leadsToFallback } from './live-read.ts';
import { localAnswer } from './local-answer.ts';
import { modes } from './mode.ts';
import type { ReadCallOptions, ReadOperation, ReadSpec } from './operation.ts';
import type { Detailed, ReadOutcome } from './outcome.ts';
import { Overlay } from './overlay.ts';
import { type Note, perform, same } from './perform.ts';
import { CallAborted } from './policy/call.ts';
import { type ReadLimits, readLimits } from './read-limits.ts';
import { settlesWithin } from './soft-timeout.ts';

/** Declares a read on an engine. */
export function declareRead<Input, Value>(
  engine: Engine,
  name: string,
  spec: ReadSpec<Input, Value>,
): ReadOperation<Input, Value> {
  const declared = declaredRead(engine, name, spec);
  const path = new ReadPath(declared);
  const performed = { operation: name, kind: 'read', breaker: declared.breaker } as const;
  const detailed = (input: Input, options = noOptions) =>
    perform(engine, performed, (note) => path.read(input, options, note), same);
  const call = (input: Input, options = noOptions) =>
    perform(engine, performed, (note) => path.read(input, options, note), valueIn);
  const operation = Object.assign(call, { detailed, operationName: name });
  engine.reads.set(name, { operation, answers: declared.answers as AnyAnswers });
  return operation;
}

function valueIn<Value>({ value }: Detailed<Value>): Value {
  return value;
}

class ReadPath<Input, Value> {
  readonly #engine: Engine;
  readonly #read: DeclaredRead<Input, Value>;
  readonly #overlay: Overlay<Input, Value>;
  readonly #upstream: LiveRead<Input, Value>;
  /** Of calls that give none. */
  readonly #usualLimits: ReadLimits;

  constructor(read: DeclaredRead<Input, Value>) {
    this.#engine = read.engine;
    this.#read = read;
    this.#overlay = new Overlay(read);
    this.#upstream = new LiveRead(read);
    this.#usualLimits = readLimits(read.name, noOptions, read.spec, read.engine.defaults);
  }

  read(
    input: Input,
    options: ReadCallOptions,
    note: Note,
  ): Promise<Detailed<Value>> | Detailed<Value> {
    const { cache, shedding, events, life, defaults } = this.#engine;
    const { name, spec, breaker, answers } = this.#read;
    checkReadOptions(name, options);
    const { signal } = options;
    const limits =
      options === noOptions ? this.#usualLimits : readLimits(name, options, spec, defaults);
    if (signal?.aborted) {
      note.rejected = true;
      throw signal.reason;
    }
    const headers = sentHeaders(name, options.headers);
    const key = answers.key(input, headers);
    const asking: Asking<Input> = { input, headers, key, limits, note };
    if (life.closed) return this.#past(asking, signal);
    const cached = cache.get(key);
    if (cached?.fresh) {
      note.cacheResult = 'hit';
      events.emit('cacheLookup', { result: 'hit', ageMs: cached.ageMs, fallback: false });
      return this.#answer(asking, cached.value as Value, 'cache', cached);
    }
    const { servesReads } = modes[breaker.mode];
    if (!breaker.admits('call')) {
      breaker.refuse();
      note.reason = breaker.refusal;
      if (!servesReads) throw this.#unavailable();
      return this.#fallback(asking);
    }
    const failure = this.#upstream.failureOf(key);
    if (failure) return this.#afterFailure(asking, failure.error);
    const staleAtHand = servesReads && cached && cached.staleForMs <= limits.maxStaleMs;
    if (staleAtHand && shedding.sheds(breaker)) {
      note.reason = 'shed';
      return this.#fallback(asking);
    }
    if (!cached) note.cacheResult = 'miss';
    if (answers.ttl > 0) events.emit('cacheLookup', { result: 'miss', fallback: false });
    const failed = (error: unknown) => this.#afterFailure(asking, error);
    if (staleAtHand && limits.softTimeout !== false)
      return this.#liveOrStale(asking, limits.softTimeout, signal).catch(failed);
    const live = (value: Value) => this.#answer(asking, value, 'live');
    return this.#upstream.ask(asking, signal).then(live, failed);
  }

  /** After close: straight to the upstream, whatever it says. */
  async #past(asking: Asking<Input>, signal: AbortSignal | undefined): Promise<Detailed<Value>> {
    try {
      const value = await this.#upstream.askPast(asking, signal);
      return this.#answer(asking, value, 'live');
    } catch (error) {
      throw this.#unlessAborted(asking, error);
    }
  }

  /** A refresh that takes too long goes on behind a stale answer. */
  async #liveOrStale(
    asking: Asking<Input>,
    softTimeout: number,
    signal: AbortSignal | undefined,
  ): Promise<Detailed<Value>> {
    // Without the caller's signal: it must not end with the request that was answered stale.
    const refresh = this.#upstream.ask(asking, undefined);
    if (!(await settlesWithin(refresh, softTimeout, signal, this.#engine.clock))) {
      const stale = this.#stale(asking);
      if (stale) {
        asking.note.reason = 'soft_timeout';
        return stale;
      }
    }
    return this.#answer(asking, await refresh, 'live');
  }

  #afterFailure(asking: Asking<Input>, error: unknown): Detailed<Value> {
    const { note } = asking;
    if (error instanceof CallAborted) throw this.#unlessAborted(asking, error);
    const failed = this.#engine.classify(error);
    note.upstreamError = failed.code;
    if (!leadsToFallback(failed)) {
      const made = isGone(failed) ? this.#made(asking, 'live', error) : undefined;
      if (made) return made;
      throw error;
    }
    if (!modes[this.#read.breaker.mode].servesReads)
      throw error instanceof RefusedHere ? this.#unavailable(error) : error;
    note.reason = fallbackReasonOf(failed);
    return this.#fallback(asking, error);
  }

  /** What is at hand without the upstream: stale, of a local entity, or of pending writes alone. */
  #fallback(asking: Asking<Input>, cause?: unknown): Detailed<Value> {
    const answer =
      this.#stale(asking, cause) ??
      this.#local(asking, cause) ??
      this.#made(asking, 'entity', cause);
    if (answer) return answer;
    throw this.#unavailable(cause, ', and there is no cached answer yet');
  }

  #stale(asking: Asking<Input>, cause?: unknown): Detailed<Value> | undefined {
    const { cache, events } = this.#engine;
    const found = cache.get(asking.key);
    const cached = found && found.staleForMs <= asking.limits.maxStaleMs ? found : undefined;
    const cacheResult = cached ? 'stale' : 'miss';
    asking.note.cacheResult = cacheResult;
    events.emit('cacheLookup', {
      result: cacheResult,
      ...(cached && { ageMs: cached.ageMs }),
      fallback: true,
    });
    return cached && this.#answer(asking, cached.value as Value, 'stale', cached, cause);
  }

  /** What the app's own reading of an entity throws must not hide why there is no answer. */
  #local(asking: Asking<Input>, cause: unknown): Detailed<Value> | undefined {
    const { breaker, name, spec, answers } = this.#read;
    if (!modes[breaker.mode].servesEntities) return undefined;
    const { input, limits } = asking;
    try {
      const local = localAnswer(this.#engine, spec, input, limits.maxStaleMs);
      if (!local) return undefined;
      const answer = this.#answer(asking, local.value, 'entity', undefined, cause);
      return { ...answer, ageMs: local.ageMs };
    } catch (error) {
      answers.warn(`\`fromEntity\` of '${name}' threw: ${String(error)}`);
      return undefined;
    }
  }

  /** Of pending writes alone. */
  #made(
    { input, note }: Asking<Input>,
    outcome: ReadOutcome,
    cause: unknown,
  ): Detailed<Value> | undefined {
    const pending = this.#overlay.pending(input);
    const value = this.#overlay.lay(undefined, pending, input);
    if (value === undefined) return undefined;
    note.outcome = outcome;
    return {
      value,
      outcome,
      ageMs: 0,
      pending: pending.length,
      ...(cause !== undefined && { cause }),
    };
  }

  #unavailable(cause?: unknown, besides = ''): FallbackError {
    return new FallbackError(
      'FALLBACK_UNAVAILABLE',
      `'${this.#read.name}' is unavailable${besides}`,
      {
        retryAfterMs: this.#read.breaker.retryAfterMs,
        ...(cause !== undefined && { cause }),
      },
    );
  }

  #unlessAborted({ note }: Asking<Input>, error: unknown): unknown {
    if (!(error instanceof CallAborted)) return error;
    note.rejected = true;
    return error.cause;
  }

  #answer(
    { input, note }: Asking<Input>,
    value: Value,
    outcome: ReadOutcome,
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
    const pending = this.#overlay.pending(input, value);
    return {
      value: this.#overlay.lay(value, pending, input),
      outcome,
      ageMs,
      pending: pending.length,
      ...(cause !== undefined && { cause }),
    };
  }
}
