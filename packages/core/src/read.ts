/** The read path: fresh from the cache, live, stale, or a clear error. */

import { freePermit } from './breaker/permit.ts';
import type { Hit } from './cache.ts';
import { sentHeaders } from './call-headers.ts';
import { checkReadOptions, noOptions } from './call-options.ts';
import { type AnyAnswers, type DeclaredRead, declaredRead } from './declared-read.ts';
import { derivedAnswer } from './derived-answer.ts';
import type { Engine } from './engine.ts';
import { FallbackError } from './errors.ts';
import { fallbackReasonOf, isGone, RefusedHere } from './failure.ts';
import { LiveFlight } from './live-flight.ts';
import { LiveRead, leadsToFallback } from './live-read.ts';
import { localAnswer } from './local-answer.ts';
import { modes } from './mode.ts';
import type { ReadCallOptions, ReadOperation, ReadSpec } from './operation.ts';
import type { Detailed, ReadOutcome } from './outcome.ts';
import { Overlay } from './overlay.ts';
import { CallAborted } from './policy/call.ts';
import { type Asking, ReadCall } from './read-call.ts';
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
  const detailed = (input: Input, options = noOptions) => path.perform(input, options, whole);
  const call = (input: Input, options = noOptions) => path.perform(input, options, valueIn);
  const operation = Object.assign(call, { detailed, operationName: name });
  engine.reads.set(name, { operation, answers: declared.answers as AnyAnswers });
  return operation;
}

function whole<Value>(answer: Detailed<Value>): Detailed<Value> {
  return answer;
}

