/** The call to the upstream for one who reads, and for whoever asks the same meanwhile. */

import type { Breaker } from './breaker/breaker.ts';
import type { Permit } from './breaker/permit.ts';
import type { SentHeaders } from './call-headers.ts';
import type { DeclaredRead } from './declared-read.ts';
import { type Failure, isRepeatable } from './failure.ts';
import type { ReadContext } from './operation.ts';
import type { CallPlan, Tried } from './policy/call.ts';
import type { DeadlineContext } from './policy/timed-call.ts';
import type { Asking } from './read-call.ts';
import { Flight, type Patience } from './single-flight.ts';

/** Told of a flight's end before anyone who waits for its answer. */
export interface Tower<Input, Value> {
  arrived(flight: LiveFlight<Input, Value>, value: Value): Value;
  failed(flight: LiveFlight<Input, Value>, error: unknown): void;
}

/** A flight that is its own plan of a call. */
export class LiveFlight<Input, Value> extends Flight<Value> implements CallPlan<Value> {
  readonly breaker: Breaker;
  readonly timeoutMs: number;
  readonly startedAt: number | undefined;
  readonly permit: Permit | undefined;
  /** Whoever began it. */
  readonly asking: Asking<Input, Value>;
  /** When it began, in the cache's moments. */
  readonly readSince: number;
  readonly #read: DeclaredRead<Input, Value>;
  readonly #tower: Tower<Input, Value>;

  constructor(
    read: DeclaredRead<Input, Value>,
    tower: Tower<Input, Value>,
    asking: Asking<Input, Value>,
    patience: Patience,
    alone = false,
    permit?: Permit,
  ) {
    super(patience, alone);
    this.breaker = read.breaker;
    this.timeoutMs = patience.timeoutMs;
    // One that waited for others begins when they are done.
    this.startedAt = patience.waitedMs > 0 ? undefined : asking.startedAt;
    this.permit = permit;
    this.asking = asking;
    this.readSince = read.engine.cache.beginRead();
    this.#read = read;
    this.#tower = tower;
  }

  override depart(): Promise<Value> {
    return this.call().then(
      (value) => this.#tower.arrived(this, value),
      (error: unknown) => {
        this.#tower.failed(this, error);
        throw error;
      },
    );
  }

  /** Departs without telling the tower: whoever calls it does, first thing when the answer settles. */
  call(): Promise<Value> {
    return this.#read.engine.policy.call(this);
  }

  run(context: DeadlineContext): PromiseLike<Value> | Value {
    const { input, headers } = this.asking;
    return this.#read.spec.run(input, new LiveContext(context, headers));
  }

  retriable(failed: Failure): boolean {
    return isRepeatable(failed, true);
  }

  onAttempt(number: number, failed: Failure | undefined, tried: Tried): void {
    this.asking.tried(number, failed, tried);
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
