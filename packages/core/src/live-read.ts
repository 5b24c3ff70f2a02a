/** A read of the upstream: one call a key at a time, whose answer is kept and whose failure rests. */

import { freePermit, type Permit } from './breaker/permit.ts';
import type { SentHeaders } from './call-headers.ts';
import type { DeclaredRead } from './declared-read.ts';
import type { Engine } from './engine.ts';
import { type Failure, isGone, isRepeatable } from './failure.ts';
import { KeptFailures } from './kept-failures.ts';
import type { ReadContext } from './operation.ts';
import { attemptsOf, type Note } from './perform.ts';
import type { DeadlineContext } from './policy/deadline.ts';
import { CallAborted } from './policy/policy.ts';
import type { ReadLimits } from './read-limits.ts';
import { type Flight, flightOf, SingleFlight } from './single-flight.ts';

/** One call: what it asks, and how long it waits. */
export interface Asking<Input> {
  readonly input: Input;
  readonly headers: SentHeaders;
  readonly key: string;
  readonly limits: ReadLimits;
  readonly note: Note;
}

/** The live part of a declared read. */
export class LiveRead<Input, Value> {
  readonly #engine: Engine;
  readonly #read: DeclaredRead<Input, Value>;
  readonly #flights: SingleFlight<Value>;
  readonly #failures: KeptFailures;

  constructor(read: DeclaredRead<Input, Value>) {
    const { engine, answers } = read;
    this.#engine = engine;
    this.#read = read;
    this.#flights = new SingleFlight({
      clock: engine.clock,
      isSharable: (value) => answers.isSharable(value),
      onSharedFailure: (key, error) => this.#failedForSeveral(key, error),
    });
    this.#failures = new KeptFailures(engine.defaults.failureTtl, engine.clock);
  }

  /** Half-open it is the breaker that paces calls; and when it closes, earlier failures say nothing any more. */
  failureOf(key: string): { readonly error: unknown } | undefined {
    const { state, closedAt } = this.#read.breaker;
    return state.kind === 'closed' ? this.#failures.of(key, closedAt) : undefined;
  }

  /** The upstream's answer, of a call that may be shared with others. */
  ask(asking: Asking<Input>, signal: AbortSignal | undefined): Promise<Value> {
    const fetch = (flight: Flight) => this.#fetch(asking, flight);
    if (this.#read.answers.owned) return fetch(flightOf(0, signal));
    const { timeoutMs } = asking.limits;
    return this.#flights.fly(asking.key, { timeoutMs, waitedMs: 0, signal }, fetch);
  }

  async #fetch(asking: Asking<Input>, flight: Flight): Promise<Value> {
    const { input, key } = asking;
    const { answers } = this.#read;
    const reader = this.#engine.cache.reader();
    try {
      const value = await this.#call(asking, flight);
      this.#failures.succeeded(key);
      if (flight.joined) flight.overtaken = !answers.isCurrent(key, input, value, reader);
      return answers.keep(key, input, value, reader);
    } catch (error) {
      if (this.#saysGone(error)) this.#engine.cache.delete(key);
      throw error;
    } finally {
      reader.end();
    }
  }

  #call(
    { input, headers, limits: { timeoutMs }, note }: Asking<Input>,
    { signal, waitedMs }: Pick<Flight, 'signal' | 'waitedMs'>,
    permit?: Permit,
  ): Promise<Value> {
    const { policy } = this.#engine;
    const { name, spec, breaker } = this.#read;
    return policy.call({
      run: (context) => spec.run(input, new LiveContext(context, headers)),
      breaker,
      timeoutMs,
      waitedMs,
      signal,
      ...(permit && { permit }),
      retriable: (failed) => isRepeatable(failed, true),
      onAttempt: attemptsOf(this.#engine, name, note),
    });
  }

  /** An answer that the upstream says is not there is none any more, whoever still waits to hear it. */
  #saysGone(error: unknown): boolean {
    if (error instanceof CallAborted) return false;
    const failed = this.#engine.classify(error);
    return !leadsToFallback(failed) && isGone(failed);
  }

  /** Those who come next shall not call one after the other what just failed for many. */
  #failedForSeveral(key: string, error: unknown): void {
    if (error instanceof CallAborted) return;
    const failed = this.#engine.classify(error);
    if (leadsToFallback(failed) && !failed.local)
      this.#failures.failed(key, error, failed.retryAfterMs);
  }

  /** Past breaker, cache and everybody else. */
  askPast(asking: Asking<Input>, signal: AbortSignal | undefined): Promise<Value> {
    return this.#call(asking, { signal, waitedMs: 0 }, freePermit());
  }
}

/** Whether a failure leads to the fallback; the caller's own, and credentials, pass through. */
export function leadsToFallback({ fault }: Failure): boolean {
  return fault === 'upstream' || fault === 'limit';
}

/** What `run` gets: its signal is made only when it is read. */
class LiveContext implements ReadContext {
  readonly headers: SentHeaders;
  readonly #deadline: DeadlineContext;

  constructor(deadline: DeadlineContext, headers: SentHeaders) {
    this.#deadline = deadline;
    this.headers = headers;
  }

  get signal(): AbortSignal {
    return this.#deadline.signal;
  }
}