function newest(one: Hit | undefined, other: Hit | undefined): Hit | undefined {
  return one && other ? (other.ageMs < one.ageMs ? other : one) : (one ?? other);
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
  /**
   * V8 throws away what it compiled for objects of a shape of which none is left: between two calls of a
   * quiet app that would be all of this path, again and again.
   */
  readonly specimen: object;

  constructor(read: DeclaredRead<Input, Value>) {
    this.#engine = read.engine;
    this.#read = read;
    this.#overlay = new Overlay(read);
    this.#upstream = new LiveRead(read);
    this.#usualLimits = readLimits(read.name, noOptions, read.spec, read.engine.defaults);
    const call = new ReadCall<Input, Value, unknown>(
      read,
      0.5,
      undefined,
      undefined as Input,
      whole,
    );
    call.limits = this.#usualLimits;
    this.specimen = new LiveFlight(read, this.#upstream, call, { permit: freePermit() });
  }

  /** No async function: each call would pay for its promises. */
  perform<Given>(
    input: Input,
    options: ReadCallOptions,
    given: (answer: Detailed<Value>) => Given,
  ): Promise<Given> {
    const { collector, life } = this.#engine;
    collector.bind();
    if (life.opened) return this.#begin(input, options, given);
    return life.open().then(() => this.#begin(input, options, given));
  }

  #begin<Given>(
    input: Input,
    options: ReadCallOptions,
    given: (answer: Detailed<Value>) => Given,
  ): Promise<Given> {
    const { clock, tracing } = this.#engine;
    const span = tracing.operation(this.#read);
    const call = new ReadCall(this.#read, clock.elapsed(), span, input, given);
    return call.span ? call.span.run(() => this.#end(call, options)) : this.#end(call, options);
  }

  /** Ends a call with what it comes to, at once where that is at hand. */
  #end<Given>(call: ReadCall<Input, Value, Given>, options: ReadCallOptions): Promise<Given> {
    try {
      const answer = this.#answerTo(call, options);
      if (answer instanceof LiveFlight) return this.#landing(call, answer);
      if (!(answer instanceof Promise)) return Promise.resolve(call.answered(answer));
      return answer.then(
        (later) => call.answered(later),
        (error: unknown) => call.thrown(error),
      );
    } catch (error) {
      call.failed(error);
      return Promise.reject(error);
    }
  }

  /** It lands, the answer is made of it, and the call ends, in one step. */
  #landing<Given>(
    call: ReadCall<Input, Value, Given>,
    flight: LiveFlight<Input, Value>,
  ): Promise<Given> {
    const landed = (value: Value): Given => {
      let answer: Detailed<Value>;
      try {
        answer = this.#answer(call, this.#upstream.arrived(flight, value), 'live');
      } catch (error) {
        return call.thrown(error);
      }
      return call.answered(answer);
    };
    const crashed = (error: unknown): Given | Promise<Given> => {
      let answer: Detailed<Value> | Promise<Detailed<Value>>;
      try {
        this.#upstream.failed(flight, error);
        answer = this.#afterFailure(call, error);
      } catch (thrown) {
        return call.thrown(thrown);
      }
      if (!(answer instanceof Promise)) return call.answered(answer);
      return answer.then(
        (later) => call.answered(later),
        (thrown: unknown) => call.thrown(thrown),
      );
    };
    return flight.answer.then(landed, crashed);
  }

  #answerTo(
    asking: ReadCall<Input, Value, unknown>,
    options: ReadCallOptions,
  ): LiveFlight<Input, Value> | Promise<Detailed<Value>> | Detailed<Value> {
    const { cache, shedding, life, defaults } = this.#engine;
    const { name, spec, breaker, answers } = this.#read;
    checkReadOptions(name, options);
    const { signal } = options;
    asking.limits =
      options === noOptions ? this.#usualLimits : readLimits(name, options, spec, defaults);
    if (signal?.aborted) {
      asking.rejected = true;
      throw signal.reason;
    }
    asking.headers = sentHeaders(name, options.headers);
    asking.key = answers.key(asking.input, asking.headers);
    const { key, limits } = asking;
    if (life.closed) return this.#past(asking, signal);
    const cached = cache.get(key.text);
    asking.kept = cached?.value;
    if (cached?.fresh) {
      asking.cacheResult = 'hit';
      this.#looked('hit', false, cached.ageMs);
      return this.#answer(asking, cached.value as Value, 'cache', cached);
    }
    if (!breaker.admits('call')) {
      breaker.refuse();
      asking.reason = breaker.refusal;
      if (!modes[breaker.mode].servesReads) throw this.#unavailable();
      return this.#fallback(asking);
    }
    const failure = this.#upstream.failureOf(key.text);
    if (failure) return this.#afterFailure(asking, failure.error);
    const staleAtHand =
      cached && cached.staleForMs <= limits.maxStaleMs && modes[breaker.mode].servesReads;
    if (staleAtHand && shedding.sheds(breaker)) {
      asking.reason = 'shed';
      return this.#fallback(asking);
    }
    if (!cached) asking.cacheResult = 'miss';
    if (answers.ttl > 0) this.#looked('miss', false);
    if (!staleAtHand || limits.softTimeout === false) {
      const flight = signal ? undefined : this.#upstream.depart(asking);
      if (flight) return flight;
    }
    const answer =
      staleAtHand && limits.softTimeout !== false
        ? this.#liveOrStale(asking, limits.softTimeout, signal)
        : this.#live(asking, signal);
    return answer.catch((error: unknown) => this.#afterFailure(asking, error));
  }

  async #live(
    asking: Asking<Input, Value>,
    signal: AbortSignal | undefined,
  ): Promise<Detailed<Value>> {
    return this.#answer(asking, await this.#upstream.ask(asking, signal), 'live');
  }

  /** After close: straight to the upstream, whatever it says. */
  async #past(
    asking: Asking<Input, Value>,
    signal: AbortSignal | undefined,
  ): Promise<Detailed<Value>> {
    try {
      const value = await this.#upstream.askPast(asking, signal);
      return this.#answer(asking, value, 'live');
    } catch (error) {
      throw this.#unlessAborted(asking, error);
    }
  }

  /** A refresh that takes too long goes on behind a stale answer. */
  async #liveOrStale(
    asking: Asking<Input, Value>,
    softTimeout: number,
    signal: AbortSignal | undefined,
  ): Promise<Detailed<Value>> {
    // Without the caller's signal: it must not end with the request that was answered stale.
    const refresh = this.#upstream.ask(asking, undefined);
    if (!(await settlesWithin(refresh, softTimeout, signal, this.#engine.clock))) {
      const stale = this.#stale(asking);
      if (stale) {
        asking.reason = 'soft_timeout';
        return stale;
      }
    }
    return this.#answer(asking, await refresh, 'live');
  }

  #afterFailure(
    asking: Asking<Input, Value>,
    error: unknown,
  ): Detailed<Value> | Promise<Detailed<Value>> {
    if (error instanceof CallAborted) throw this.#unlessAborted(asking, error);
    const failed = this.#engine.classify(error);
    asking.upstreamError = failed.code;
    if (!leadsToFallback(failed)) {
      const made = isGone(failed) ? this.#made(asking, 'live', error) : undefined;
      if (made) return made;
      throw error;
    }
    if (!modes[this.#read.breaker.mode].servesReads)
      throw error instanceof RefusedHere ? this.#unavailable(error) : error;
    asking.reason = fallbackReasonOf(failed);
    return this.#fallback(asking, error);
  }

  /** What is at hand without the upstream, after other instances were asked what they know, where there are any. */
  #fallback(
    asking: Asking<Input, Value>,
    cause?: unknown,
  ): Detailed<Value> | Promise<Detailed<Value>> {
    const asked = this.#engine.cache.askOthers(asking.key.text);
    return asked ? asked.then(() => this.#atHand(asking, cause)) : this.#atHand(asking, cause);
  }

  /** Stale, of a local entity, or of pending writes alone. */
  #atHand(asking: Asking<Input, Value>, cause: unknown): Detailed<Value> {
    const answer =
      this.#stale(asking, cause) ??
      this.#local(asking, cause) ??
      this.#made(asking, 'entity', cause);
    if (answer) return answer;
    throw this.#unavailable(cause, ', and there is no cached answer yet');
  }

  #stale(asking: Asking<Input, Value>, cause?: unknown): Detailed<Value> | undefined {
    const { cache } = this.#engine;
    const found = newest(
      cache.get(asking.key.text),
      derivedAnswer(this.#read, asking.input, asking.key.text),
    );
    const cached = found && found.staleForMs <= asking.limits.maxStaleMs ? found : undefined;
    const cacheResult = cached ? 'stale' : 'miss';
    asking.cacheResult = cacheResult;
    this.#looked(cacheResult, true, cached?.ageMs);
    return cached && this.#answer(asking, cached.value as Value, 'stale', cached, cause);
  }

  /** What the app's own reading of an entity throws must not hide why there is no answer. */
  #local(asking: Asking<Input, Value>, cause: unknown): Detailed<Value> | undefined {
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
    asking: Asking<Input, Value>,
    outcome: ReadOutcome,
    cause: unknown,
  ): Detailed<Value> | undefined {
    const { input } = asking;
    const pending = this.#overlay.pending(input);
    const value = this.#overlay.lay(undefined, pending, input);
    if (value === undefined) return undefined;
    asking.outcome = outcome;
    return {
      value,
      outcome,
      ageMs: 0,
      pending: pending.length,
      ...(cause !== undefined && { cause }),
    };
  }

  #looked(result: 'hit' | 'stale' | 'miss', fallback: boolean, ageMs?: number): void {
    const { counters, events } = this.#engine;
    counters.cacheRequests[result].count += 1;
    if (events.hears('cacheLookup'))
      events.emit('cacheLookup', { result, ...(ageMs !== undefined && { ageMs }), fallback });
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

  #unlessAborted(asking: Asking<Input, Value>, error: unknown): unknown {
    if (!(error instanceof CallAborted)) return error;
    asking.rejected = true;
    return error.cause;
  }

  #answer(
    asking: Asking<Input, Value>,
    value: Value,
    outcome: ReadOutcome,
    cached?: Hit,
    cause?: unknown,
  ): Detailed<Value> {
    asking.outcome = outcome;
    const ageMs = cached?.ageMs ?? 0;
    if (cached) {
      asking.ageMs = ageMs;
      asking.staleForMs = cached.staleForMs;
    }
    if (outcome === 'stale') {
      const { collector, name } = this.#engine;
      collector.record('cacheServedAge', name, [name], ageMs / 1000);
    }
    const { input } = asking;
    const pending = this.#overlay.pending(input, value);
    const laid = this.#overlay.lay(value, pending, input);
    const answer = { value: laid, outcome, ageMs, pending: pending.length };
    return cause === undefined ? answer : { ...answer, cause };
  }
}
