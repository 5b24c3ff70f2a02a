/** The call to the upstream for one who reads, and for whoever asks the same meanwhile. */

import type { Breaker } from './breaker/breaker.ts';
import type { Permit } from './breaker/permit.ts';
import type { SentHeaders } from './call-headers.ts';
import type { DeclaredRead } from './declared-read.ts';
import { type Failure, isRepeatable } from './failure.ts';
import type { ReadContext } from './operation.ts';
import { Call } from './policy/call.ts';
import type { DeadlineContext } from './policy/timed-call.ts';
import type { Asking } from './read-call.ts';
import type { Flight } from './single-flight.ts';

/** Told of a flight's end before anyone who waits for its answer. */
export interface Tower<Input, Value> {
  arrived(flight: LiveFlight<Input, Value>, value: Value): Value;
  failed(flight: LiveFlight<Input, Value>, error: unknown): void;
}

/** What a flight may have of its own. */
interface Terms {
  /** How much of its caller's time is over already, in ms. @default 0 */
  readonly waitedMs?: number;
  /** Ends it. */
  readonly signal?: AbortSignal | undefined;
  /** A permit that was taken before. */
  readonly permit?: Permit;
}

const usual: Terms = {};

/** A call that is a flight: most often nobody joins it, and it must not cost more than a call. */
export class LiveFlight<Input, Value> extends Call<Value> implements Flight<Value> {
  began = 0;
  waiting = 1;
  joined = false;
  overtaken = false;
  landing: Promise<Value> | undefined = undefined;
  protected readonly breaker: Breaker;
  /** Whoever began it. */
  readonly asking: Asking<Input, Value>;
  /** When it began, in the cache's moments. */
  readSince = 0;
  readonly #read: DeclaredRead<Input, Value>;
  readonly #tower: Tower<Input, Value>;

  constructor(
    read: DeclaredRead<Input, Value>,
    tower: Tower<Input, Value>,
    asking: Asking<Input, Value>,
    { waitedMs = 0, signal, permit }: Terms = usual,
  ) {
    const { policy } = read.engine;
    const deadline = policy.deadline(asking.limits.timeoutMs, waitedMs);
    // One that waited for others begins when they are done.
    super(policy.around, deadline, signal, waitedMs > 0 ? undefined : asking.startedAt, permit);
    this.breaker = read.breaker;
    this.asking = asking;
    this.#read = read;
    this.#tower = tower;
  }

  override start(): Promise<Value> {
    this.readSince = this.#read.engine.cache.beginRead();
    return super.start();
  }

  depart(): Promise<Value> {
    return this.start().then(
      (value) => this.#tower.arrived(this, value),
      (error: unknown) => {
        this.#tower.failed(this, error);
        throw error;
      },
    );
  }

  protected override send(): PromiseLike<Value> | Value {
    return this.#read.spec.run(this.asking.input, new LiveContext(this, this.asking));
  }

  protected override retriable(failure: Failure): boolean {
    return isRepeatable(failure, true);
  }

  protected override tried(number: number, failure: Failure | undefined): void {
    this.asking.tried(number, failure, this);
  }
}

/** What `run` gets: its signal is made only when it is read. */
class LiveContext implements ReadContext {
  readonly headers: SentHeaders;
  readonly kept: unknown;
  readonly #deadline: DeadlineContext;

  constructor(deadline: DeadlineContext, { headers, kept }: Pick<ReadContext, 'headers' | 'kept'>) {
    this.#deadline = deadline;
    this.headers = headers;
    this.kept = kept;
  }

  get signal(): AbortSignal {
    return this.#deadline.signal;
  }
}
