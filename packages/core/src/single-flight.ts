/** One call a key: who comes while it is in the air shares its answer, or its failure. */

import type { Clock } from './clock.ts';
import { TimeoutError } from './errors.ts';
import { CallAborted } from './policy/policy.ts';

/** How long one caller waits. */
export interface Patience {
  readonly timeoutMs: number;
  /** How much of that is over already, in ms. */
  readonly waitedMs: number;
  readonly signal: AbortSignal | undefined;
}

/** A call in the air, as the one who makes it sees it. */
export interface Flight {
  /** Aborts when nobody waits any more. Absent where the first caller cannot give up. */
  readonly signal: AbortSignal | undefined;
  readonly waitedMs: number;
  /** Whether others wait for it, too. */
  joined: boolean;
  /** To be set where what it asked for changed meanwhile: who joined may have come after that. */
  overtaken: boolean;
}

/** Makes a call; it must have ended by the deadline of the caller who begins it. */
export type Call<Value> = (flight: Flight) => Promise<Value>;

interface SharedFlight<Value> {
  readonly flight: Flight;
  readonly answer: Promise<Value>;
  readonly began: number;
  readonly lastsMs: number;
  readonly ending: AbortController | undefined;
  waiting: number;
}

interface Surroundings<Value> {
  readonly clock: Clock;
  /** An answer that is not belongs to the caller who began; others then call for themselves. */
  readonly isSharable: (value: Value) => boolean;
  /** Told of a failure that several waited for, before they are. */
  readonly onSharedFailure: (key: string, error: unknown) => void;
}

/** Calls in the air, by key. */
export class SingleFlight<Value> {
  readonly #flights = new Map<string, SharedFlight<Value>>();
  readonly #around: Surroundings<Value>;
  #moment = 0;

  constructor(around: Surroundings<Value>) {
    this.#around = around;
  }

  /**
   * The answer of the flight in the air, or of a new one. A caller may leave at its abort or its own
   * deadline: the flight goes on for the others, and is ended when nobody waits for it any more. An
   * answer that was overtaken since it was asked for is asked for once more by those who joined.
   */
  fly(
    key: string,
    patience: Patience,
    call: Call<Value>,
    came: number = ++this.#moment,
  ): Promise<Value> {
    const shared = this.#flights.get(key);
    // One that ends before this caller's time would cut it short.
    if (shared && shared.lastsMs >= patience.timeoutMs - patience.waitedMs)
      return this.#join(key, shared, patience, call, came);
    const begun = this.#begin(key, patience, call);
    return patience.signal ? this.#leavable(key, begun, patience) : begun.answer;
  }

  async #join(
    key: string,
    shared: SharedFlight<Value>,
    patience: Patience,
    call: Call<Value>,
    came: number,
  ): Promise<Value> {
    const { clock, isSharable } = this.#around;
    const { flight, answer, lastsMs, began } = shared;
    const { timeoutMs, waitedMs, signal } = patience;
    const joinedAt = clock.elapsed();
    shared.waiting += 1;
    flight.joined = true;
    const leaves = signal || timeoutMs - waitedMs < lastsMs;
    const value = await (leaves ? this.#leavable(key, shared, patience) : answer);
    const own = !isSharable(value);
    if (!own && (!flight.overtaken || began > came)) return value;
    const later = { ...patience, waitedMs: waitedMs + clock.elapsed() - joinedAt };
    return own ? call(flightOf(later.waitedMs, signal)) : this.fly(key, later, call, came);
  }

  #begin(
    key: string,
    { timeoutMs, waitedMs, signal }: Patience,
    call: Call<Value>,
  ): SharedFlight<Value> {
    const ending = signal && new AbortController();
    const flight = flightOf(waitedMs, ending?.signal);
    const began = ++this.#moment;
    const answer = call(flight);
    const lastsMs = timeoutMs - waitedMs;
    const shared = { flight, answer, began, lastsMs, ending, waiting: 1 };
    this.#flights.set(key, shared);
    answer.then(
      () => this.#remove(key, shared),
      (error: unknown) => {
        this.#remove(key, shared);
        if (flight.joined) this.#around.onSharedFailure(key, error);
      },
    );
    return shared;
  }

  #leavable(
    key: string,
    shared: SharedFlight<Value>,
    { timeoutMs, waitedMs, signal }: Patience,
  ): Promise<Value> {
    return new Promise((resolve, reject) => {
      const late = () => {
        const error = new TimeoutError(timeoutMs);
        error.sent = true;
        leave(error);
      };
      const aborted = () => leave(new CallAborted(signal?.reason, true));
      const leftMs = timeoutMs - waitedMs;
      const cancel = leftMs < shared.lastsMs ? this.#around.clock.after(leftMs, late) : undefined;
      signal?.addEventListener('abort', aborted, { once: true });

      shared.answer.then(
        (value) => {
          release();
          resolve(value);
        },
        (error: unknown) => {
          release();
          reject(error);
        },
      );

      const leave = (error: Error) => {
        release();
        reject(error);
        shared.waiting -= 1;
        if (shared.waiting > 0) return;
        this.#remove(key, shared);
        shared.ending?.abort(error);
      };
      const release = () => {
        cancel?.();
        signal?.removeEventListener('abort', aborted);
      };
    });
  }

  /** Whoever comes later must not join it; another may fly in its place already. */
  #remove(key: string, shared: SharedFlight<Value>): void {
    if (this.#flights.get(key) === shared) this.#flights.delete(key);
  }
}

/** A call that nobody else waits for yet. */
export function flightOf(waitedMs: number, signal: AbortSignal | undefined): Flight {
  return { signal, waitedMs, joined: false, overtaken: false };
}
