/** A read of the upstream: one call a key at a time, whose answer is kept and whose failure rests. */

import { freePermit } from './breaker/permit.ts';
import type { DeclaredRead } from './declared-read.ts';
import type { Engine } from './engine.ts';
import { type Failure, isGone } from './failure.ts';
import { KeptFailures } from './kept-failures.ts';
import { LiveFlight, type Tower } from './live-flight.ts';
import { CallAborted } from './policy/call.ts';
import type { Asking } from './read-call.ts';
import { type Patience, SingleFlight } from './single-flight.ts';

/** The live part of a declared read. */
export class LiveRead<Input, Value> implements Tower<Input, Value> {
  readonly #engine: Engine;
  readonly #read: DeclaredRead<Input, Value>;
  readonly #flights: SingleFlight<Value>;
  readonly #failures: KeptFailures;

  constructor(read: DeclaredRead<Input, Value>) {
    const { engine, answers } = read;
    this.#engine = engine;
    this.#read = read;
    const share = (value: Value) => answers.share(value);
    this.#flights = new SingleFlight({ clock: engine.clock, share });
    this.#failures = new KeptFailures(engine.defaults.failureTtl, engine.clock);
  }

  /** Half-open it is the breaker that paces calls; and when it closes, earlier failures say nothing any more. */
  failureOf(key: string): { readonly error: unknown } | undefined {
    const { state, closedAt } = this.#read.breaker;
    return state.kind === 'closed' ? this.#failures.of(key, closedAt) : undefined;
  }

  /** The upstream's answer, of a call that may be shared with others. */
  ask(asking: Asking<Input, Value>, signal: AbortSignal | undefined): Promise<Value> {
    const { key, limits } = asking;
    const create = ({ waitedMs, signal }: Patience, alone: boolean) =>
      new LiveFlight(this.#read, this, asking, { waitedMs, ...(alone && { signal }) });
    const patience = { timeoutMs: limits.timeoutMs, waitedMs: 0, signal };
    return this.#read.answers.owned
      ? create(patience, true).depart()
      : this.#flights.fly(key, patience, create);
  }

  /**
   * The same for a caller who stays until the flight lands, and who lands it: {@link arrived} or
   * {@link failed} is the first thing that hears of the answer. Nothing where another is in the air.
   */
  depart(asking: Asking<Input, Value>): LiveFlight<Input, Value> | undefined {
    const { key } = asking;
    if (this.#read.answers.owned || this.#flights.of(key)) return undefined;
    const flight = new LiveFlight(this.#read, this, asking);
    this.#flights.add(key, flight);
    flight.landing = flight.start();
    return flight;
  }

  arrived(flight: LiveFlight<Input, Value>, value: Value): Value {
    const { answers } = this.#read;
    const { asking, readSince } = flight;
    const { key, input } = asking;
    try {
      this.#failures.succeeded(key.text);
      if (flight.joined) flight.overtaken = !answers.isCurrent(key.text, input, value, readSince);
      return answers.keep(key.text, input, value, readSince, flight.joined);
    } finally {
      this.#land(flight);
    }
  }

  failed(flight: LiveFlight<Input, Value>, error: unknown): void {
    const { key } = flight.asking;
    this.#land(flight);
    if (this.#saysGone(error)) this.#engine.cache.delete(key.text);
    if (flight.joined) this.#failedForSeveral(key.text, error);
  }

  /** Past breaker, cache and everybody else. */
  askPast(asking: Asking<Input, Value>, signal: AbortSignal | undefined): Promise<Value> {
    const flight = new LiveFlight(this.#read, this, asking, { signal, permit: freePermit() });
    return flight.start().finally(() => this.#engine.cache.endRead());
  }

  #land(flight: LiveFlight<Input, Value>): void {
    this.#engine.cache.endRead();
    this.#flights.remove(flight.asking.key, flight);
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
}

/** Whether a failure leads to the fallback; the caller's own, and credentials, pass through. */
export function leadsToFallback({ fault }: Failure): boolean {
  return fault === 'upstream' || fault === 'limit';
}
