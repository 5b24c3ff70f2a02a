/** A read of the upstream: one call a key at a time, whose answer is kept and whose failure rests. */

import type { Breaker } from './breaker/breaker.ts';
import { freePermit, type Permit } from './breaker/permit.ts';
import type { SentHeaders } from './call-headers.ts';
import type { DeclaredRead } from './declared-read.ts';
import type { Engine } from './engine.ts';
import { type Failure, isGone, isRepeatable } from './failure.ts';
import { KeptFailures } from './kept-failures.ts';
import type { ReadContext } from './operation.ts';
import { type Note, noteAttempt } from './perform.ts';
import { CallAborted, type CallPlan, type Tried } from './policy/call.ts';
import type { DeadlineContext } from './policy/timed-call.ts';
import type { ReadLimits } from './read-limits.ts';
import type { Reader } from './reads-under-way.ts';
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

  #fetch(asking: Asking<Input>, flight: Flight): Promise<Value> {
    const reader = this.#engine.cache.reader();
    return this.#call(asking, flight).then(
      (value) => this.#arrived(asking, flight, reader, value),
      (error: unknown) => this.#failed(asking, flight, reader, error),
    );
  }

  #arrived({ key, input }: Asking<Input>, flight: Flight, reader: Reader, value: Value): Value {
    const { answers } = this.#read;
    try {
      this.#failures.succeeded(key);
      if (flight.joined) flight.overtaken = !answers.isCurrent(key, input, value, reader);
      return answers.keep(key, input, value, reader);
    } finally {
      reader.end();
      flight.landed();
    }
  }

  #failed({ key }: Asking<Input>, flight: Flight, reader: Reader, error: unknown): never {
    reader.end();
    flight.landed();
    if (this.#saysGone(error)) this.#engine.cache.delete(key);
    if (flight.joined) this.#failedForSeveral(key, error);
    throw error;
  }

  #call(
    asking: Asking<Input>,
    flight: Pick<Flight, 'signal' | 'waitedMs'>,
    permit?: Permit,
  ): Promise<Value> {
    return this.#engine.policy.call(new LiveCall(this.#read, asking, flight, permit));
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

/** The call to the upstream for one asking. */
class LiveCall<Input, Value> implements CallPlan<Value> {
  readonly breaker: Breaker;
  readonly timeoutMs: number;
  readonly waitedMs: number;
  readonly startedAt: number | undefined;
  readonly signal: AbortSignal | undefined;
  readonly permit: Permit | undefined;
  readonly #read: DeclaredRead<Input, Value>;
  readonly #asking: Asking<Input>;

  constructor(
    read: DeclaredRead<Input, Value>,
    asking: Asking<Input>,
    { signal, waitedMs }: Pick<Flight, 'signal' | 'waitedMs'>,
    permit: Permit | undefined,
  ) {
    this.breaker = read.breaker;
    this.timeoutMs = asking.limits.timeoutMs;
    this.waitedMs = waitedMs;
    // One that waited for others began when they were done.
    this.startedAt = waitedMs > 0 ? undefined : asking.note.startedAt;
    this.signal = signal;
    this.permit = permit;
    this.#read = read;
    this.#asking = asking;
  }

  run(context: DeadlineContext): PromiseLike<Value> | Value {
    const { input, headers } = this.#asking;
    return this.#read.spec.run(input, new LiveContext(context, headers));
  }

  retriable(failed: Failure): boolean {
    return isRepeatable(failed, true);
  }

  onAttempt(number: number, failed: Failure | undefined, tried: Tried): void {
    const { engine, name } = this.#read;
    noteAttempt(engine, name, this.#asking.note, number, failed, tried);
  }
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
